// SPDX-License-Identifier: Apache-2.0
#include "output/line.h"

#include <errno.h>

// The same code once more, as machines without SSE2 have it.
#define JSON_WITHOUT_VECTORS
#define json_put portable_put
#define json_add_string portable_add_string
#include "base/json.c"
#undef json_put
#undef json_add_string

#include "test.h"

char *json_put(char *to, const char *bytes, size_t length);

// ---- strings of JSON ----

// What json_put promises, byte by byte.
static void escape_slowly(struct text *to, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint32_t point;
		size_t size = utf8_decode(bytes + i, length - i, &point);
		const char *shorthand = size == 1 && point ? strchr("\bb\ff\nn\rr\tt", (int) point)
							   : NULL;

		if (size == 0)
			text_printf(to, "\\\\x%02X", (unsigned char) bytes[i]);
		else if (size == 1 && (point == '"' || point == '\\'))
			text_printf(to, "\\%c", (int) point);
		else if (shorthand && point < 0x20)
			text_printf(to, "\\%c", shorthand[1]);
		else if (utf8_is_control(point))
			text_printf(to, "\\u%04x", point);
		else
			text_add(to, bytes + i, size);
		i += size ? size : 1;
	}
}

static void check_string(const char *bytes, size_t length)
{
	auto_text struct text expected = { 0 };
	// exactly the room and the bytes that are promised, so that a sanitizer sees one too many
	auto_free char *from = must_alloc(length), *to = must_alloc(JSON_ROOM(length));
	size_t size;

	memcpy(from, bytes, length);
	text_add(&expected, "", 0);
	escape_slowly(&expected, bytes, length);
	size = (size_t) (json_put(to, from, length) - to);
	CHECK(size == expected.length && memcmp(to, expected.bytes, size) == 0);
	size = (size_t) (portable_put(to, from, length) - to);
	CHECK(size == expected.length && memcmp(to, expected.bytes, size) == 0);
}

TEST(every_byte_is_written_rightly_wherever_it_stands)
{
	char bytes[40];

	for (size_t length = 1; length <= sizeof(bytes); length++)
		for (size_t at = 0; at < length; at++)
			for (int byte = 0; byte < 256; byte++) {
				memset(bytes, 'a', length);
				bytes[at] = (char) byte;
				check_string(bytes, length);
			}
}

TEST(any_bytes_are_written_alike_with_and_without_vectors)
{
	static const char *const pieces[] = { "\xc3\xa4", "\xe6\xbc\xa2", "\xf0\x9f\x98\x80",
		"\xe2\x80\xae", "\xef\xbb\xbf", "\xc2\x9b", "\xff", "\xed\xa0\x80", "\"", "\\",
		"\x7f", "\n", "plain text of some length", "a", "\xe6\xbc", "\xc0\x80" };
	uint32_t state = 1;
	char bytes[200];

	for (int i = 0; i < 20000; i++) {
		size_t length = 0;

		while (length < 150) {
			const char *piece = pieces[(state = state * 1664525 + 1013904223) >> 28];

			memcpy(bytes + length, piece, strlen(piece));
			length += strlen(piece);
			if ((state >> 8) % 16 == 0)
				break;
		}
		check_string(bytes, length);
		for (size_t k = 0; k < length; k++)
			bytes[k] = (char) (state = state * 1664525 + 1013904223, state >> 24);
		check_string(bytes, length);
	}
}

TEST(cutting_spares_characters)
{
	CHECK(utf8_cut("abc", 3, 8) == 3);
	CHECK(utf8_cut("abcdefgh", 8, 4) == 4);
	CHECK(utf8_cut("abc\xc3\xa4", 5, 4) == 3);
	CHECK(utf8_cut("a\xf0\x9f\x98\x80", 5, 4) == 1);
	CHECK(utf8_cut("\xf0\x9f\x98\x80z", 5, 4) == 4);
	CHECK(utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5) == 5);
}

