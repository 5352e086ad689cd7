// SPDX-License-Identifier: Apache-2.0
#include "host/smbios.h"
#include "test.h"

static struct smbios table_of(const void *bytes, size_t length)
{
	return (struct smbios){ .bytes = bytes, .length = length };
}

static const char two[] = "\x04\x06\x01\x02\x02\x09"
			  "one\0two\0\0"
			  "\x7f\x04\x00\x00\0"; // its second NUL is that of the literal

TEST(fields_and_strings_are_found_by_offset)
{
	struct smbios table = table_of(two, sizeof(two));
	struct smbios_structure structure;

	CHECK(smbios_next(&table, &structure));
	CHECK(structure.type == 4 && structure.length == 6 && structure.handle == 0x0201);
	CHECK(smbios_byte(&structure, 5) == 9 && smbios_word(&structure, 4) == 0x0902);
	CHECK_TEXT(smbios_string(&structure, 4), "two");
	CHECK(!smbios_next(&table, &structure)); // the end marker
}

TEST(fields_beyond_the_structure_are_nothing)
{
	struct smbios table = table_of(two, sizeof(two));
	struct smbios_structure structure;

	CHECK(smbios_next(&table, &structure));
	CHECK(smbios_byte(&structure, 6) == 0 && smbios_word(&structure, 5) == 0);
	CHECK_TEXT(smbios_string(&structure, 5), ""); // there is no ninth string
	CHECK_TEXT(smbios_string(&structure, 200), "");
}

TEST(a_table_that_is_cut_anywhere_ends_there)
{
	for (size_t length = 0; length < 6 + 9; length++) {
		// of its own size, so that a sanitizer sees a step too far
		char *bytes = memcpy(malloc(length + 1), two, length);
		struct smbios table = table_of(bytes, length);
		struct smbios_structure structure;

		CHECK(!smbios_next(&table, &structure));
		free(bytes);
	}
}

TEST(a_header_shorter_than_a_header_is_the_end)
{
	struct smbios table = table_of("\x04\x03\x00\x00\0\0", 6);
	struct smbios_structure structure;

	CHECK(!smbios_next(&table, &structure));
}

TEST(a_structure_without_strings_has_two_nuls)
{
	struct smbios table = table_of("\x01\x05\x00\x00\x01\0\0\x02\x04\x00\x00\0\0", 13);
	struct smbios_structure structure;

	CHECK(smbios_next(&table, &structure) && structure.type == 1);
	CHECK_TEXT(smbios_string(&structure, 4), "");
	CHECK(smbios_next(&table, &structure) && structure.type == 2);
	CHECK(!smbios_next(&table, &structure));
}
