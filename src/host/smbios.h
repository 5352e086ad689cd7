// SPDX-License-Identifier: Apache-2.0
#pragma once
// The structures of an SMBIOS table (DMTF DSP0134), as /sys/firmware/dmi/tables/DMI holds them:
//
//	byte 0     type
//	byte 1     length of the formatted part, at least 4
//	bytes 2-3  handle, little endian
//	…          fields of that type
//	behind it  strings, each ended by a NUL, and one more NUL at the end; fields hold their
//	           numbers, from 1
//
// A table that is cut short or garbled ends where it stops making sense.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SMBIOS_PROCESSOR = 4, SMBIOS_END = 127 };

struct smbios_structure {
	uint8_t type, length;
	uint16_t handle;
	const uint8_t *bytes; // `length` of them
	const char *strings;
	size_t strings_bytes; // without the last NUL
};

struct smbios {
	const uint8_t *bytes;
	size_t length, at;
};

// True with the next structure, which points into the table.
bool smbios_next(struct smbios *table, struct smbios_structure *structure);

// Fields by their offset; 0 where the structure is too short to have them.
uint8_t smbios_byte(const struct smbios_structure *structure, size_t offset);
uint16_t smbios_word(const struct smbios_structure *structure, size_t offset);

// The string whose number is at `offset`, NUL-terminated; "" where there is none.
const char *smbios_string(const struct smbios_structure *structure, size_t offset);
