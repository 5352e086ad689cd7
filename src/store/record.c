// SPDX-License-Identifier: Apache-2.0
#include "store/record.h"

#include <stddef.h>
#include <string.h>

#include "store/blob.h"
#include "store/store.h"

#define COLUMNS                                                                                    \
	"id, name, sql, interval_s, splayed_s, epoch, counter, has_result, names, digest, n_rows," \
	" denied_until, denied_why, executions, last_executed, wall_ms, last_wall_ms, user_ms,"    \
	" last_user_ms, system_ms, last_system_ms, memory_bytes, last_memory_bytes, output_bytes"

// The numbers of a record and their columns.
static const struct number {
	int column; // of COLUMNS, from 0
	size_t offset; // of an int64_t or uint64_t in the record
} numbers[] = {
	{ 3, offsetof(struct record, interval_s) },
	{ 4, offsetof(struct record, splayed_s) },
	{ 5, offsetof(struct record, epoch) },
	{ 6, offsetof(struct record, counter) },
	{ 10, offsetof(struct record, n_rows) },
	{ 11, offsetof(struct record, denied_until) },
	{ 13, offsetof(struct record, performance.executions) },
	{ 14, offsetof(struct record, performance.last_executed) },
	{ 15, offsetof(struct record, performance.wall_ms) },
	{ 16, offsetof(struct record, performance.last_wall_ms) },
	{ 17, offsetof(struct record, performance.user_ms) },
	{ 18, offsetof(struct record, performance.last_user_ms) },
	{ 19, offsetof(struct record, performance.system_ms) },
	{ 20, offsetof(struct record, performance.last_system_ms) },
	{ 21, offsetof(struct record, performance.memory_bytes) },
	{ 22, offsetof(struct record, performance.last_memory_bytes) },
	{ 23, offsetof(struct record, performance.output_bytes) },
};

// What no daemon has written is taken for 0, so that sums of these numbers are sound.
static const int64_t number_most = INT64_MAX / 4;

static const char *copy_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
	const void *bytes = sqlite3_column_blob(statement, column);

	return bytes ? arena_copy(arena, bytes, (size_t) sqlite3_column_bytes(statement, column))
		     : NULL;
}

static void take_row(sqlite3_stmt *statement, struct record *record, struct arena *arena)
{
	const char *name = copy_text(statement, 1, arena); // NULL: it is empty

	*record = (struct record){
		.id = sqlite3_column_int64(statement, 0),
		.name = name ? name : "",
		.sql = copy_text(statement, 2, arena),
		.has_result = sqlite3_column_int(statement, 7),
		.names = copy_text(statement, 8, arena),
		.names_length = (size_t) sqlite3_column_bytes(statement, 8),
		.denied_why = copy_text(statement, 12, arena),
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int64_t number = sqlite3_column_int64(statement, numbers[i].column);

		if (numbers[i].offset != offsetof(struct record, epoch) &&
			(number < 0 || number > number_most))
			number = 0;
		memcpy((char *) record + numbers[i].offset, &number, sizeof(number));
	}
	if (sqlite3_column_bytes(statement, 9) == sizeof(record->digest))
		memcpy(&record->digest, sqlite3_column_blob(statement, 9), sizeof(record->digest));
	else
		record->has_result = false;
}

int record_read(struct store *store, const char *name, struct record *record, struct arena *arena,
	struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(
		store, "SELECT " COLUMNS " FROM query WHERE name = ?", why);
	int r;

	*record = (struct record){ .name = name };
	if (!statement)
		return why->code;
	(void) sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	r = store_step(store, statement, why);
	if (r > 0)
		take_row(statement, record, arena);
	return r;
}

