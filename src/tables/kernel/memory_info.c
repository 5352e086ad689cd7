// SPDX-License-Identifier: Apache-2.0
// What the memory of the machine is used for, from /proc/meminfo (proc_meminfo(5)).
#include <inttypes.h>
#include <string.h>

#include "sql/table.h"

enum {
	MEMORY_TOTAL,
	MEMORY_FREE,
	MEMORY_AVAILABLE,
	BUFFERS,
	CACHED,
	SWAP_CACHED,
	ACTIVE,
	INACTIVE,
	SWAP_TOTAL,
	SWAP_FREE,
	COLUMN_COUNT,
};

static const struct column columns[] = {
	[MEMORY_TOTAL] = { "memory_total", BIGINT, "Bytes of RAM that the kernel can use." },
	[MEMORY_FREE] = { "memory_free", BIGINT, "Bytes of RAM that hold nothing." },
	[MEMORY_AVAILABLE] = { "memory_available", BIGINT,
		"Bytes that programs could still get without swapping." },
	[BUFFERS] = { "buffers", BIGINT, "Bytes of cached blocks of devices." },
	[CACHED] = { "cached", BIGINT, "Bytes of cached files, shared memory included." },
	[SWAP_CACHED] = { "swap_cached", BIGINT, "Bytes that are both in RAM and in swap." },
	[ACTIVE] = { "active", BIGINT, "Bytes used of late, reclaimed last." },
	[INACTIVE] = { "inactive", BIGINT, "Bytes not used of late, reclaimed first." },
	[SWAP_TOTAL] = { "swap_total", BIGINT, "Bytes of swap." },
	[SWAP_FREE] = { "swap_free", BIGINT, "Bytes of swap that hold nothing." },
};

static const char *const keys[COLUMN_COUNT] = {
	[MEMORY_TOTAL] = "MemTotal",
	[MEMORY_FREE] = "MemFree",
	[MEMORY_AVAILABLE] = "MemAvailable",
	[BUFFERS] = "Buffers",
	[CACHED] = "Cached",
	[SWAP_CACHED] = "SwapCached",
	[ACTIVE] = "Active",
	[INACTIVE] = "Inactive",
	[SWAP_TOTAL] = "SwapTotal",
	[SWAP_FREE] = "SwapFree",
};

static void give_line(struct scan *scan, const char *key, const char *number)
{
	int64_t kib;

	if (text_integer(number, 10, &kib) < 0 || kib < 0 || kib > INT64_MAX / 1024)
		return;
	for (unsigned i = 0; i < COLUMN_COUNT; i++)
		if (strcmp(key, keys[i]) == 0)
			scan_integer(scan, i, kib * 1024);
}

static int generate(struct scan *scan, struct fault *why)
{
	char *text = scan_read(scan, "proc/meminfo", NULL);
	char *line;

	(void) why; // a host that does not say is a row without numbers
	scan_row(scan);
	while (text && (line = text_line(&text))) {
		char *key = text_word(&line, ": ");
		char *number = key ? text_word(&line, ": ") : NULL;

		if (number)
			give_line(scan, key, number);
	}
	return 0;
}

const struct table table_memory_info = {
	.name = "memory_info",
	.about = "How much memory there is and what it is used for.",
	COLUMNS(columns),
	EXAMPLES("SELECT 100 * memory_available / memory_total AS percent FROM memory_info"),
	.estimate.rows = 1,
	.generate = generate,
};
