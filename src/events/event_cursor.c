// SPDX-License-Identifier: Apache-2.0
// Reads rows of a table, block by block. Between two blocks nothing of the file is held, so the
// writer may merge and remove blocks meanwhile; the ids say where to go on.
#include <errno.h>
#include <string.h>

#include "events/event_store_parts.h"

struct event_cursor {
	struct event_store *store;
	int64_t generation;
	int64_t stream; // 0: there is none
	struct event_range range;
	int64_t position; // the last id that was looked at
	bool ended;

	size_t n_columns;
	char **columns;
	int64_t schema; // that `places` are for
	size_t *places; // of the columns in a block; SIZE_MAX: it has none

	// the block that is being read
	struct block_reader reader;
	int64_t first_id;
	uint32_t row, n_rows;
	bool filter; // some rows are outside of the range of times
	struct event_value *values; // row by row
	int64_t *times;
	size_t values_room, times_room;
};

struct event_cursor *event_cursor_open(struct event_store *store, const char *table,
	const char *const *columns, size_t n_columns, const struct event_range *range,
	struct fault *why)
{
	struct event_cursor *cursor = must_alloc(sizeof(*cursor));
	int64_t last_id = 0;
	int r;

	event_store_follow(store);
	*cursor = (struct event_cursor){ .store = store,
		.generation = store->generation,
		.range = *range,
		.n_columns = n_columns };
	cursor->columns = must_alloc((n_columns + 1) * sizeof(*cursor->columns));
	cursor->places = must_alloc((n_columns + 1) * sizeof(*cursor->places));
	for (size_t i = 0; i < n_columns; i++)
		cursor->columns[i] = must_dup(columns[i]);
	if (range->least_id > 0)
		cursor->position = range->least_id - 1;

	// rows that are stored from now on are left to the next cursor: there is an end
	r = event_stream_find(store, table, &cursor->stream, why);
	if (r > 0)
		r = event_stream_last_id(store, cursor->stream, &last_id, why);
	if (r < 0) {
		event_cursor_close(cursor);
		return NULL;
	}
	if (cursor->range.most_id > last_id)
		cursor->range.most_id = last_id;
	return cursor;
}

void event_cursor_close(struct event_cursor *cursor)
{
	if (!cursor)
		return;
	for (size_t i = 0; i < cursor->n_columns; i++)
		free(cursor->columns[i]);
	free(cursor->columns);
	free(cursor->places);
	block_reader_done(&cursor->reader);
	free(cursor->values);
	free(cursor->times);
	free(cursor);
}

// ---- columns ----

static size_t place_of(const char *names, size_t length, const char *column)
{
	const char *end = names + length;

	for (size_t place = 0; names < end; place++) {
		size_t size = strnlen(names, (size_t) (end - names));

		if (size == strlen(column) && memcmp(names, column, size) == 0)
			return place;
		names += size + (names + size < end);
	}
	return SIZE_MAX;
}

static int map_columns(struct event_cursor *cursor, int64_t schema, struct fault *why)
{
	struct store *store = cursor->store->store;
	auto_done sqlite3_stmt *find = NULL;
	int r;

	if (schema == cursor->schema)
		return 0;
	find = store_statement(store, "SELECT names FROM schema WHERE id = ?", why);
	if (!find)
		return why->code;
	(void) sqlite3_bind_int64(find, 1, schema);
	r = store_step(store, find, why);
	if (r <= 0)
		return r < 0 ? r : fail(why, -EUCLEAN, "a block of events has no schema");
	for (size_t i = 0; i < cursor->n_columns; i++)
		cursor->places[i] = place_of(sqlite3_column_blob(find, 0),
			(size_t) sqlite3_column_bytes(find, 0), cursor->columns[i]);
	cursor->schema = schema;
	return 0;
}

// ---- blocks ----

static void make_room(struct event_cursor *cursor, size_t n_rows)
{
	size_t n_values = n_rows * cursor->n_columns;

	if (cursor->times_room < n_rows) {
		free(cursor->times);
		cursor->times = must_alloc(n_rows * sizeof(*cursor->times));
		cursor->times_room = n_rows;
	}
	if (cursor->values_room < n_values) {
		free(cursor->values);
		cursor->values = must_alloc(n_values * sizeof(*cursor->values));
		cursor->values_room = n_values;
	}
}

static int decode(struct event_cursor *cursor, struct fault *why)
{
	struct block_reader *reader = &cursor->reader;
	int r;

	make_room(cursor, reader->n_rows);
	r = block_read_times(reader, cursor->times, why);
	for (size_t i = 0; r == 0 && i < cursor->n_columns; i++) {
		struct event_value *values = cursor->values + i;

		if (cursor->places[i] < reader->n_columns) {
			r = block_read_column(reader, &cursor->store->press, cursor->places[i],
				values, cursor->n_columns, why);
			continue;
		}
		for (size_t row = 0; row < reader->n_rows; row++, values += cursor->n_columns)
			*values = (struct event_value){ .kind = EVENT_MISSING };
	}
	return r;
}

