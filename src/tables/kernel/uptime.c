// SPDX-License-Identifier: Apache-2.0
// How long the machine has been up, from /proc/uptime (proc_uptime(5)).
#include <errno.h>
#include <inttypes.h>

#include "sql/table.h"

enum { DAYS, HOURS, MINUTES, SECONDS, TOTAL_SECONDS };

static const struct column columns[] = {
	[DAYS] = { "days", INTEGER, "Whole days since boot." },
	[HOURS] = { "hours", INTEGER, "Hours beyond the days." },
	[MINUTES] = { "minutes", INTEGER, "Minutes beyond the hours." },
	[SECONDS] = { "seconds", INTEGER, "Seconds beyond the minutes." },
	[TOTAL_SECONDS] = { "total_seconds", BIGINT, "All seconds since boot." },
};

static int generate(struct scan *scan, struct fault *why)
{
	char *text = scan_read(scan, "proc/uptime", NULL);
	int64_t total;

	if (!text)
		return fail(why, -errno, "uptime: /proc/uptime: %m");
	if (sscanf(text, "%" SCNd64, &total) != 1)
		return fail(why, -EBADMSG, "uptime: /proc/uptime does not begin with a number");

	scan_row(scan);
	scan_integer(scan, DAYS, total / 86400);
	scan_integer(scan, HOURS, total / 3600 % 24);
	scan_integer(scan, MINUTES, total / 60 % 60);
	scan_integer(scan, SECONDS, total % 60);
	scan_integer(scan, TOTAL_SECONDS, total);
	return 0;
}

const struct table table_uptime = {
	.name = "uptime",
	.about = "Time since the machine was started.",
	COLUMNS(columns),
	EXAMPLES("SELECT total_seconds FROM uptime"),
	.estimate.rows = 1,
	.generate = generate,
};
