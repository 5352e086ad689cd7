// SPDX-License-Identifier: Apache-2.0
// Physical address ranges, from /proc/iomem (kernel/resource.c).
#include <errno.h>
#include <string.h>

#include "sql/table.h"

enum { NAME, START, END_ADDRESS };

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "What the range belongs to." },
	[START] = { "start", TEXT, "First address, as 0x…; all zero for readers without rights." },
	[END_ADDRESS] = { "end", TEXT, "Last address, as 0x…." },
};

static int generate(struct scan *scan, struct fault *why)
{
	char *text = scan_read(scan, "proc/iomem", NULL);
	char *line;

	if (!text)
		return errno == ENOENT ? 0 : fail(why, -errno, "memory_map: /proc/iomem: %m");

	while ((line = text_line(&text))) {
		// ranges within ranges are indented
		char *range = text_trim(line), *name = strstr(range, " : ");
		char *dash = strchr(range, '-');
		bool more;

		if (!name || !dash || dash > name)
			continue;
		*name = *dash = '\0';
		more = scan_row(scan);
		scan_text(scan, NAME, name + strlen(" : "));
		scan_printf(scan, START, "0x%s", range);
		scan_printf(scan, END_ADDRESS, "0x%s", dash + 1);
		if (!more)
			break;
	}
	return 0;
}

const struct table table_memory_map = {
	.name = "memory_map",
	.about = "Physical memory and device ranges of the machine.",
	COLUMNS(columns),
	EXAMPLES("SELECT start, \"end\" FROM memory_map WHERE name = 'System RAM'"),
	.generate = generate,
};