// Reads the block and makes its first row within the range the next one.
static int load(struct event_cursor *cursor, int64_t block, int64_t first_id, int64_t last_id,
	struct fault *why)
{
	const struct event_range *range = &cursor->range;
	struct store *store = cursor->store->store;
	auto_done sqlite3_stmt *fetch = store_statement(
		store, "SELECT schema, bytes FROM block WHERE id = ?", why);
	int64_t from = cursor->position + 1;
	int r;

	cursor->position = last_id; // whatever comes of this one
	if (!fetch)
		return why->code;
	(void) sqlite3_bind_int64(fetch, 1, block);
	r = store_step(store, fetch, why);
	if (r <= 0)
		return r < 0 ? r : fail(why, -EUCLEAN, "a block of events is missing");
	r = map_columns(cursor, sqlite3_column_int64(fetch, 0), why);
	if (r == 0)
		r = block_open(&cursor->reader, &cursor->store->press,
			sqlite3_column_blob(fetch, 1), (size_t) sqlite3_column_bytes(fetch, 1),
			why);
	if (r == 0 && first_id + (int64_t) cursor->reader.n_rows - 1 != last_id)
		r = fail(why, -EUCLEAN, "a block of events is damaged: its ids");
	if (r == 0)
		r = decode(cursor, why);
	if (r < 0)
		return r;
	cursor->first_id = first_id;
	cursor->row = from > first_id ? (uint32_t) (from - first_id) : 0;
	cursor->n_rows = range->most_id < last_id ? (uint32_t) (range->most_id - first_id + 1)
						  : cursor->reader.n_rows;
	return 1;
}

// The next block that may have rows: 1, 0 at the end.
static int next_block(struct event_cursor *cursor, struct fault *why)
{
	struct store *store = cursor->store->store;
	const struct event_range *range = &cursor->range;
	auto_done sqlite3_stmt *find = NULL;
	int64_t first_id, last_id;
	int r;

	if (cursor->stream == 0 || cursor->ended || cursor->position >= range->most_id ||
		cursor->generation != cursor->store->generation)
		return 0;
	find = store_statement(store,
		"SELECT id, first_id, last_id, least_time, most_time FROM block"
		" WHERE stream = ?1 AND last_id > ?2 AND first_id <= ?3"
		" AND most_time >= ?4 AND least_time <= ?5 ORDER BY last_id LIMIT 1",
		why);
	cursor->ended = true; // unless there is one
	if (!find)
		return why->code;
	(void) sqlite3_bind_int64(find, 1, cursor->stream);
	(void) sqlite3_bind_int64(find, 2, cursor->position);
	(void) sqlite3_bind_int64(find, 3, range->most_id);
	(void) sqlite3_bind_int64(find, 4, range->least_time);
	(void) sqlite3_bind_int64(find, 5, range->most_time);
	r = store_step(store, find, why);
	if (r <= 0)
		return r;
	cursor->ended = false;
	first_id = sqlite3_column_int64(find, 1);
	last_id = sqlite3_column_int64(find, 2);
	if (first_id < 1 || first_id > last_id || last_id - first_id >= BLOCK_MOST_ROWS) {
		cursor->position = last_id;
		return fail(why, -EUCLEAN, "a block of events is damaged: its ids");
	}
	cursor->filter = sqlite3_column_int64(find, 3) < range->least_time ||
		sqlite3_column_int64(find, 4) > range->most_time;
	// the statement is not done yet: the block is that of the same moment
	return load(cursor, sqlite3_column_int64(find, 0), first_id, last_id, why);
}

int event_cursor_next(struct event_cursor *cursor, struct fault *why)
{
	for (;;) {
		while (++cursor->row <= cursor->n_rows) {
			int64_t time = cursor->times[cursor->row - 1];

			if (!cursor->filter ||
				(time >= cursor->range.least_time &&
					time <= cursor->range.most_time))
				return 1;
		}
		cursor->row = cursor->n_rows = 0;
		int r = next_block(cursor, why);

		if (r <= 0)
			return r;
	}
}

int64_t event_cursor_id(const struct event_cursor *cursor)
{
	return cursor->first_id + cursor->row - 1;
}

int64_t event_cursor_time(const struct event_cursor *cursor)
{
	return cursor->times[cursor->row - 1];
}

const struct event_value *event_cursor_values(const struct event_cursor *cursor)
{
	return cursor->values + (size_t) (cursor->row - 1) * cursor->n_columns;
}
