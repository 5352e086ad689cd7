// SPDX-License-Identifier: Apache-2.0
// Fuzzes what the watchdog reads of a role: its stat and status in /proc, with a name that the role
// chose itself.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "daemon/watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static char *copy(const uint8_t *bytes, size_t length)
{
	char *text = must_alloc(length + 1);

	memcpy(text, bytes, length);
	text[length] = '\0';
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	auto_free char *stat = copy(bytes, length);
	auto_free char *status = copy(bytes, length);
	int64_t ticks = 0;
	uint64_t memory_bytes = 0;

	if (watch_parse_stat(stat, &ticks) == 0 && ticks < 0)
		abort();
	if (watch_parse_status(status, &memory_bytes) == 0 && memory_bytes > INT64_MAX)
		abort();
	return 0;
}
