// SPDX-License-Identifier: Apache-2.0
#pragma once
// How the host is asked: SQLite, with the tables of the host as virtual tables, the functions and
// collations that our users know, and limits on what a query may cost.
//
// A table is connected when a query first names it (an eponymous virtual table), so that opening
// costs the same however many tables there are. Statements are SQLite's own: read them with
// sqlite3_column_*, end them with sqlite3_finalize.

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "host/host.h"
#include "sql/table.h"

struct sql;

// What one query may use; 0 is no limit.
struct sql_limits {
	int64_t cpu_ms;
	int64_t wall_ms;
	int64_t memory_bytes;
};

// Opens an empty database in memory with all tables of host->agent that the flags enable_tables and
// disable_tables leave. `host` is borrowed.
struct sql *sql_open(struct host *host, struct fault *why);
void sql_close(struct sql *sql);

void sql_limit(struct sql *sql, const struct sql_limits *limits);

// Compiles the first statement of `text`. 1 with the statement, 0 when only blanks and comments are
// left, or a negative errno. `*rest` then is what follows it. The clocks of the limits start here.
int sql_prepare(struct sql *sql, const char *text, const char **rest, sqlite3_stmt **statement,
	struct fault *why);

// 1: a row; 0: the end; else a negative errno: -ECANCELED when it was cancelled, -EDQUOT when it
// went over a limit.
int sql_step(struct sql *sql, sqlite3_stmt *statement, struct fault *why);

// SQLite's own primary result code of the last failure, for exit codes.
int sql_code(const struct sql *sql);

// Ends the running query soon. May be called from a signal handler or another thread.
void sql_cancel(struct sql *sql);

// Called about every 100 ms of a running query, on its thread.
void sql_on_progress(struct sql *sql, void (*progress)(void *context), void *context);

// What each table was asked since the last prepare.
struct sql_table_use {
	const struct table *table;
	uint64_t scans, rows;
};
size_t sql_table_uses(const struct sql *sql, struct sql_table_use *uses, size_t room);

// Memory in use now by SQLite and by the scans, and the most since the last prepare.
int64_t sql_memory(const struct sql *sql, int64_t *most_bytes);

// The table or alias of that name, among those that are enabled, or NULL.
const struct table *sql_find_table(const struct sql *sql, const char *name);

// Adds a table while the database is open, and takes it away: when no statement uses it. `table`
// is borrowed until then. -EEXIST when there is a table of that name.
int sql_add_table(struct sql *sql, const struct table *table, struct fault *why);
void sql_remove_table(struct sql *sql, const struct table *table);

size_t sql_n_tables(const struct sql *sql);
const struct table *sql_table(const struct sql *sql, size_t at);

// The columns in parentheses and what follows, as CREATE TABLE has them. The caller frees it.
char *table_definition(const struct table *table);

// A registry entry of SQL functions (src/sql/functions/).
struct functions {
	const char *name;
	const struct function {
		const char *name;
		int n_arguments; // -1: any
		void (*call)(sqlite3_context *context, int n, sqlite3_value **arguments);
		const char *about;
		bool impure; // not a function of its arguments alone
		void (*end)(sqlite3_context *context); // of an aggregate, whose step is `call`
	} * list;
	size_t n;
};

// Within a function: gives a text as the result and frees it.
void sql_give_text(sqlite3_context *context, struct text *text);

// Within a function: the host that the query reads.
struct host *sql_function_host(sqlite3_context *context);
