// SPDX-License-Identifier: Apache-2.0
// Takes rows and commits them. Rows of a table gather in its open block. With each commit the open
// block is stored as it is then, in the place of what it was, until it has enough rows; full blocks
// follow one after another. So a commit of few rows costs a few pages, and blocks are not tiny.
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "events/event_store_parts.h"

// ---- rows ----

static void add_names(struct text *names, const struct event_schema *schema)
{
	for (size_t i = 0; i < schema->n_columns; i++)
		text_add(names, schema->columns[i], strlen(schema->columns[i]) + 1);
}

static int read_next_id(struct event_writer *writer, struct fault *why)
{
	int64_t stream, last_id = 0;
	int r = event_stream_find(writer->store, writer->table, &stream, why);

	if (r > 0)
		r = event_stream_last_id(writer->store, stream, &last_id, why);
	writer->next_id = last_id + 1;
	return r < 0 ? r : 0;
}

struct event_writer *event_store_writer(
	struct event_store *store, const struct event_schema *schema, struct fault *why)
{
	struct event_writer *writer;
	int r;

	for (size_t i = 0; i < store->n_writers; i++)
		if (strcmp(store->writers[i]->table, schema->table) == 0)
			return store->writers[i];
	if (schema->n_columns > BLOCK_MOST_COLUMNS) {
		(void) fail(why, -E2BIG, "%s: it has too many columns", schema->table);
		return NULL;
	}
	writer = must_alloc(sizeof(*writer));
	*writer = (struct event_writer){
		.store = store, .table = must_dup(schema->table), .n_columns = schema->n_columns
	};
	add_names(&writer->names, schema);
	block_builder_init(&writer->rows, schema->n_columns, store->seed);
	store->writers = must_resize(
		store->writers, (store->n_writers + 1) * sizeof(*store->writers));
	store->writers[store->n_writers++] = writer;

	r = read_next_id(writer, why);
	if (r == -EUCLEAN) {
		log_error("%s", why->text);
		event_store_start_over(store, true);
		r = read_next_id(writer, why);
	}
	if (r < 0) {
		event_writer_close_block(writer);
		store->n_writers--;
		block_builder_done(&writer->rows);
		text_done(&writer->names);
		free(writer->table);
		free(writer);
		return NULL;
	}
	return writer;
}

void event_writer_close_block(struct event_writer *writer)
{
	block_builder_reset(&writer->rows);
	text_clear(&writer->encoded);
	writer->block = 0;
	writer->stored_rows = 0;
	writer->to_be_closed = false;
}

// The rows so far are a full block, which waits for the next commit.
static void fill_block(struct event_writer *writer)
{
	struct event_store *store = writer->store;
	struct event_full *full;

	if (writer->rows.n_rows > writer->stored_rows) {
		if (writer->n_full == writer->full_room) {
			writer->full_room = writer->full_room ? writer->full_room * 2 : 4;
			writer->full = must_resize(
				writer->full, writer->full_room * sizeof(*writer->full));
		}
		full = &writer->full[writer->n_full++];
		*full = (struct event_full){ .first_id = writer->first_id,
			.last_id = writer->next_id - 1,
			.least_time = writer->rows.least_time,
			.most_time = writer->rows.most_time,
			.block = writer->block,
			.stored_rows = writer->stored_rows };
		block_write(&writer->rows, &store->press, &full->bytes);
		store->waiting_bytes += full->bytes.room;
	}
	event_writer_close_block(writer);
}

static size_t most_bytes(const struct event_store *store, size_t most)
{
	return store->budget_bytes > 0 && store->budget_bytes / 16 < most
		? (size_t) (store->budget_bytes / 16)
		: most;
}

int64_t event_row_begin(struct event_writer *writer, int64_t time)
{
	struct event_store *store = writer->store;
	struct block_builder *rows = &writer->rows;

	writer->n_begun++;
	writer->dropping = store->waiting_bytes > most_bytes(store, EVENT_WAITING_BYTES);
	if (writer->dropping) {
		writer->n_dropped++;
		return 0;
	}
	if (rows->n_rows >= EVENT_BLOCK_ROWS || rows->bytes >= most_bytes(store, EVENT_BLOCK_BYTES))
		fill_block(writer);
	if (rows->n_rows == 0)
		writer->first_id = writer->next_id;
	block_begin(rows, time);
	return writer->next_id++;
}

// Whether a row is being written: one that was stored is not changed any more.
static bool is_open(const struct event_writer *writer)
{
	return !writer->dropping && writer->rows.n_rows > writer->stored_rows;
}

