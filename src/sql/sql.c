// SPDX-License-Identifier: Apache-2.0
#include "sql/sql.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "sql/internal.h"

enum {
	PROGRESS_STEPS = 1000, // instructions of SQLite between two looks at the clock
	LOOK_MS = 5, // between two looks at the limits
	PROGRESS_MS = 100,
	HEAP_SLACK_BYTES = 8 << 20,
};

// ---- limits ----

static enum stop over_limit(struct sql *sql, int64_t now_ms)
{
	int64_t bytes = sql_memory(sql, NULL) - sql->idle_bytes;

	if (bytes > sql->most_bytes)
		sql->most_bytes = bytes;
	if (sql->limits.wall_ms && now_ms - sql->began_ms > sql->limits.wall_ms)
		return OVER_WALL;
	if (sql->limits.memory_bytes && bytes > sql->limits.memory_bytes)
		return OVER_MEMORY;
	if (sql->limits.cpu_ms &&
		clock_read_ms(CLOCK_THREAD_CPUTIME_ID) - sql->began_cpu_ms > sql->limits.cpu_ms)
		return OVER_CPU;
	return RUNNING;
}

bool sql_must_stop(struct sql *sql)
{
	int64_t now;

	if (atomic_load_explicit(&sql->cancelled, memory_order_relaxed))
		sql->stop = CANCELLED;
	if (sql->stop != RUNNING)
		return true;

	now = clock_read_ms(CLOCK_MONOTONIC_COARSE);
	if (now - sql->checked_ms < LOOK_MS)
		return false;
	if (sql->progress && now / PROGRESS_MS != sql->checked_ms / PROGRESS_MS)
		sql->progress(sql->progress_context);
	sql->checked_ms = now;
	sql->stop = over_limit(sql, now);
	return sql->stop != RUNNING;
}

static int on_progress(void *context)
{
	return sql_must_stop(context);
}

static void begin(struct sql *sql)
{
	atomic_store(&sql->cancelled, false);
	sql->stop = RUNNING;
	sql->code = SQLITE_OK;
	sql->began_ms = sql->checked_ms = clock_read_ms(CLOCK_MONOTONIC_COARSE);
	sql->began_cpu_ms = sql->limits.cpu_ms ? clock_read_ms(CLOCK_THREAD_CPUTIME_ID) : 0;
	sql->idle_bytes = sql_memory(sql, NULL);
	sql->most_bytes = 0;
	// over_limit() ends a query that grows; this one that asks for too much at once, of which
	// SQLite's aggregates only tell when they end
	if (sql->limits.memory_bytes)
		sqlite3_hard_heap_limit64(
			sqlite3_memory_used() + 2 * sql->limits.memory_bytes + HEAP_SLACK_BYTES);
	for (size_t i = 0; i < sql->n_entries; i++)
		sql->entries[i]->scans = sql->entries[i]->rows = 0;
}

void sql_limit(struct sql *sql, const struct sql_limits *limits)
{
	sql->limits = *limits;
	if (!limits->memory_bytes)
		sqlite3_hard_heap_limit64(0);
}

void sql_cancel(struct sql *sql)
{
	atomic_store(&sql->cancelled, true);
	sqlite3_interrupt(sql->db);
}

void sql_on_progress(struct sql *sql, void (*progress)(void *context), void *context)
{
	sql->progress = progress;
	sql->progress_context = context;
}

int64_t sql_memory(const struct sql *sql, int64_t *most_bytes)
{
	if (most_bytes)
		*most_bytes = sql->most_bytes;
	return sqlite3_memory_used() + sql->scan_bytes;
}

// ---- statements ----

static int explain(struct sql *sql, const char *text, struct fault *why)
{
	auto_text struct text message = { 0 };

	sql->code = sqlite3_errcode(sql->db) & 0xff;
	if (sql->code == SQLITE_NOMEM && sql->limits.memory_bytes)
		sql->stop = OVER_MEMORY;
	if (sql->stop == RUNNING && atomic_load(&sql->cancelled))
		sql->stop = CANCELLED;

	switch (sql->stop) {
	case CANCELLED:
		return fail(why, -ECANCELED, "the query was cancelled");
	case OVER_CPU:
		return fail(why, -EDQUOT, "the query used more than its %lld ms of CPU time",
			(long long) sql->limits.cpu_ms);
	case OVER_WALL:
		return fail(why, -EDQUOT, "the query took longer than its %lld ms",
			(long long) sql->limits.wall_ms);
	case OVER_MEMORY:
		return fail(why, -EDQUOT, "the query held more than its %lld MB of memory",
			(long long) (sql->limits.memory_bytes >> 20));
	case RUNNING:
		break;
	}
	nearest_explain(sql, text, sqlite3_errmsg(sql->db), &message);
	return fail(why, -EINVAL, "%s", message.bytes);
}

int sql_prepare(struct sql *sql, const char *text, const char **rest, sqlite3_stmt **statement,
	struct fault *why)
{
	begin(sql);
	*statement = NULL;
	while (*text) {
		const char *tail;

		if (sqlite3_prepare_v2(sql->db, text, -1, statement, &tail) != SQLITE_OK)
			return explain(sql, text, why);
		*rest = text = tail;
		if (*statement)
			return 1;
	}
	return 0;
}

