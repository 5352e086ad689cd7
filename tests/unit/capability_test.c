// SPDX-License-Identifier: Apache-2.0
#include "tables/file/capability.h"
#include "test.h"

static void check(const void *value, size_t length, const char *expected)
{
	struct text text = { 0 };

	CHECK(capability_decode(value, length, &text));
	CHECK_TEXT(text.bytes, expected);
	text_done(&text);
}

TEST(the_three_versions_are_read)
{
	check("\x01\0\0\x01\0\x20\0\0\0\0\0\0", 12, "cap_net_raw=ep");
	check("\0\0\0\x02\x01\0\0\0\0\0\0\0\x80\0\0\0\0\0\0\0", 20, "cap_chown,cap_bpf=p");
	check("\x01\0\0\x03\0\0\0\0\x20\0\0\0\0\0\0\0\0\0\0\0\xe8\x03\0\0", 24, "cap_kill=ei");
}

TEST(capabilities_without_a_name_are_numbers)
{
	check("\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\x80\0\0\0\0", 20, "63=p");
}

TEST(none_are_an_equals_sign)
{
	check("\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, "=");
}

TEST(what_is_no_such_value_is_refused)
{
	static const char value[32] = "\x01\0\0\x02";
	struct text text = { 0 };

	for (size_t length = 0; length < sizeof(value); length++)
		CHECK(length == 20 || !capability_decode(value, length, &text));
	CHECK(!capability_decode("\0\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20, &text));
	CHECK(!text.bytes);
}
