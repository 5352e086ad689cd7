// SPDX-License-Identifier: Apache-2.0
#pragma once
// One run of a scheduled query: its rows become lines, and the lines go into the outbox in the same
// transaction that records the query's new state. Either both are there afterwards or neither is.

#include "config/config.h"
#include "events/view.h"
#include "host/host.h"
#include "output/line.h"
#include "sql/sql.h"
#include "store/record.h"
#include "store/store.h"

// What all runs have in common, from the flags.
struct execution_settings {
	const char *host_identifier;
	const char *null_text;
	const char *folder; // for large results; NULL: that for temporary files
	uint64_t epoch;
	bool numerics, event_lines, snapshot_event_lines, decorations_top_level;
	bool events_optimize; // each query is given an event once
};

struct executor {
	struct sql *sql;
	struct store *store;
	struct event_view *events; // NULL: events are disabled
	struct siphash_key key; // of the store
	struct execution_settings settings;
};

// How a run ended.
enum execution_end {
	EXECUTION_DONE,
	EXECUTION_CANCELLED, // from outside
	EXECUTION_OVER_LIMIT,
	EXECUTION_ERROR, // of the query
	EXECUTION_NOT_STORED, // it ran, but its outcome could not be recorded and was not logged
};

struct execution {
	const struct config_query *query;
	const struct decoration *decorations;
	size_t n_decorations;
	struct performance performance; // of all runs before; then with this one
	bool first; // afterwards: its first result was logged
	bool of_events; // afterwards: it has read event tables
};

// Runs the query. The reason is filled for every end but EXECUTION_DONE.
enum execution_end execute(
	struct executor *executor, struct execution *execution, struct fault *why);

// Notes in the store that a query begins, and that it has ended without a result: what it has cost
// and until when it may not run (seconds since 1970, 0: it may) for which reason (NULL: none).
int execution_begin(struct executor *executor, const struct config_query *query, struct fault *why);
int execution_fail(struct executor *executor, const struct execution *execution,
	int64_t denied_until, const char *denied_why, struct fault *why);

// The query that ran when the process that had the store before ended, or NULL. The caller frees
// it.
char *execution_unfinished(struct store *store);
