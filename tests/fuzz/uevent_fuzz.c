// SPDX-License-Identifier: Apache-2.0
// Messages about devices.
#include "events/uevent.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct arena arena = { 0 };
	struct uevent uevent;
	volatile size_t sum = 0;

	(void) uevent_read((const char *) bytes, length, &arena, &uevent);
	for (size_t i = 0; i < uevent.n; i++)
		sum += strlen(uevent.fields[i].name) + strlen(uevent.fields[i].value);
	arena_done(&arena);
	return 0;
}
