// SPDX-License-Identifier: Apache-2.0
// The walk over the structures of an SMBIOS table.
#include "host/smbios.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct smbios table = { .bytes = bytes, .length = length };
	struct smbios_structure structure;
	volatile size_t sum = 0;

	while (smbios_next(&table, &structure))
		for (size_t offset = 0; offset < 256; offset++)
			sum += smbios_byte(&structure, offset) + smbios_word(&structure, offset) +
				strlen(smbios_string(&structure, offset));
	return 0;
}
