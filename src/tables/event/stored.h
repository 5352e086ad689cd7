// SPDX-License-Identifier: Apache-2.0
#pragma once
// How the rows of an event table are read: those that its part that listens has written, column by
// column under the same names. Not a table: a file beside a header is shared by its folder.
//
// Columns of a group other than 0 are not stored; the table's own `fetch` gives them.

#include "events/event_store.h"
#include "events/event_table.h"
#include "events/process.h"
#include "host/host.h"
#include "sql/table.h"

struct stored {
	struct event_cursor *cursor;
	unsigned *columns; // of the table, for each that the cursor reads
	size_t n_columns;
	int time, id; // columns that every row has, -1: not wanted
};

int stored_open(struct scan *scan, struct fault *why);
int stored_next(struct scan *scan, struct fault *why);
void stored_close(struct scan *scan);

// A column of the current row, for `fetch`: a copy in the arena of the row, or NULL.
const char *stored_text(struct scan *scan, unsigned column);
bool stored_integer(struct scan *scan, unsigned column, int64_t *value);

#define STORED_ROWS                                                                                \
	.attributes = EVENT_BASED, .estimate = { .rows = 50000, .start = 20, .row = 0.2 },         \
	.state_bytes = sizeof(struct stored), .open = stored_open, .next = stored_next,            \
	.close = stored_close

// Columns that every event table ends with, or has among its last.
#define STORED_TIME                                                                                \
	{                                                                                          \
		"time", BIGINT, "When it happened, in seconds since 1970.", ADDITIONAL             \
	}
#define STORED_UPTIME                                                                              \
	{                                                                                          \
		"uptime", BIGINT, "When it happened, in seconds since boot."                       \
	}
#define STORED_EID                                                                                 \
	{                                                                                          \
		"eid", TEXT, "Number of the row, which grows; ten digits at least.",               \
			HIDDEN | COUNTER                                                           \
	}

// Hidden columns about the process that did it, in this order, and who fills them. `first` is the
// number of the first.
#define STORED_PROCESS                                                                             \
	{ "process_key", TEXT,                                                                     \
		"Process id and start time: the same for all events of one process, and for no "   \
		"other.",                                                                          \
		HIDDEN },                                                                          \
		{ "ancestry", TEXT, "Its ancestors as JSON, the parent first.", HIDDEN },          \
		{ "container_id", TEXT, "Container that it runs in.", HIDDEN },                    \
	{                                                                                          \
		"cgroup_path", TEXT, "Its control group.", HIDDEN                                  \
	}
enum { STORED_PROCESS_COLUMNS = 4 };
void stored_write_process(struct event_writer *writer, const struct event_table_context *context,
	const struct process *process, unsigned first);

// Two hidden columns about how the call ended.
#define STORED_OUTCOME                                                                             \
	{ "success", INTEGER, "1 if the call succeeded, else 0.", HIDDEN },                        \
	{                                                                                          \
		"errno", INTEGER, "Why it failed (errno(3)), 0 if it did not.", HIDDEN             \
	}
enum { STORED_OUTCOME_COLUMNS = 2 };
void stored_write_outcome(struct event_writer *writer, const struct event *event, unsigned first);

// Whether events of processes, of sockets and of what they do to files are wanted at all: by
// disable_audit, or because events_source names another source.
bool stored_is_on(const struct flags *flags);