TEST(long_strings_are_the_same_in_pieces)
{
	enum { LENGTH = 3 * 4096 + 17 };
	auto_free char *bytes = must_alloc(LENGTH);

	for (size_t shift = 0; shift < 4; shift++) {
		auto_text struct text text = { 0 }, expected = { 0 };

		for (size_t i = 0; i < LENGTH; i++)
			bytes[i] = i < shift ? 'x' : "\xf0\x9f\x98\x80"[(i - shift) % 4];
		text_add_char(&expected, '"');
		escape_slowly(&expected, bytes, LENGTH);
		text_add_char(&expected, '"');
		portable_add_string(&text, bytes, LENGTH);
		CHECK_TEXT(text.bytes, expected.bytes);
	}
}

// ---- lines ----

struct taken {
	struct text text;
	uint64_t n_lines;
	size_t n_calls, most;
	int fail_at; // the call that fails, from 1 on
};

static int take_lines(void *context, const char *bytes, size_t length, uint64_t n_lines, bool ends)
{
	struct taken *taken = context;
	uint64_t newlines = 0;

	CHECK(length > 0);
	CHECK(ends == (bytes[length - 1] == '\n'));
	for (size_t i = 0; i < length; i++)
		newlines += bytes[i] == '\n';
	CHECK(newlines == n_lines);
	if (++taken->n_calls == (size_t) taken->fail_at)
		return -ENOSPC;
	if (length > taken->most)
		taken->most = length;
	text_add(&taken->text, bytes, length);
	taken->n_lines += n_lines;
	return 0;
}

static const struct decoration decorations[] = { { "site", "a \"b\"" }, { "name", "x" } };

static struct line_head head(void)
{
	return (struct line_head){ .name = "pack_x_q",
		.host_identifier = "host\n\xff",
		.unix_time = 1412098650,
		.epoch = 3,
		.counter = 18446744073709551615u };
}

#define HEAD                                                                                       \
	"\"name\":\"pack_x_q\",\"hostIdentifier\":\"host\\n\\\\xFF\","                             \
	"\"calendarTime\":\"Tue Sep 30 17:37:30 2014 UTC\",\"unixTime\":1412098650,"               \
	"\"epoch\":3,\"counter\":18446744073709551615,\"numerics\":false"

static const char *const names[] = { "a", "b\"\t", "c", "d" };
static const struct row_shape shape = { .n_columns = 4, .names = (const char **) names };

// A row of "text", -5, 1.5, "".
static const char bytes_of_row[] = "\0\4text\1\011\2\0\0\0\0\0\0\370\077\0\0";
static const struct row_reader one_row = { bytes_of_row, bytes_of_row + sizeof(bytes_of_row) - 1 };

#define COLUMNS_AS_TEXT "{\"a\":\"text\",\"b\\\"\\t\":\"-5\",\"c\":\"1.5\",\"d\":\"\"}"
#define COLUMNS_AS_NUMBERS "{\"a\":\"text\",\"b\\\"\\t\":-5,\"c\":1.5,\"d\":\"\"}"

static struct taken taken_of(enum line_form form, const struct line_head *head_, size_t removed,
	size_t added, enum line_action action)
{
	struct taken taken = { 0 };
	struct line_writer *writer = line_open(form, head_, &shape, take_lines, &taken);

	for (size_t i = 0; i < removed; i++)
		CHECK(line_row(writer, LINE_REMOVED, one_row) == 0);
	for (size_t i = 0; i < added; i++)
		CHECK(line_row(writer, action, one_row) == 0);
	CHECK(line_close(writer) == 0);
	return taken;
}

TEST(an_event_is_a_line)
{
	struct line_head plain = head();
	struct taken taken = taken_of(LINE_EVENTS, &plain, 1, 1, LINE_ADDED);

	CHECK_TEXT(taken.text.bytes,
		"{" HEAD ",\"columns\":" COLUMNS_AS_TEXT ",\"action\":\"removed\"}\n"
		"{" HEAD ",\"columns\":" COLUMNS_AS_TEXT ",\"action\":\"added\"}\n");
	CHECK(taken.n_lines == 2);
	text_done(&taken.text);
	taken = taken_of(LINE_EVENTS, &plain, 0, 1, LINE_SNAPSHOT_ROW);
	CHECK(strstr(taken.text.bytes, ",\"action\":\"snapshot\"}\n"));
	text_done(&taken.text);
	taken = taken_of(LINE_EVENTS, &plain, 0, 0, LINE_ADDED);
	CHECK(taken.n_calls == 0);
}

