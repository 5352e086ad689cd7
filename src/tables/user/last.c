// SPDX-License-Identifier: Apache-2.0
// Logins and logouts of the past, from /var/log/wtmp (utmp(5)).
#include <errno.h>
#include <string.h>

#include "sql/table.h"
#include "tables/user/records.h"

enum { USERNAME, TTY, PID, TYPE, TYPE_NAME, TIME, HOST };

static const struct column columns[] = {
	[USERNAME] = { "username", TEXT, "Name of the user; empty for a logout." },
	[TTY] = { "tty", TEXT, "Terminal." },
	[PID] = { "pid", INTEGER, "Process id." },
	[TYPE] = { "type", INTEGER, "7 for a login, 8 for its end." },
	[TYPE_NAME] = { "type_name", TEXT, "user-process or dead-process." },
	[TIME] = { "time", INTEGER, "When, in seconds since 1970." },
	[HOST] = { "host", TEXT, "Where the user came from." },
};

static int open_scan(struct scan *scan, struct fault *why)
{
	int r = records_open(scan_state(scan), scan_root(scan), "var/log/wtmp");

	if (r < 0 && r != -ENOENT)
		return fail(why, r, "last: /var/log/wtmp: %s", strerror(-r));
	return 0;
}

static int next(struct scan *scan, struct fault *why)
{
	const struct utmp *record = records_next(scan_state(scan));

	(void) why;
	if (!record)
		return END;
	if (record->ut_type != USER_PROCESS && record->ut_type != DEAD_PROCESS)
		return SKIP;
	record_give(scan, USERNAME, record->ut_user, sizeof(record->ut_user));
	record_give(scan, TTY, record->ut_line, sizeof(record->ut_line));
	scan_integer(scan, PID, record->ut_pid);
	scan_integer(scan, TYPE, record->ut_type);
	scan_text(
		scan, TYPE_NAME, record->ut_type == USER_PROCESS ? "user-process" : "dead-process");
	scan_integer(scan, TIME, record->ut_tv.tv_sec);
	record_give(scan, HOST, record->ut_host, sizeof(record->ut_host));
	return ROW;
}

static void close_scan(struct scan *scan)
{
	records_close(scan_state(scan));
}

const struct table table_last = {
	.name = "last",
	.about = "Logins and logouts that were recorded.",
	COLUMNS(columns),
	EXAMPLES("SELECT username, tty, host, time FROM last WHERE type = 7 ORDER BY time DESC "
		 "LIMIT 10"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 1000 },
	.state_bytes = sizeof(struct records),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
