// SPDX-License-Identifier: Apache-2.0
#include "host/smbios.h"

#include <string.h>

enum { HEADER = 4 };

bool smbios_next(struct smbios *table, struct smbios_structure *structure)
{
	const uint8_t *bytes = table->bytes + table->at;
	size_t left = table->length - table->at, end;

	if (left < HEADER || bytes[1] < HEADER || bytes[1] + 2u > left || bytes[0] == SMBIOS_END)
		return false;
	// no strings are two NULs as well
	for (end = bytes[1]; bytes[end] != 0 || bytes[end + 1] != 0; end++)
		if (end + 2 >= left)
			return false;

	*structure = (struct smbios_structure){
		.type = bytes[0],
		.length = bytes[1],
		.handle = (uint16_t) (bytes[2] | bytes[3] << 8),
		.bytes = bytes,
		.strings = (const char *) bytes + bytes[1],
		.strings_bytes = end + 1 - bytes[1],
	};
	table->at += end + 2;
	return true;
}

uint8_t smbios_byte(const struct smbios_structure *structure, size_t offset)
{
	return offset < structure->length ? structure->bytes[offset] : 0;
}

uint16_t smbios_word(const struct smbios_structure *structure, size_t offset)
{
	return offset + 1 < structure->length
		? (uint16_t) (structure->bytes[offset] | structure->bytes[offset + 1] << 8)
		: 0;
}

const char *smbios_string(const struct smbios_structure *structure, size_t offset)
{
	const char *string = structure->strings, *end = string + structure->strings_bytes;

	for (unsigned number = smbios_byte(structure, offset); number > 0 && string < end;) {
		if (--number == 0)
			return string;
		string += strlen(string) + 1;
	}
	return "";
}
