// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include "base/base64.h"
#include "base/json.h"
#include "test.h"

static size_t decode(const char *bytes, uint32_t *point)
{
	return utf8_decode(bytes, strlen(bytes), point);
}

TEST(valid_sequences_are_decoded)
{
	uint32_t point;

	CHECK(decode("a", &point) == 1 && point == 'a');
	CHECK(decode("\xc3\xa4", &point) == 2 && point == 0xe4);
	CHECK(decode("\xe6\xbc\xa2", &point) == 3 && point == 0x6f22);
	CHECK(decode("\xf0\x9f\x98\x80", &point) == 4 && point == 0x1f600);
}

TEST(overlong_cut_and_impossible_sequences_are_refused)
{
	static const char *const wrong[] = { "\x80", "\xc0\x80", "\xc1\xbf", "\xc3", "\xe0\x80\x80",
		"\xe6\xbc", "\xed\xa0\x80", "\xf0\x80\x80\x80", "\xf4\x90\x80\x80", "\xf5",
		"\xff" };
	uint32_t point;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(decode(wrong[i], &point) == 0);
}

static const char *printable(struct text *text, const char *bytes)
{
	text_clear(text);
	text_add(text, "", 0);
	utf8_add_printable(text, bytes, strlen(bytes));
	return text->bytes;
}

TEST(what_could_act_on_a_terminal_is_escaped)
{
	auto_text struct text text = { 0 };

	CHECK_TEXT(printable(&text, "plain \xc3\xa4"), "plain \xc3\xa4");
	CHECK_TEXT(printable(&text, "\033[2J\x7f"), "\\x1B[2J\\x7F");
	CHECK_TEXT(printable(&text, "\xc2\x9b"), "\\xC2\\x9B"); // C1
	CHECK_TEXT(printable(&text, "\xe2\x80\xae"), "\\xE2\\x80\\xAE"); // right-to-left override
	CHECK_TEXT(printable(&text, "a\xff"), "a\\xFF");
}

TEST(width_is_what_a_terminal_gives)
{
	CHECK(utf8_width("abc", 3) == 3);
	CHECK(utf8_width("\xe6\xbc\xa2", 3) == 2);
	CHECK(utf8_width("e\xcc\x81", 3) == 1);
	CHECK(utf8_width("\xff", 1) == 4);
}

static const char *quoted(struct text *text, const char *bytes, size_t length)
{
	text_clear(text);
	json_add_string(text, bytes, length);
	return text->bytes;
}

TEST(json_strings_are_valid_whatever_goes_in)
{
	auto_text struct text text = { 0 };

	CHECK_TEXT(quoted(&text, "a\"b\\c\n\x01", 7), "\"a\\\"b\\\\c\\n\\u0001\"");
	CHECK_TEXT(quoted(&text, "\xff\xc3\xa4", 3), "\"\\\\xFF\xc3\xa4\"");
	CHECK_TEXT(quoted(&text, "a\0b", 3), "\"a\\u0000b\"");
	CHECK_TEXT(quoted(&text, "\xe2\x80\xa8", 3), "\"\\u2028\"");
	CHECK_TEXT(quoted(&text, "", 0), "\"\"");
}

TEST(base64_goes_there_and_back)
{
	auto_text struct text encoded = { 0 };
	auto_text struct text decoded = { 0 };
	unsigned char bytes[256];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char) i;
	for (size_t length = 0; length <= sizeof(bytes); length++) {
		text_clear(&encoded);
		text_clear(&decoded);
		base64_add(&encoded, bytes, length);
		CHECK(encoded.length == (length + 2) / 3 * 4);
		CHECK(base64_decode(&decoded, encoded.bytes ? encoded.bytes : "", encoded.length) ==
			0);
		CHECK(decoded.length == length && memcmp(decoded.bytes, bytes, length) == 0);
	}
}