void event_row_integer(struct event_writer *writer, unsigned column, int64_t value)
{
	if (is_open(writer))
		block_set_integer(&writer->rows, column, value);
}

void event_row_text(struct event_writer *writer, unsigned column, const char *bytes, size_t length)
{
	if (is_open(writer))
		block_set_text(&writer->rows, column, bytes, length);
}

void event_row_string(struct event_writer *writer, unsigned column, const char *string)
{
	if (string && is_open(writer))
		block_set_text(&writer->rows, column, string, strlen(string));
}

uint64_t event_writer_rows(const struct event_writer *writer)
{
	return writer->n_begun;
}

uint64_t event_writer_dropped(const struct event_writer *writer)
{
	return writer->n_dropped;
}

size_t event_store_pending_bytes(const struct event_store *store)
{
	size_t bytes = store->waiting_bytes;

	for (size_t i = 0; i < store->n_writers; i++) {
		const struct event_writer *writer = store->writers[i];

		if (writer->rows.n_rows > writer->stored_rows)
			bytes += writer->rows.bytes;
	}
	return bytes;
}

// ---- commit ----

// The id of the table's stream, which is made when there is none.
static int settle_stream(struct event_writer *writer, struct fault *why)
{
	struct store *store = writer->store->store;
	int r = event_stream_find(writer->store, writer->table, &writer->stream, why);
	sqlite3_stmt *insert;

	if (r != 0)
		return r < 0 ? r : 0;
	insert = store_statement(store, "INSERT INTO stream (name, last_id) VALUES (?, 0)", why);
	if (!insert)
		return why->code;
	(void) sqlite3_bind_text(insert, 1, writer->table, -1, SQLITE_STATIC);
	r = store_step(store, insert, why);
	writer->stream = sqlite3_last_insert_rowid(store_database(store));
	return r;
}

static void bind_names(sqlite3_stmt *statement, const struct event_writer *writer)
{
	(void) sqlite3_bind_int64(statement, 1, writer->stream);
	(void) sqlite3_bind_blob64(statement, 2, writer->names.bytes ? writer->names.bytes : "",
		writer->names.length, SQLITE_STATIC);
}

static int settle_schema(struct event_writer *writer, struct fault *why)
{
	struct store *store = writer->store->store;
	auto_done sqlite3_stmt *find = store_statement(
		store, "SELECT id FROM schema WHERE stream = ? AND names = ?", why);
	sqlite3_stmt *insert;
	int r;

	if (!find)
		return why->code;
	bind_names(find, writer);
	r = store_step(store, find, why);
	if (r > 0)
		writer->schema = sqlite3_column_int64(find, 0);
	if (r != 0)
		return r < 0 ? r : 0;
	insert = store_statement(store, "INSERT INTO schema (stream, names) VALUES (?, ?)", why);
	if (!insert)
		return why->code;
	bind_names(insert, writer);
	r = store_step(store, insert, why);
	writer->schema = sqlite3_last_insert_rowid(store_database(store));
	return r;
}

// Stores a block in the place of `block`, or as a new one, whose id `block` then is.
static int put_block(const struct event_writer *writer, const struct event_full *full,
	int64_t *block, struct fault *why)
{
	struct store *store = writer->store->store;
	sqlite3_stmt *put = store_statement(store,
		"INSERT INTO block"
		" (id, stream, schema, first_id, last_id, least_time, most_time, bytes)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (id) DO UPDATE SET"
		" last_id = ?5, least_time = ?6, most_time = ?7, bytes = ?8",
		why);
	int r;

	if (!put)
		return why->code;
	if (*block != 0)
		(void) sqlite3_bind_int64(put, 1, *block);
	(void) sqlite3_bind_int64(put, 2, writer->stream);
	(void) sqlite3_bind_int64(put, 3, writer->schema);
	(void) sqlite3_bind_int64(put, 4, full->first_id);
	(void) sqlite3_bind_int64(put, 5, full->last_id);
	(void) sqlite3_bind_int64(put, 6, full->least_time);
	(void) sqlite3_bind_int64(put, 7, full->most_time);
	(void) sqlite3_bind_blob64(put, 8, full->bytes.bytes, full->bytes.length, SQLITE_STATIC);
	r = store_step(store, put, why);
	if (r == 0 && *block == 0)
		*block = sqlite3_last_insert_rowid(store_database(store));
	return r;
}