int sql_step(struct sql *sql, sqlite3_stmt *statement, struct fault *why)
{
	switch (sqlite3_step(statement)) {
	case SQLITE_ROW:
		return 1;
	case SQLITE_DONE:
		(void) over_limit(sql, sql->began_ms); // notes the memory
		return 0;
	default:
		return explain(sql, NULL, why);
	}
}

int sql_code(const struct sql *sql)
{
	return sql->code;
}

// ---- tables ----

size_t sql_n_tables(const struct sql *sql)
{
	return sql->n_entries;
}

const struct table *sql_table(const struct sql *sql, size_t at)
{
	return sql->entries[at]->table;
}

const struct table *sql_find_table(const struct sql *sql, const char *name)
{
	for (size_t i = 0; i < sql->n_entries; i++) {
		const struct table *table = sql->entries[i]->table;

		if (strcasecmp(table->name, name) == 0 ||
			(table->alias && strcasecmp(table->alias, name) == 0))
			return table;
	}
	return NULL;
}

size_t sql_table_uses(const struct sql *sql, struct sql_table_use *uses, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < sql->n_entries && n < room; i++) {
		const struct entry *entry = sql->entries[i];

		if (entry->scans)
			uses[n++] = (struct sql_table_use){ entry->table, entry->scans,
				entry->rows };
	}
	return n;
}

static bool is_enabled(const struct host *host, const struct table *table)
{
	const char *enabled = flags_string(host->flags, "enable_tables");

	if (text_lists(flags_string(host->flags, "disable_tables"), table->name))
		return false;
	return *enabled == '\0' || text_lists(enabled, table->name);
}

static int register_table(struct sql *sql, const struct table *table, size_t at)
{
	struct entry *entry = must_alloc(sizeof(*entry));
	int r;

	*entry = (struct entry){ .table = table, .sql = sql };
	r = vtab_register(sql, entry);
	if (r != SQLITE_OK)
		return r;
	memmove(sql->entries + at + 1, sql->entries + at,
		(sql->n_entries - at) * sizeof(struct entry *));
	sql->entries[at] = entry;
	sql->n_entries++;
	return SQLITE_OK;
}

int sql_add_table(struct sql *sql, const struct table *table, struct fault *why)
{
	size_t at = 0;

	if (sql_find_table(sql, table->name))
		return fail(why, -EEXIST, "there is a table %s", table->name);
	while (at < sql->n_entries && strcmp(sql->entries[at]->table->name, table->name) < 0)
		at++;
	sql->entries = must_resize(sql->entries, (sql->n_entries + 1) * sizeof(struct entry *));
	if (register_table(sql, table, at) != SQLITE_OK)
		return fail(why, -EIO, "%s", sqlite3_errmsg(sql->db));
	return 0;
}

void sql_remove_table(struct sql *sql, const struct table *table)
{
	for (size_t at = 0; at < sql->n_entries; at++) {
		if (sql->entries[at]->table != table)
			continue;
		sql->n_entries--;
		memmove(sql->entries + at, sql->entries + at + 1,
			(sql->n_entries - at) * sizeof(struct entry *));
		vtab_unregister(sql, table);
		return;
	}
}

static int register_all(struct sql *sql, struct fault *why)
{
	const struct agent *agent = sql->host->agent;
	int r = functions_register(sql);

	if (r == SQLITE_OK)
		r = collations_register(sql->db);
	sql->entries = must_alloc(agent->n_tables * sizeof(*sql->entries));
	for (size_t i = 0; r == SQLITE_OK && i < agent->n_tables; i++)
		if (is_enabled(sql->host, agent->tables[i]))
			r = register_table(sql, agent->tables[i], sql->n_entries);
	if (r != SQLITE_OK)
		return fail(why, -EIO, "sql: %s", sqlite3_errmsg(sql->db));
	return 0;
}

struct sql *sql_open(struct host *host, struct fault *why)
{
	struct sql *sql = must_alloc(sizeof(*sql));

	*sql = (struct sql){ .host = host };
	sqlite3_randomness(sizeof(sql->secret), &sql->secret);
	// one thread at a time uses it; only sqlite3_interrupt comes from others
	if (sqlite3_open_v2(":memory:", &sql->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		    NULL) != SQLITE_OK) {
		(void) fail(why, -EIO, "sql: %s", sql->db ? sqlite3_errmsg(sql->db) : "no memory");
		sql_close(sql);
		return NULL;
	}
	if (register_all(sql, why) < 0) {
		sql_close(sql);
		return NULL;
	}
	sqlite3_progress_handler(sql->db, PROGRESS_STEPS, on_progress, sql);
	sqlite3_set_authorizer(sql->db, authorize, sql);
	return sql;
}

void sql_close(struct sql *sql)
{
	if (!sql)
		return;
	(void) sqlite3_close_v2(sql->db); // frees what the entries are
	free(sql->entries);
	free(sql);
}
