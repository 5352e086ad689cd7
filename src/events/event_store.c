// SPDX-License-Identifier: Apache-2.0
// The file of the event store: what is in it, opening it, and what it remembers besides rows.
#include "events/event_store_parts.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/log.h"

// Only ever added to. Ids of a table's rows have no gap within a block; blocks of a stream do not
// overlap. `last_id` of a stream is that of blocks that are gone.
static const char *const steps[] = {
	"CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
	"INSERT INTO setting VALUES ('generation', random() & 9223372036854775807);"

	"CREATE TABLE stream (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" last_id INTEGER NOT NULL);"
	// names of columns as a version of the program has them, each with a NUL behind it
	"CREATE TABLE schema (id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, names BLOB NOT NULL,"
	" UNIQUE (stream, names));"
	"CREATE TABLE block ("
	" id INTEGER PRIMARY KEY, stream INTEGER NOT NULL, schema INTEGER NOT NULL,"
	" first_id INTEGER NOT NULL, last_id INTEGER NOT NULL,"
	" least_time INTEGER NOT NULL, most_time INTEGER NOT NULL, bytes BLOB NOT NULL);"
	// blocks outside of a range are passed over in the index alone
	"CREATE UNIQUE INDEX block_of_stream"
	" ON block (stream, last_id, first_id, least_time, most_time);"

	"CREATE TABLE position (source TEXT PRIMARY KEY, position TEXT NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE count ("
	" name TEXT PRIMARY KEY, publisher TEXT NOT NULL, type TEXT NOT NULL, choice TEXT NOT NULL,"
	" active INTEGER NOT NULL, subscriptions INTEGER NOT NULL, events INTEGER NOT NULL,"
	" refreshes INTEGER NOT NULL, received INTEGER NOT NULL, filtered INTEGER NOT NULL,"
	" stored INTEGER NOT NULL, dropped_kernel INTEGER NOT NULL, dropped_queue INTEGER NOT NULL,"
	" expired_unread INTEGER NOT NULL);"
	"CREATE TABLE reader ("
	" query TEXT NOT NULL, name TEXT NOT NULL, last_id INTEGER NOT NULL,"
	" interval_s INTEGER NOT NULL, heard INTEGER NOT NULL,"
	" PRIMARY KEY (query, name)) WITHOUT ROWID;",
};

const struct store_kind event_store_kind = {
	.file = "events.db",
	.application = 0x686f7165, // "hoqe"
	.steps = steps,
	.n_steps = sizeof(steps) / sizeof(steps[0]),
	// Debian's SQLite overwrites what is deleted, which would write every page once more
	.pragmas =
		"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
		"PRAGMA synchronous = NORMAL; PRAGMA cache_size = -1024; PRAGMA cache_spill = 1024;"
		"PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 4194304;"
		"PRAGMA wal_autocheckpoint = 0; PRAGMA secure_delete = OFF",
	.trusts_log = true, // every block has a check sum of its own
	.shares_memory = true,
};

// ---- opening ----

static int note_log(void *context, sqlite3 *db, const char *name, int n_frames)
{
	struct event_store *store = context;

	(void) db;
	(void) name;
	store->log_frames = (uint64_t) n_frames;
	return SQLITE_OK;
}

void event_store_begin_file(struct event_store *store)
{
	auto_free char *generation = store_setting(store->store, "generation");

	store->generation = 0;
	if (!generation || text_integer(generation, 10, &store->generation) < 0)
		log_warning("events: the store has no generation");
	for (size_t i = 0; i < store->n_writers; i++)
		store->writers[i]->stream = store->writers[i]->schema = 0;
	text_clear(&store->positions);
	text_clear(&store->counts);
	store->log_frames = 0;
	event_store_set_budget(store, store->budget_bytes);
	(void) sqlite3_wal_hook(store_database(store->store), note_log, store);
}

static struct event_store *wrap(struct store *file)
{
	struct event_store *store;

	if (!file)
		return NULL;
	store = must_alloc(sizeof(*store));
	*store = (struct event_store){ .store = file };
	sqlite3_randomness(sizeof(store->seed), &store->seed);
	block_press_open(&store->press);
	event_store_begin_file(store);
	return store;
}

struct event_store *event_store_open(const char *folder, enum store_mode mode, struct fault *why)
{
	return wrap(store_open_kind(folder, &event_store_kind, mode, why));
}

struct event_store *event_store_share(const struct event_store *store, struct fault *why)
{
	return wrap(store_share(store->store, why));
}

static void free_writer(struct event_writer *writer)
{
	for (size_t i = 0; i < writer->n_full; i++)
		text_done(&writer->full[i].bytes);
	free(writer->full);
	block_builder_done(&writer->rows);
	text_done(&writer->encoded);
	text_done(&writer->names);
	free(writer->table);
	free(writer);
}

void event_store_close(struct event_store *store)
{
	if (!store)
		return;
	for (size_t i = 0; i < store->n_writers; i++)
		free_writer(store->writers[i]);
	free(store->writers);
	text_done(&store->positions);
	text_done(&store->counts);
	store_close(store->store);
	block_press_close(&store->press);
	free(store);
}

void event_store_follow(struct event_store *store)
{
	struct fault why;

	if (store->n_writers > 0)
		return;
	// between two files there is none: the old one will do
	if (store_follow(store->store, &why) > 0)
		event_store_begin_file(store);
}

int64_t event_store_generation(const struct event_store *store)
{
	return store->generation;
}

// ---- ids ----

