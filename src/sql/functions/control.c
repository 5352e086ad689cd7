// SPDX-License-Identifier: Apache-2.0
// Functions that do something: wait, carve.
#include <time.h>

#include "sql/internal.h"

// Waits in small steps, so that a query that is cancelled ends soon.
static void call_sleep(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	struct sql *sql = sqlite3_user_data(context);
	sqlite3_int64 seconds = sqlite3_value_int64(arguments[0]);
	const struct timespec step = { 0, 20 * 1000 * 1000 };
	struct timespec now, end;

	(void) n;
	if (seconds < 0)
		seconds = 0;
	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	end = now;
	end.tv_sec += seconds;
	while (now.tv_sec < end.tv_sec || (now.tv_sec == end.tv_sec && now.tv_nsec < end.tv_nsec)) {
		if (sql_must_stop(sql)) {
			sqlite3_result_error_code(context, SQLITE_INTERRUPT);
			return;
		}
		(void) nanosleep(&step, NULL);
		(void) clock_gettime(CLOCK_MONOTONIC, &now);
	}
	sqlite3_result_int64(context, seconds);
}

static void add_carve(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	(void) context;
	(void) n;
	(void) arguments;
}

// The carver is off as long as the flag carver_disable_function says so, which nothing can change
// yet.
static void end_carve(sqlite3_context *context)
{
	sqlite3_result_text(context, "Carve Failed:", -1, SQLITE_STATIC);
}

static const struct function list[] = {
	{ "sleep", 1, call_sleep, "Waits that many seconds.", .impure = true },
	{ "carve", 1, add_carve, "Collects the files of a column of paths.", .impure = true,
		.end = end_carve },
};

const struct functions functions_control = {
	.name = "control",
	.list = list,
	.n = sizeof(list) / sizeof(list[0]),
};
