// SPDX-License-Identifier: Apache-2.0
// Who is logged in, and other states of terminals, from /var/run/utmp (utmp(5)).
#include <errno.h>
#include <string.h>

#include "sql/table.h"
#include "tables/user/records.h"

enum { TYPE, USER, TTY, HOST, TIME, PID };

static const struct column columns[] = {
	[TYPE] = { "type", TEXT,
		"Kind of the record: user is a login; dead, login, init, boot_time, runlevel, …." },
	[USER] = { "user", TEXT, "Name of the user." },
	[TTY] = { "tty", TEXT, "Terminal." },
	[HOST] = { "host", TEXT, "Where the user came from." },
	[TIME] = { "time", BIGINT, "When the record was made, in seconds since 1970." },
	[PID] = { "pid", INTEGER, "Process id." },
	ELSEWHERE("sid", TEXT),
	ELSEWHERE("registry_hive", TEXT),
};

static const char *const types[] = {
	[EMPTY] = "empty",
	[RUN_LVL] = "runlevel",
	[BOOT_TIME] = "boot_time",
	[NEW_TIME] = "new_time",
	[OLD_TIME] = "old_time",
	[INIT_PROCESS] = "init",
	[LOGIN_PROCESS] = "login",
	[USER_PROCESS] = "user",
	[DEAD_PROCESS] = "dead",
	[ACCOUNTING] = "accounting",
};

static int open_scan(struct scan *scan, struct fault *why)
{
	int r = records_open(scan_state(scan), scan_root(scan), "var/run/utmp");

	if (r == -ENOENT) // where /var/run is no link
		r = records_open(scan_state(scan), scan_root(scan), "run/utmp");
	if (r < 0 && r != -ENOENT)
		return fail(why, r, "logged_in_users: /var/run/utmp: %s", strerror(-r));
	return 0;
}

static int next(struct scan *scan, struct fault *why)
{
	const struct utmp *record = records_next(scan_state(scan));
	size_t type;

	(void) why;
	if (!record)
		return END;
	if (record->ut_pid == 1)
		return SKIP;
	type = (size_t) record->ut_type; // a negative one is out of range, too
	scan_text(scan, TYPE, type < sizeof(types) / sizeof(types[0]) ? types[type] : "unknown");
	record_give(scan, USER, record->ut_user, sizeof(record->ut_user));
	record_give(scan, TTY, record->ut_line, sizeof(record->ut_line));
	record_give(scan, HOST, record->ut_host, sizeof(record->ut_host));
	scan_integer(scan, TIME, record->ut_tv.tv_sec);
	scan_integer(scan, PID, record->ut_pid);
	return ROW;
}

static void close_scan(struct scan *scan)
{
	records_close(scan_state(scan));
}

const struct table table_logged_in_users = {
	.name = "logged_in_users",
	.about = "Users who are logged in, and other states of terminals.",
	COLUMNS(columns),
	EXAMPLES("SELECT user, tty, host, time FROM logged_in_users WHERE type = 'user'"),
	.attributes = CACHEABLE,
	.estimate.rows = 10,
	.state_bytes = sizeof(struct records),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