int event_stream_find(
	struct event_store *store, const char *table, int64_t *stream, struct fault *why)
{
	auto_done sqlite3_stmt *find = store_statement(
		store->store, "SELECT id FROM stream WHERE name = ?", why);
	int r;

	if (!find)
		return why->code;
	(void) sqlite3_bind_text(find, 1, table, -1, SQLITE_STATIC);
	r = store_step(store->store, find, why);
	if (r > 0)
		*stream = sqlite3_column_int64(find, 0);
	return r;
}

int event_stream_last_id(
	struct event_store *store, int64_t stream, int64_t *last_id, struct fault *why)
{
	auto_done sqlite3_stmt *find = store_statement(store->store,
		"SELECT max(last_id, ifnull((SELECT max(last_id) FROM block WHERE stream = ?1), 0))"
		" FROM stream WHERE id = ?1",
		why);
	int r;

	if (!find)
		return why->code;
	(void) sqlite3_bind_int64(find, 1, stream);
	r = store_step(store->store, find, why);
	*last_id = r > 0 ? sqlite3_column_int64(find, 0) : 0;
	return r < 0 ? r : 0;
}

int64_t event_store_last_id(struct event_store *store, const char *table)
{
	int64_t stream, last_id = 0;
	struct fault why;

	event_store_follow(store);
	if (event_stream_find(store, table, &stream, &why) > 0)
		(void) event_stream_last_id(store, stream, &last_id, &why);
	return last_id;
}

// ---- positions, counts ----

char *event_store_position(struct event_store *store, const char *source)
{
	struct fault why;
	auto_done sqlite3_stmt *find = NULL;

	event_store_follow(store);
	find = store_statement(
		store->store, "SELECT position FROM position WHERE source = ?", &why);
	if (!find)
		return NULL;
	(void) sqlite3_bind_text(find, 1, source, -1, SQLITE_STATIC);
	if (store_step(store->store, find, &why) <= 0 || !sqlite3_column_text(find, 0))
		return NULL;
	return must_dup((const char *) sqlite3_column_text(find, 0));
}

static const char *copy(sqlite3_stmt *statement, int column, struct arena *arena)
{
	const char *text = (const char *) sqlite3_column_text(statement, column);

	return arena_copy(
		arena, text ? text : "", (size_t) sqlite3_column_bytes(statement, column));
}

static void read_counts(struct event_counts *counts, sqlite3_stmt *row, struct arena *arena)
{
	int64_t *const signs[] = { &counts->active, &counts->subscriptions, &counts->events,
		&counts->refreshes };
	uint64_t *const others[] = { &counts->received, &counts->filtered, &counts->stored,
		&counts->dropped_kernel, &counts->dropped_queue, &counts->expired_unread };

	counts->name = copy(row, 0, arena);
	counts->publisher = copy(row, 1, arena);
	counts->type = copy(row, 2, arena);
	counts->choice = copy(row, 3, arena);
	for (int i = 0; i < 4; i++)
		*signs[i] = sqlite3_column_int64(row, 4 + i);
	for (int i = 0; i < 6; i++)
		*others[i] = (uint64_t) sqlite3_column_int64(row, 8 + i);
}

int event_store_counts(struct event_store *store, struct event_counts **counts, size_t *n,
	struct arena *arena, struct fault *why)
{
	enum { MOST = 1024 };
	auto_done sqlite3_stmt *list = NULL;
	int r = 1;

	event_store_follow(store);
	list = store_statement(store->store,
		"SELECT name, publisher, type, choice, active, subscriptions, events, refreshes,"
		" received, filtered, stored, dropped_kernel, dropped_queue, expired_unread"
		" FROM count ORDER BY name",
		why);
	if (!list)
		return why->code;
	*n = 0;
	*counts = arena_alloc(arena, MOST * sizeof(**counts));
	while (*n < MOST && (r = store_step(store->store, list, why)) > 0)
		read_counts(&(*counts)[(*n)++], list, arena);
	return r < 0 ? r : 0;
}

// ---- readers ----

static int put_readers(struct store *store, const char *query, const struct event_reader *readers,
	size_t n, struct fault *why)
{
	sqlite3_stmt *clear = store_statement(store, "DELETE FROM reader WHERE query = ?", why);
	sqlite3_stmt *insert = store_statement(store,
		"INSERT OR REPLACE INTO reader (query, name, last_id, interval_s, heard)"
		" VALUES (?, ?, ?, ?, ?)",
		why);
	int r;

	if (!clear || !insert)
		return why->code;
	(void) sqlite3_bind_text(clear, 1, query, -1, SQLITE_STATIC);
	r = store_step(store, clear, why);
	for (size_t i = 0; r >= 0 && i < n; i++) {
		(void) sqlite3_bind_text(insert, 1, query, -1, SQLITE_STATIC);
		(void) sqlite3_bind_text(insert, 2, readers[i].table, -1, SQLITE_STATIC);
		(void) sqlite3_bind_int64(insert, 3, readers[i].id);
		(void) sqlite3_bind_int64(insert, 4, readers[i].interval_s);
		(void) sqlite3_bind_int64(insert, 5, (int64_t) time(NULL));
		r = store_step(store, insert, why);
	}
	return r;
}

int event_store_set_readers(struct event_store *store, const char *query,
	const struct event_reader *readers, size_t n, struct fault *why)
{
	int r;

	event_store_follow(store);
	r = store_begin(store->store, why);
	return r < 0
		? r
		: store_end(store->store, put_readers(store->store, query, readers, n, why), why);
}