static bool has_rows(const struct event_writer *writer)
{
	return writer->n_full > 0 || writer->rows.n_rows > writer->stored_rows;
}

// Stores what a writer has; its open block then has the id `*block`.
static int put_rows(struct event_writer *writer, int64_t *block, struct fault *why)
{
	int r = 0;

	if (writer->stream == 0)
		r = settle_stream(writer, why);
	if (r == 0 && writer->schema == 0)
		r = settle_schema(writer, why);
	for (size_t i = 0; r == 0 && i < writer->n_full; i++) {
		int64_t id = writer->full[i].block;

		r = put_block(writer, &writer->full[i], &id, why);
	}
	if (r == 0 && writer->rows.n_rows > writer->stored_rows) {
		const struct event_full open = { .first_id = writer->first_id,
			.last_id = writer->next_id - 1,
			.least_time = writer->rows.least_time,
			.most_time = writer->rows.most_time,
			.bytes = writer->encoded };

		r = put_block(writer, &open, block, why);
	}
	return r;
}

static void join_positions(struct text *text, const struct event_position *positions, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		text_add(text, positions[i].source, strlen(positions[i].source) + 1);
		text_add(text, positions[i].position, strlen(positions[i].position) + 1);
	}
}

static int put_positions(
	struct store *store, const struct event_position *positions, size_t n, struct fault *why)
{
	sqlite3_stmt *put = store_statement(
		store, "INSERT OR REPLACE INTO position (source, position) VALUES (?, ?)", why);
	int r = put ? 0 : why->code;

	for (size_t i = 0; r == 0 && i < n; i++) {
		(void) sqlite3_bind_text(put, 1, positions[i].source, -1, SQLITE_STATIC);
		(void) sqlite3_bind_text(put, 2, positions[i].position, -1, SQLITE_STATIC);
		r = store_step(store, put, why);
	}
	return r;
}

static void join_counts(struct text *text, const struct event_counts *counts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const char *const texts[] = { counts[i].name, counts[i].publisher, counts[i].type,
			counts[i].choice };

		for (size_t k = 0; k < 4; k++)
			text_add(text, texts[k], strlen(texts[k]) + 1);
		text_add(text, (const char *) &counts[i].active,
			sizeof(counts[i]) - offsetof(struct event_counts, active));
	}
}

static void bind_counts(sqlite3_stmt *put, const struct event_counts *counts)
{
	const char *const texts[] = { counts->name, counts->publisher, counts->type,
		counts->choice };
	const int64_t numbers[] = { counts->active, counts->subscriptions, counts->events,
		counts->refreshes, (int64_t) counts->received, (int64_t) counts->filtered,
		(int64_t) counts->stored, (int64_t) counts->dropped_kernel,
		(int64_t) counts->dropped_queue, (int64_t) counts->expired_unread };

	for (int i = 0; i < 4; i++)
		(void) sqlite3_bind_text(put, 1 + i, texts[i], -1, SQLITE_STATIC);
	for (int i = 0; i < 10; i++)
		(void) sqlite3_bind_int64(put, 5 + i, numbers[i]);
}

