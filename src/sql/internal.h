// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the files of this folder know of each other.

#include <stdatomic.h>

#include "sql/sql.h"

enum stop { RUNNING, CANCELLED, OVER_CPU, OVER_WALL, OVER_MEMORY };

// A table as it is registered with SQLite.
struct entry {
	const struct table *table;
	struct sql *sql;
	uint64_t scans, rows; // since the last prepare
};

struct sql {
	sqlite3 *db;
	struct host *host;
	struct entry **entries; // enabled tables, in order; each stays where it is
	size_t n_entries;
	struct sql_limits limits;

	atomic_bool cancelled;
	enum stop stop; // why the running query has to end
	int code; // SQLite's, of the last failure
	uint64_t secret; // that numbers of rows begin with
	int64_t began_ms; // monotonic
	int64_t began_cpu_ms;
	int64_t checked_ms;
	int64_t scan_bytes; // held by all scans
	int64_t most_bytes;
	int64_t idle_bytes; // SQLite's before the query

	void (*progress)(void *context);
	void *progress_context;
};

// Whether the running query has to end: looks at the clocks when the last look was some time ago.
bool sql_must_stop(struct sql *sql);

// sqlite3_module of every table, and its registration under the table's name and alias. SQLite then
// owns the entry and frees it when nothing uses it any more.
int vtab_register(struct sql *sql, struct entry *entry);
void vtab_unregister(struct sql *sql, const struct table *table);

// Collations (collation.c) and all functions.
int collations_register(sqlite3 *db);
int functions_register(struct sql *sql);

// Refuses what the host's database is not for (authorize.c).
int authorize(void *context, int action, const char *a, const char *b, const char *database,
	const char *trigger);

// Adds the nearest names to SQLite's message about an unknown table or column (nearest.c).
void nearest_explain(
	struct sql *sql, const char *text, const char *message, struct text *explained);
