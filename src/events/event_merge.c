// SPDX-License-Identifier: Apache-2.0
// Makes one block of several: of small ones at the end of a stream, and of what was not stored yet
// when the file has to begin anew.
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "events/event_store_parts.h"

enum {
	LEAST = 8, // so many small blocks are worth it, or so many rows
	MOST = 32,
};

int event_append_rows(struct event_store *store, struct block_reader *reader,
	struct block_builder *rows, uint32_t skip, struct fault *why)
{
	size_t n = reader->n_columns;
	auto_free int64_t *times = must_alloc(reader->n_rows * sizeof(*times));
	auto_free struct event_value *values = must_alloc(
		(reader->n_rows * n + 1) * sizeof(*values));
	int r = block_read_times(reader, times, why);

	if (n != rows->n_columns)
		return fail(why, -EUCLEAN, "a block of events is damaged: its columns");
	for (size_t i = 0; r == 0 && i < n; i++)
		r = block_read_column(reader, &store->press, i, values + i, n, why);
	for (size_t row = skip; r == 0 && row < reader->n_rows; row++) {
		const struct event_value *value = values + row * n;

		block_begin(rows, times[row]);
		for (size_t i = 0; i < n; i++, value++) {
			if (value->kind == EVENT_INTEGER)
				block_set_integer(rows, i, value->integer);
			else if (value->kind == EVENT_TEXT)
				block_set_text(rows, i, value->text, value->length);
		}
	}
	return r;
}

// ---- beginning anew ----

// Leaves out the rows of an encoded block that had been stored: they are lost with the file.
static void trim(
	struct event_writer *writer, struct text *bytes, uint32_t skip, struct block_builder *rows)
{
	struct block_reader reader = { 0 };
	struct fault why;

	if (block_open(&reader, &writer->store->press, bytes->bytes, bytes->length, &why) < 0 ||
		event_append_rows(writer->store, &reader, rows, skip, &why) < 0)
		log_error("%s", why.text); // our own bytes: there was no memory
	block_reader_done(&reader);
}

static void trim_full(struct event_writer *writer, struct event_full *full)
{
	struct block_builder rows;

	full->block = 0;
	if (full->stored_rows == 0)
		return;
	block_builder_init(&rows, writer->n_columns, writer->store->seed);
	trim(writer, &full->bytes, full->stored_rows, &rows);
	text_clear(&full->bytes);
	full->first_id += full->stored_rows;
	full->stored_rows = 0;
	full->least_time = rows.least_time;
	full->most_time = rows.most_time;
	if (rows.n_rows > 0)
		block_write(&rows, &writer->store->press, &full->bytes);
	block_builder_done(&rows);
}

static void trim_open(struct event_writer *writer)
{
	uint32_t stored = writer->stored_rows;

	if (stored == 0)
		return;
	if (writer->rows.n_rows == stored) {
		event_writer_close_block(writer);
		return;
	}
	text_clear(&writer->encoded);
	block_write(&writer->rows, &writer->store->press, &writer->encoded);
	block_builder_reset(&writer->rows);
	trim(writer, &writer->encoded, stored, &writer->rows);
	writer->first_id += stored;
	writer->stored_rows = 0;
	writer->block = 0;
}

void event_store_start_over(struct event_store *store, bool damaged)
{
	struct fault why;

	// unless another file is in its place already
	if (damaged && store_follow(store->store, &why) <= 0)
		store_replace(store->store);
	event_store_begin_file(store);
	for (size_t i = 0; i < store->n_writers; i++) {
		struct event_writer *writer = store->writers[i];

		for (size_t k = 0; k < writer->n_full; k++)
			trim_full(writer, &writer->full[k]);
		trim_open(writer);
	}
}

// ---- merging ----

struct merge {
	struct event_stored blocks[MOST]; // the newest first
	size_t n;
	int64_t n_rows;
};

static bool is_mergeable(const struct event_writer *writer, const struct merge *merge,
	const struct event_stored *block)
{
	int64_t rows = block->last_id - block->first_id + 1;

	if (block->schema != writer->schema || rows < 1 || rows >= EVENT_SMALL_ROWS ||
		block->n_bytes >= EVENT_SMALL_BYTES || merge->n_rows + rows > BLOCK_MOST_ROWS ||
		merge->n == MOST)
		return false;
	if (merge->n == 0)
		return true;
	return block->last_id + 1 == merge->blocks[merge->n - 1].first_id &&
		(writer->span_s == 0 ||
			merge->blocks[0].most_time - block->least_time <= writer->span_s);
}

// The small blocks at the end, without the one that is open.
static int find_small(struct event_writer *writer, struct merge *merge, struct fault *why)
{
	struct store *store = writer->store->store;
	auto_done sqlite3_stmt *list = store_statement(store,
		"SELECT id, schema, first_id, last_id, least_time, most_time, length(bytes)"
		" FROM block WHERE stream = ? ORDER BY last_id DESC",
		why);
	int r;

	if (!list)
		return why->code;
	(void) sqlite3_bind_int64(list, 1, writer->stream);
	while ((r = store_step(store, list, why)) > 0) {
		const struct event_stored block = { .id = sqlite3_column_int64(list, 0),
			.stream = writer->stream,
			.schema = sqlite3_column_int64(list, 1),
			.first_id = sqlite3_column_int64(list, 2),
			.last_id = sqlite3_column_int64(list, 3),
			.least_time = sqlite3_column_int64(list, 4),
			.most_time = sqlite3_column_int64(list, 5),
			.n_bytes = sqlite3_column_int64(list, 6) };

		if (block.id == writer->block)
			continue;
		if (!is_mergeable(writer, merge, &block))
			return 0;
		merge->blocks[merge->n++] = block;
		merge->n_rows += block.last_id - block.first_id + 1;
	}
	return r;
}