static int put_counts(
	struct store *store, const struct event_counts *counts, size_t n, struct fault *why)
{
	sqlite3_stmt *clear = store_statement(store, "DELETE FROM count", why);
	sqlite3_stmt *put = store_statement(store,
		"INSERT OR REPLACE INTO count (name, publisher, type, choice, active,"
		" subscriptions, events, refreshes, received, filtered, stored, dropped_kernel,"
		" dropped_queue, expired_unread) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		why);
	int r = clear && put ? store_step(store, clear, why) : why->code;

	for (size_t i = 0; r == 0 && i < n; i++) {
		bind_counts(put, &counts[i]);
		r = store_step(store, put, why);
	}
	return r;
}

static bool is_same(const struct text *a, const struct text *b)
{
	return a->length == b->length &&
		(a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

// What one commit stores.
struct commit {
	const struct event_position *positions;
	const struct event_counts *counts;
	size_t n_positions, n_counts;
	struct text joined_positions, joined_counts;
	int64_t *blocks; // ids of the open blocks
};

static int put_all(struct event_store *store, struct commit *commit, struct fault *why)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < store->n_writers; i++) {
		commit->blocks[i] = store->writers[i]->block;
		if (has_rows(store->writers[i]))
			r = put_rows(store->writers[i], &commit->blocks[i], why);
	}
	if (r == 0 && !is_same(&commit->joined_positions, &store->positions))
		r = put_positions(store->store, commit->positions, commit->n_positions, why);
	if (r == 0 && !is_same(&commit->joined_counts, &store->counts))
		r = put_counts(store->store, commit->counts, commit->n_counts, why);
	return r;
}

// How many bytes the commit writes, about.
static uint64_t encode(struct event_store *store)
{
	uint64_t bytes = 32 << 10; // positions, counts, the pages above those of the blocks

	for (size_t i = 0; i < store->n_writers; i++) {
		struct event_writer *writer = store->writers[i];

		for (size_t k = 0; k < writer->n_full; k++)
			bytes += writer->full[k].bytes.length + (8 << 10);
		if (writer->rows.n_rows == writer->stored_rows)
			continue;
		text_clear(&writer->encoded);
		block_write(&writer->rows, &store->press, &writer->encoded);
		bytes += writer->encoded.length + (8 << 10);
	}
	return bytes;
}

static int commit_once(struct event_store *store, struct commit *commit, struct fault *why)
{
	int r = event_store_make_room(store, encode(store), why);

	if (r == 0)
		r = store_begin(store->store, why);
	if (r == 0)
		r = store_end(store->store, put_all(store, commit, why), why);
	// streams may have been made in the transaction that is undone
	for (size_t i = 0; r < 0 && i < store->n_writers; i++)
		store->writers[i]->stream = store->writers[i]->schema = 0;
	return r;
}

static bool has_enough(const struct event_writer *writer)
{
	const struct block_builder *rows = &writer->rows;

	return writer->to_be_closed || rows->n_rows >= EVENT_OPEN_ROWS ||
		writer->encoded.length >= EVENT_OPEN_BYTES ||
		(writer->span_s > 0 && rows->most_time - rows->least_time > writer->span_s);
}

// All that the writer had is stored.
static void settle(struct event_writer *writer, int64_t block)
{
	bool closed = writer->n_full > 0;

	for (size_t i = 0; i < writer->n_full; i++)
		text_done(&writer->full[i].bytes);
	writer->n_full = 0;
	writer->block = block;
	writer->stored_rows = writer->rows.n_rows;
	if (writer->stored_rows > 0 && has_enough(writer)) {
		event_writer_close_block(writer);
		closed = true;
	}
	if (closed)
		event_writer_merge(writer);
}

static void keep(struct text *last, const struct text *now)
{
	text_clear(last);
	text_add(last, now->bytes, now->length);
}

// Whether anything is to be stored.
static bool is_due(const struct event_store *store, const struct commit *commit)
{
	for (size_t i = 0; i < store->n_writers; i++)
		if (has_rows(store->writers[i]))
			return true;
	return !is_same(&commit->joined_positions, &store->positions) ||
		!is_same(&commit->joined_counts, &store->counts);
}

// Somebody removed the file, or put another one in its place.
static void check_file(struct event_store *store)
{
	struct fault why;
	int r = store_follow(store->store, &why);

	if (r == 0)
		return;
	log_error("events: %s was removed or replaced", store_path(store->store));
	event_store_start_over(store, r < 0);
}

static int commit_all(struct event_store *store, struct commit *commit, struct fault *why)
{
	int r;

	check_file(store);
	if (!is_due(store, commit))
		return 0;
	r = commit_once(store, commit, why);
	if (r == -EUCLEAN) {
		log_error("%s", why->text);
		event_store_start_over(store, true);
		r = commit_once(store, commit, why);
	}
	if (r < 0)
		return r;
	store->waiting_bytes = 0;
	keep(&store->positions, &commit->joined_positions);
	keep(&store->counts, &commit->joined_counts);
	for (size_t i = 0; i < store->n_writers; i++)
		if (has_rows(store->writers[i]))
			settle(store->writers[i], commit->blocks[i]);
	return 0;
}

int event_store_commit(struct event_store *store, const struct event_position *positions,
	size_t n_positions, const struct event_counts *counts, size_t n_counts, struct fault *why)
{
	struct commit commit = { .positions = positions,
		.counts = counts,
		.n_positions = n_positions,
		.n_counts = n_counts,
		.blocks = must_alloc((store->n_writers + 1) * sizeof(*commit.blocks)) };
	int r;

	join_positions(&commit.joined_positions, positions, n_positions);
	join_counts(&commit.joined_counts, counts, n_counts);
	r = commit_all(store, &commit, why);
	text_done(&commit.joined_positions);
	text_done(&commit.joined_counts);
	free(commit.blocks);
	return r;
}