TEST(a_difference_may_be_one_line)
{
	struct line_head plain = head();
	struct taken taken = taken_of(LINE_BATCH, &plain, 2, 1, LINE_ADDED);

	CHECK_TEXT(taken.text.bytes,
		"{\"diffResults\":{\"removed\":[" COLUMNS_AS_TEXT "," COLUMNS_AS_TEXT
		"],\"added\":[" COLUMNS_AS_TEXT "]}," HEAD "}\n");
	CHECK(taken.n_lines == 1);
	text_done(&taken.text);
	taken = taken_of(LINE_BATCH, &plain, 0, 0, LINE_ADDED);
	CHECK_TEXT(taken.text.bytes, "{\"diffResults\":{\"removed\":[],\"added\":[]}," HEAD "}\n");
	text_done(&taken.text);
}

TEST(a_snapshot_is_one_line)
{
	struct line_head plain = head();
	struct taken taken = taken_of(LINE_SNAPSHOT, &plain, 0, 2, LINE_SNAPSHOT_ROW);

	CHECK_TEXT(taken.text.bytes,
		"{\"snapshot\":[" COLUMNS_AS_TEXT "," COLUMNS_AS_TEXT
		"],\"action\":\"snapshot\"," HEAD "}\n");
	text_done(&taken.text);
	taken = taken_of(LINE_SNAPSHOT, &plain, 0, 0, LINE_SNAPSHOT_ROW);
	CHECK_TEXT(taken.text.bytes, "{\"snapshot\":[],\"action\":\"snapshot\"," HEAD "}\n");
	text_done(&taken.text);
}

TEST(numbers_stay_numbers_where_that_is_asked_for)
{
	struct line_head numeric = head();
	struct taken taken;

	numeric.numerics = true;
	taken = taken_of(LINE_EVENTS, &numeric, 0, 1, LINE_ADDED);
	CHECK(strstr(taken.text.bytes, "\"numerics\":true,\"columns\":" COLUMNS_AS_NUMBERS ","));
	text_done(&taken.text);
}

TEST(numbers_that_json_does_not_have_are_strings)
{
	static const char infinite[] = "\2\0\0\0\0\0\0\360\377\2\0\0\0\0\0\0\370\177";
	static const char *const two[] = { "a", "b" };
	static const struct row_shape pair = { .n_columns = 2, .names = (const char **) two };
	struct line_head numeric = head();
	struct taken taken = { 0 };
	struct line_writer *writer;

	numeric.numerics = true;
	writer = line_open(LINE_EVENTS, &numeric, &pair, take_lines, &taken);
	CHECK(line_row(writer, LINE_ADDED,
		      (struct row_reader){ infinite, infinite + sizeof(infinite) - 1 }) == 0);
	CHECK(line_close(writer) == 0);
	CHECK(strstr(taken.text.bytes, "{\"a\":\"-Inf\",\"b\":\"NaN\"}"));
	text_done(&taken.text);
}

TEST(decorations_are_an_object_or_members_of_the_line)
{
	struct line_head decorated = head();
	struct taken taken;

	decorated.decorations = decorations;
	decorated.n_decorations = 2;
	taken = taken_of(LINE_EVENTS, &decorated, 0, 1, LINE_ADDED);
	CHECK(strstr(taken.text.bytes,
		"\"numerics\":false,\"decorations\":{\"site\":\"a \\\"b\\\"\",\"name\":\"x\"},"
		"\"columns\":"));
	text_done(&taken.text);
	decorated.decorations_top_level = true;
	decorated.n_decorations = 1;
	taken = taken_of(LINE_EVENTS, &decorated, 0, 1, LINE_ADDED);
	CHECK(strstr(taken.text.bytes, "\"numerics\":false,\"site\":\"a \\\"b\\\"\",\"columns\":"));
	text_done(&taken.text);
}

TEST(a_decoration_cannot_take_the_name_of_a_member)
{
	struct line_head decorated = head();
	struct taken taken;

	decorated.decorations = decorations;
	decorated.n_decorations = 2;
	decorated.decorations_top_level = true;
	taken = taken_of(LINE_EVENTS, &decorated, 0, 1, LINE_ADDED);
	CHECK(strstr(taken.text.bytes,
		"\"decorations\":{\"name\":\"x\"},\"site\":\"a \\\"b\\\"\",\"columns\":"));
	text_done(&taken.text);
}