static int append(struct event_writer *writer, const struct event_stored *block,
	struct block_builder *rows, struct fault *why)
{
	struct store *store = writer->store->store;
	auto_done sqlite3_stmt *fetch = store_statement(
		store, "SELECT bytes FROM block WHERE id = ?", why);
	struct block_reader reader = { 0 };
	int r;

	if (!fetch)
		return why->code;
	(void) sqlite3_bind_int64(fetch, 1, block->id);
	r = store_step(store, fetch, why);
	if (r <= 0)
		return r < 0 ? r : -EUCLEAN;
	r = block_open(&reader, &writer->store->press, sqlite3_column_blob(fetch, 0),
		(size_t) sqlite3_column_bytes(fetch, 0), why);
	if (r == 0 && reader.n_rows != block->last_id - block->first_id + 1)
		r = fail(why, -EUCLEAN, "a block of events is damaged: its ids");
	if (r == 0)
		r = event_append_rows(writer->store, &reader, rows, 0, why);
	block_reader_done(&reader);
	return r;
}

// Removes the blocks but the first of them, which gets all rows.
static int put_merged(struct store *store, const struct event_stored *blocks, size_t n,
	const struct block_builder *rows, const struct text *bytes, struct fault *why)
{
	sqlite3_stmt *remove = store_statement(store, "DELETE FROM block WHERE id = ?", why);
	sqlite3_stmt *update = store_statement(store,
		"UPDATE block SET last_id = ?2, least_time = ?3, most_time = ?4, bytes = ?5"
		" WHERE id = ?1",
		why);
	int r = remove && update ? 0 : why->code;

	for (size_t i = 0; r == 0 && i + 1 < n; i++) {
		(void) sqlite3_bind_int64(remove, 1, blocks[i].id);
		r = store_step(store, remove, why);
	}
	if (r < 0)
		return r;
	(void) sqlite3_bind_int64(update, 1, blocks[n - 1].id);
	(void) sqlite3_bind_int64(update, 2, blocks[0].last_id);
	(void) sqlite3_bind_int64(update, 3, rows->least_time);
	(void) sqlite3_bind_int64(update, 4, rows->most_time);
	(void) sqlite3_bind_blob64(update, 5, bytes->bytes, bytes->length, SQLITE_STATIC);
	return store_step(store, update, why);
}

static int merge_blocks(struct event_writer *writer, const struct event_stored *blocks, size_t n,
	struct block_builder *rows, struct fault *why)
{
	struct store *store = writer->store->store;
	auto_text struct text bytes = { 0 };
	int r;

	block_write(rows, &writer->store->press, &bytes);
	r = store_begin(store, why);
	return r < 0 ? r : store_end(store, put_merged(store, blocks, n, rows, &bytes, why), why);
}

// Gathers the rows of the oldest ones: those from `*from` up to `*to`, exclusive. A damaged one
// stays where it is, with those before it.
static int gather(struct event_writer *writer, const struct merge *merge,
	struct block_builder *rows, size_t *from, size_t *to, struct fault *why)
{
	*from = *to = merge->n;
	while (*from > 0 && rows->bytes < EVENT_BLOCK_BYTES) {
		int r = append(writer, &merge->blocks[*from - 1], rows, why);

		--*from;
		if (r == -EUCLEAN) {
			block_builder_reset(rows);
			*to = *from;
		} else if (r < 0) {
			return r;
		}
	}
	return 0;
}

static bool is_worth_it(const struct merge *merge)
{
	return merge->n >= 2 && (merge->n >= LEAST || merge->n_rows >= EVENT_BLOCK_ROWS);
}

static int try_merge(struct event_writer *writer, struct block_builder *rows, struct fault *why)
{
	struct merge merge = { 0 };
	uint64_t bytes = 0;
	size_t from, to;
	int r = find_small(writer, &merge, why);

	if (r < 0 || !is_worth_it(&merge))
		return r;
	for (size_t i = 0; i < merge.n; i++)
		bytes += (uint64_t) merge.blocks[i].n_bytes + (8 << 10);
	r = event_store_make_room(writer->store, bytes, why);
	// that may have removed some
	merge = (struct merge){ 0 };
	if (r == 0)
		r = find_small(writer, &merge, why);
	if (r < 0 || !is_worth_it(&merge))
		return r;
	r = gather(writer, &merge, rows, &from, &to, why);
	return r == 0 && to - from >= 2
		? merge_blocks(writer, merge.blocks + from, to - from, rows, why)
		: r;
}

void event_writer_merge(struct event_writer *writer)
{
	struct block_builder rows;
	struct fault why;

	block_builder_init(&rows, writer->n_columns, writer->store->seed);
	if (try_merge(writer, &rows, &why) < 0)
		log_verbose("%s", why.text); // they stay as they are
	block_builder_done(&rows);
}
