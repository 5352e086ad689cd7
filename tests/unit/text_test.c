// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <arpa/inet.h>
#include <errno.h>

#include "test.h"

TEST(a_text_grows)
{
	auto_text struct text text = { 0 };

	for (int i = 0; i < 10000; i++)
		text_printf(&text, "%d,", i % 10);
	CHECK(text.length == 20000 && strlen(text.bytes) == 20000);
	text_clear(&text);
	text_add_string(&text, "again");
	CHECK_TEXT(text.bytes, "again");
	memcpy(text_extend(&text, 2), "st", 2);
	CHECK_TEXT(text.bytes, "against");
}

TEST(lines_are_cut_with_and_without_a_last_newline)
{
	char bytes[] = "one\n\ntwo\r\nthree";
	char *rest = bytes;

	CHECK_TEXT(text_line(&rest), "one");
	CHECK_TEXT(text_line(&rest), "");
	CHECK_TEXT(text_line(&rest), "two");
	CHECK_TEXT(text_line(&rest), "three");
	CHECK(!text_line(&rest));
}

TEST(words_are_cut_at_any_number_of_separators)
{
	char bytes[] = "  a \t b  ";
	char *rest = bytes;

	CHECK_TEXT(text_word(&rest, " \t"), "a");
	CHECK_TEXT(text_word(&rest, " \t"), "b");
	CHECK(!text_word(&rest, " \t"));
}

TEST(trimming_takes_blanks_at_both_ends)
{
	char some[] = " \t a b \r\n", none[] = "a", all[] = "  ";

	CHECK_TEXT(text_trim(some), "a b");
	CHECK_TEXT(text_trim(none), "a");
	CHECK_TEXT(text_trim(all), "");
}

TEST(numbers_are_the_whole_text_or_none)
{
	uint64_t whole;
	int64_t number;

	CHECK(text_integer("-42", 10, &number) == 0 && number == -42);
	CHECK(text_integer("0x10", 0, &number) == 0 && number == 16);
	CHECK(text_integer("010", 0, &number) == 0 && number == 8);
	CHECK(text_integer("", 10, &number) == -EINVAL);
	CHECK(text_integer("1x", 10, &number) == -EINVAL);
	CHECK(text_integer("9223372036854775808", 10, &number) == -ERANGE);
	CHECK(text_unsigned("18446744073709551615", 10, &whole) == 0 && whole == UINT64_MAX);
	CHECK(text_unsigned("-1", 10, &whole) == -EINVAL);
	CHECK(text_unsigned("18446744073709551616", 10, &whole) == -ERANGE);
}

TEST(near_names_have_a_small_distance)
{
	CHECK(text_distance("processes", "processes") == 0);
	CHECK(text_distance("Processes", "processes") == 0);
	CHECK(text_distance("proceses", "processes") == 1);
	CHECK(text_distance("porcesses", "processes") == 1);
	CHECK(text_distance("prcoessse", "processes") == 2);
	CHECK(text_distance("users", "groups") == 4);
	CHECK(text_distance("", "abcdefgh") == 4);
}

TEST(addresses_are_written_as_inet_ntop_writes_them)
{
	char ours[16], theirs[16];

	for (unsigned i = 0; i < 65536; i++) {
		unsigned char address[4] = { (unsigned char) (i >> 8), (unsigned char) i,
			(unsigned char) (i * 7), (unsigned char) (i * 31 >> 3) };

		text_ipv4(address, ours);
		CHECK(inet_ntop(AF_INET, address, theirs, sizeof(theirs)));
		CHECK_TEXT(ours, theirs);
	}
}