TEST(chunks_end_with_lines_unless_a_line_is_longer)
{
	struct line_head plain = head();
	struct taken taken = taken_of(LINE_EVENTS, &plain, 0, 20000, LINE_ADDED);

	CHECK(taken.n_lines == 20000);
	CHECK(taken.n_calls > 10 && taken.n_calls < 40);
	CHECK(taken.most <= 256 * 1024 && taken.most > 250 * 1024);
	text_done(&taken.text);
	taken = taken_of(LINE_SNAPSHOT, &plain, 0, 20000, LINE_SNAPSHOT_ROW);
	CHECK(taken.n_lines == 1);
	CHECK(taken.n_calls > 3);
	text_done(&taken.text);
}

TEST(a_text_of_megabytes_is_one_line)
{
	enum { LENGTH = 1500000 };
	static const char *const one[] = { "t" };
	static const struct row_shape single = { .n_columns = 1, .names = (const char **) one };
	struct line_head plain = head();
	struct taken taken = { 0 };
	auto_text struct text row = { 0 }, expected = { 0 };
	struct line_writer *writer;
	char *bytes;

	text_add(&row, "\0\xe0\xc6\x5b", 4); // VALUE_TEXT, LENGTH
	bytes = text_extend(&row, LENGTH);
	for (size_t i = 0; i < LENGTH; i++)
		bytes[i] = "\xe6\xbc\xa2\n\xff"[i % 5];
	text_add_string(&expected, "{" HEAD ",\"columns\":{\"t\":\"");
	escape_slowly(&expected, bytes, LENGTH);
	text_add_string(&expected, "\"},\"action\":\"added\"}\n");

	writer = line_open(LINE_EVENTS, &plain, &single, take_lines, &taken);
	CHECK(line_row(writer, LINE_ADDED,
		      (struct row_reader){ row.bytes, row.bytes + row.length }) == 0);
	CHECK(line_close(writer) == 0);
	CHECK(taken.n_calls > 5);
	CHECK_TEXT(taken.text.bytes, expected.bytes);
	text_done(&taken.text);
}

TEST(a_row_of_other_bytes_leaves_no_trace)
{
	static const char *const wrong[] = { "", "\0\4text", "\0\4tex" };
	struct line_head plain = head();
	struct taken taken = { 0 };
	struct line_writer *writer = line_open(LINE_SNAPSHOT, &plain, &shape, take_lines, &taken);

	for (size_t i = 0; i < 3; i++)
		CHECK(line_row(writer, LINE_SNAPSHOT_ROW,
			      (struct row_reader){ wrong[i], wrong[i] + 2 * i }) == -EUCLEAN);
	CHECK(line_close(writer) == 0);
	CHECK_TEXT(taken.text.bytes, "{\"snapshot\":[],\"action\":\"snapshot\"," HEAD "}\n");
	text_done(&taken.text);
}

TEST(what_the_taker_says_ends_the_writing)
{
	struct line_head plain = head();
	struct taken taken = { .fail_at = 2 };
	struct line_writer *writer = line_open(LINE_EVENTS, &plain, &shape, take_lines, &taken);
	int r = 0;

	for (size_t i = 0; r == 0 && i < 20000; i++)
		r = line_row(writer, LINE_ADDED, one_row);
	CHECK(r == -ENOSPC);
	CHECK(line_row(writer, LINE_ADDED, one_row) == -ENOSPC);
	CHECK(line_close(writer) == -ENOSPC);
	CHECK(taken.n_calls == 2);
	text_done(&taken.text);
}

TEST(removed_rows_cannot_follow_added_ones_in_a_batch)
{
	struct line_head plain = head();
	struct taken taken = { 0 };
	struct line_writer *writer = line_open(LINE_BATCH, &plain, &shape, take_lines, &taken);

	CHECK(line_row(writer, LINE_ADDED, one_row) == 0);
	CHECK(line_row(writer, LINE_REMOVED, one_row) == -EINVAL);
	line_cancel(writer);
	CHECK(taken.n_calls == 0);
}