int record_list(struct store *store, struct record **records, size_t *n, struct arena *arena,
	struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(
		store, "SELECT " COLUMNS " FROM query ORDER BY name", why);
	auto_text struct text list = { 0 };
	int r;

	if (!statement)
		return why->code;
	*n = 0;
	while ((r = store_step(store, statement, why)) > 0) {
		struct record record;

		take_row(statement, &record, arena);
		text_add(&list, (const char *) &record, sizeof(record));
		(*n)++;
	}
	*records = arena_alloc(arena, list.length + 1);
	if (list.length > 0)
		memcpy(*records, list.bytes, list.length);
	return r;
}

int record_write(struct store *store, struct record *record, struct fault *why)
{
	sqlite3_stmt *statement = store_statement(store,
		"INSERT OR REPLACE INTO query (" COLUMNS ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,"
		" ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24)"
		" RETURNING id",
		why);
	int r;

	if (!statement)
		return why->code;
	if (record->id)
		(void) sqlite3_bind_int64(statement, 1, record->id);
	(void) sqlite3_bind_text(statement, 2, record->name, -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(statement, 3, record->sql, -1, SQLITE_STATIC);
	(void) sqlite3_bind_int(statement, 8, record->has_result);
	(void) sqlite3_bind_blob64(
		statement, 9, record->names, record->names_length, SQLITE_STATIC);
	(void) sqlite3_bind_blob(
		statement, 10, &record->digest, sizeof(record->digest), SQLITE_STATIC);
	(void) sqlite3_bind_text(statement, 13, record->denied_why, -1, SQLITE_STATIC);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		int64_t number;

		memcpy(&number, (const char *) record + numbers[i].offset, sizeof(number));
		(void) sqlite3_bind_int64(statement, numbers[i].column + 1, number);
	}
	r = store_step(store, statement, why);
	if (r > 0)
		record->id = sqlite3_column_int64(statement, 0);
	store_done(&statement);
	return r < 0 ? r : 0;
}

// Runs a statement whose one parameter is the id.
static int run(struct store *store, const char *sql, int64_t id, struct fault *why)
{
	sqlite3_stmt *statement = store_statement(store, sql, why);

	if (!statement)
		return why->code;
	(void) sqlite3_bind_int64(statement, 1, id);
	return store_step(store, statement, why);
}

int record_clear_rows(struct store *store, int64_t id, struct fault *why)
{
	return run(store, "DELETE FROM result WHERE query = ?", id, why);
}

int record_remove(struct store *store, const struct record *record, struct fault *why)
{
	int r = record_clear_rows(store, record->id, why);

	if (r >= 0)
		r = run(store,
			"DELETE FROM place WHERE query = (SELECT name FROM query WHERE id = ?)",
			record->id, why);
	return r < 0 ? r : run(store, "DELETE FROM query WHERE id = ?", record->id, why);
}

int record_add_rows(
	struct store *store, int64_t id, const char *rows, size_t length, struct fault *why)
{
	auto_text struct text packed = { 0 };
	sqlite3_stmt *statement = store_statement(
		store, "INSERT INTO result (query, rows) VALUES (?, ?)", why);

	if (!statement)
		return why->code;
	blob_pack(&packed, rows, length);
	(void) sqlite3_bind_int64(statement, 1, id);
	(void) sqlite3_bind_blob64(statement, 2, packed.bytes, packed.length, SQLITE_STATIC);
	return store_step(store, statement, why);
}

int record_next_rows(
	struct store *store, int64_t id, int64_t *place, struct text *rows, struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(store,
		"SELECT id, rows FROM result WHERE query = ? AND id > ? ORDER BY id LIMIT 1", why);
	int r;

	if (!statement)
		return why->code;
	(void) sqlite3_bind_int64(statement, 1, id);
	(void) sqlite3_bind_int64(statement, 2, *place);
	r = store_step(store, statement, why);
	if (r <= 0)
		return r;
	*place = sqlite3_column_int64(statement, 0);
	text_clear(rows);
	r = blob_unpack(rows, sqlite3_column_blob(statement, 1),
		(size_t) sqlite3_column_bytes(statement, 1), why);
	return r < 0 ? r : 1;
}
