// SPDX-License-Identifier: Apache-2.0
// The queries that are scheduled and what each has cost.
#include <time.h>

#include "host/host.h"
#include "sql/table.h"

enum {
	NAME,
	QUERY,
	INTERVAL,
	EXECUTIONS,
	LAST_EXECUTED,
	DENYLISTED,
	OUTPUT_SIZE,
	WALL_TIME,
	WALL_TIME_MS,
	LAST_WALL_TIME_MS,
	USER_TIME,
	LAST_USER_TIME,
	SYSTEM_TIME,
	LAST_SYSTEM_TIME,
	AVERAGE_MEMORY,
	LAST_MEMORY,
	DENYLISTED_UNTIL,
	DENYLIST_REASON
};

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the query, with that of its pack." },
	[QUERY] = { "query", TEXT, "Its SQL." },
	[INTERVAL] = { "interval", INTEGER, "Seconds between two runs, as configured." },
	[EXECUTIONS] = { "executions", BIGINT, "Times it was run." },
	[LAST_EXECUTED] = { "last_executed", BIGINT, "Last run, in seconds since 1970." },
	[DENYLISTED] = { "denylisted", INTEGER,
		"1 if it is not run because it used too much before, else 0.",
		.alias = "blacklisted" },
	[OUTPUT_SIZE] = { "output_size", BIGINT, "Bytes of the rows of all runs." },
	[WALL_TIME] = { "wall_time", BIGINT, "Seconds that all runs took." },
	[WALL_TIME_MS] = { "wall_time_ms", BIGINT, "Milliseconds that all runs took." },
	[LAST_WALL_TIME_MS] = { "last_wall_time_ms", BIGINT, "Milliseconds of the last run." },
	[USER_TIME] = { "user_time", BIGINT, "Milliseconds of user time of all runs." },
	[LAST_USER_TIME] = { "last_user_time", BIGINT, "Milliseconds of user time of the last." },
	[SYSTEM_TIME] = { "system_time", BIGINT, "Milliseconds of system time of all runs." },
	[LAST_SYSTEM_TIME] = { "last_system_time", BIGINT,
		"Milliseconds of system time of the last." },
	[AVERAGE_MEMORY] = { "average_memory", BIGINT, "Bytes that a run held on average." },
	[LAST_MEMORY] = { "last_memory", BIGINT, "Bytes that the last run held." },
	[DENYLISTED_UNTIL] = { "denylisted_until", BIGINT,
		"When it may run again, in seconds since 1970; 0 if it may.", HIDDEN },
	[DENYLIST_REASON] = { "denylist_reason", TEXT, "Why it may not run.", HIDDEN },
};

static void give_performance(struct scan *scan, const struct performance *performance)
{
	scan_integer(scan, EXECUTIONS, performance->executions);
	scan_integer(scan, LAST_EXECUTED, performance->last_executed);
	scan_integer(scan, OUTPUT_SIZE, performance->output_bytes);
	scan_integer(scan, WALL_TIME, performance->wall_ms / 1000);
	scan_integer(scan, WALL_TIME_MS, performance->wall_ms);
	scan_integer(scan, LAST_WALL_TIME_MS, performance->last_wall_ms);
	scan_integer(scan, USER_TIME, performance->user_ms);
	scan_integer(scan, LAST_USER_TIME, performance->last_user_ms);
	scan_integer(scan, SYSTEM_TIME, performance->system_ms);
	scan_integer(scan, LAST_SYSTEM_TIME, performance->last_system_ms);
	scan_integer(scan, AVERAGE_MEMORY, performance->memory_bytes);
	scan_integer(scan, LAST_MEMORY, performance->last_memory_bytes);
}

static int generate(struct scan *scan, struct fault *why)
{
	const struct agent *agent = scan_host(scan)->agent;
	int64_t now = time(NULL);
	bool more = true;

	(void) why; // always at hand
	if (agent->refresh)
		agent->refresh(agent->refresh_context);
	for (size_t i = 0; more && i < agent->n_queries; i++) {
		const struct query_report *query = &agent->queries[i];
		bool denied = query->denied_until > now;

		more = scan_row(scan);
		scan_text(scan, NAME, query->name);
		scan_text(scan, QUERY, query->sql);
		scan_integer(scan, INTERVAL, (int64_t) query->interval_s);
		give_performance(scan, &query->performance);
		scan_integer(scan, DENYLISTED, denied);
		scan_integer(scan, DENYLISTED_UNTIL, denied ? query->denied_until : 0);
		scan_text(scan, DENYLIST_REASON, denied ? query->denied_why : NULL);
	}
	return 0;
}

const struct table table_osquery_schedule = {
	.name = "osquery_schedule",
	.about = "Scheduled queries and what they have cost.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, interval, executions, wall_time_ms FROM osquery_schedule",
		"SELECT name, denylist_reason, denylisted_until FROM osquery_schedule "
		"WHERE denylisted"),
	.attributes = UTILITY,
	.estimate = { .rows = 100, .start = 1, .row = 0.1 },
	.generate = generate,
};
