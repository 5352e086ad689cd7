// SPDX-License-Identifier: Apache-2.0
#include "store/outbox.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "store/blob.h"

int outbox_append(struct store *store, enum channel channel, const char *bytes, size_t length,
	uint64_t n_lines, bool ends, struct fault *why)
{
	auto_text struct text packed = { 0 };
	sqlite3_stmt *statement = store_statement(store,
		"INSERT INTO outbox (channel, n_lines, ends, bytes) VALUES (?, ?, ?, ?)", why);

	if (!statement)
		return why->code;
	blob_pack(&packed, bytes, length);
	(void) sqlite3_bind_int(statement, 1, channel);
	(void) sqlite3_bind_int64(statement, 2, (int64_t) n_lines);
	(void) sqlite3_bind_int(statement, 3, ends);
	(void) sqlite3_bind_blob64(statement, 4, packed.bytes, packed.length, SQLITE_STATIC);
	return store_step(store, statement, why);
}

// ---- readers ----

static int read_marks(struct store *store, struct outbox_reader *reader, struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(
		store, "SELECT channel, file, position FROM mark WHERE output = ?", why);
	int r;

	if (!statement)
		return why->code;
	(void) sqlite3_bind_text(statement, 1, reader->output, -1, SQLITE_STATIC);
	while ((r = store_step(store, statement, why)) > 0) {
		int channel = sqlite3_column_int(statement, 0);

		if (channel >= 0 && channel < N_CHANNELS)
			reader->marks[channel] = (struct outbox_mark){
				(uint64_t) sqlite3_column_int64(statement, 1),
				(uint64_t) sqlite3_column_int64(statement, 2),
			};
	}
	return r;
}

// The id that the next entry will have. Ids go on where they ended, also when the box is empty.
static int read_end(struct store *store, int64_t *end, struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(
		store, "SELECT seq + 1 FROM sqlite_sequence WHERE name = 'outbox'", why);
	int r = statement ? store_step(store, statement, why) : why->code;

	if (r < 0)
		return r;
	*end = r > 0 ? sqlite3_column_int64(statement, 0) : 1;
	// no box lives so long; soon there would be no more ids
	if (*end < 1 || *end > INT64_MAX / 2)
		return fail(why, -EUCLEAN, "store: the ids of the outbox are damaged");
	return 0;
}

int outbox_reader_open(
	struct store *store, struct outbox_reader *reader, const char *output, struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(
		store, "SELECT entry, offset, dropped_lines FROM reader WHERE output = ?", why);
	int64_t end;
	int r;

	*reader = (struct outbox_reader){ .output = output };
	if (!statement)
		return why->code;
	(void) sqlite3_bind_text(statement, 1, output, -1, SQLITE_STATIC);
	r = store_step(store, statement, why);
	if (r < 0)
		return r;
	if (r > 0) {
		reader->entry = sqlite3_column_int64(statement, 0);
		reader->offset = (uint64_t) sqlite3_column_int64(statement, 1);
		reader->dropped_lines = (uint64_t) sqlite3_column_int64(statement, 2);
		store_done(&statement);
		r = read_end(store, &end, why);
		// a place that is none: all that is in the box is to be delivered
		if (r == 0 &&
			(reader->entry < 0 || reader->entry > end || reader->offset > INT64_MAX)) {
			reader->entry = 0;
			reader->offset = 0;
			r = outbox_reader_save(store, reader, why);
		}
		return r < 0 ? r : read_marks(store, reader, why);
	}
	r = read_end(store, &reader->entry, why);
	return r < 0 ? r : outbox_reader_save(store, reader, why);
}

int outbox_reader_find(struct store *store, const char *output, struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(
		store, "SELECT 1 FROM reader WHERE output = ?", why);

	if (!statement)
		return why->code;
	(void) sqlite3_bind_text(statement, 1, output, -1, SQLITE_STATIC);
	return store_step(store, statement, why);
}

static int save_place(struct store *store, const struct outbox_reader *reader, struct fault *why)
{
	sqlite3_stmt *statement = store_statement(store,
		"INSERT OR REPLACE INTO reader (output, entry, offset, dropped_lines)"
		" VALUES (?, ?, ?, ?)",
		why);

	if (!statement)
		return why->code;
	(void) sqlite3_bind_text(statement, 1, reader->output, -1, SQLITE_STATIC);
	(void) sqlite3_bind_int64(statement, 2, reader->entry);
	(void) sqlite3_bind_int64(statement, 3, (int64_t) reader->offset);
	(void) sqlite3_bind_int64(statement, 4, (int64_t) reader->dropped_lines);
	return store_step(store, statement, why);
}

static int save_mark(
	struct store *store, const struct outbox_reader *reader, int channel, struct fault *why)
{
	sqlite3_stmt *statement = store_statement(store,
		"INSERT OR REPLACE INTO mark (output, channel, file, position) VALUES (?, ?, ?, ?)",
		why);

	if (!statement)
		return why->code;
	(void) sqlite3_bind_text(statement, 1, reader->output, -1, SQLITE_STATIC);
	(void) sqlite3_bind_int(statement, 2, channel);
	(void) sqlite3_bind_int64(statement, 3, (int64_t) reader->marks[channel].file);
	(void) sqlite3_bind_int64(statement, 4, (int64_t) reader->marks[channel].position);
	return store_step(store, statement, why);
}

int outbox_reader_save(struct store *store, const struct outbox_reader *reader, struct fault *why)
{
	int r = store_begin(store, why);

	if (r < 0)
		return r;
	r = save_place(store, reader, why);
	for (int channel = 0; r >= 0 && channel < N_CHANNELS; channel++)
		r = save_mark(store, reader, channel, why);
	return store_end(store, r, why);
}

static bool is_among(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return true;
	return false;
}

static int forget(struct store *store, const char *output, struct fault *why)
{
	static const char *const sql[] = { "DELETE FROM reader WHERE output = ?",
		"DELETE FROM mark WHERE output = ?" };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < 2; i++) {
		sqlite3_stmt *statement = store_statement(store, sql[i], why);

		if (!statement)
			return why->code;
		(void) sqlite3_bind_text(statement, 1, output, -1, SQLITE_STATIC);
		r = store_step(store, statement, why);
	}
	return r;
}

int outbox_keep_readers(struct store *store, const char *const *names, size_t n, struct fault *why)
{
	sqlite3_stmt *statement = store_statement(store, "SELECT output FROM reader", why);
	struct arena arena = { 0 };
	const char *others[64];
	size_t n_others = 0;
	int r;

	if (!statement)
		return why->code;
	while ((r = store_step(store, statement, why)) > 0) {
		const char *output = (const char *) sqlite3_column_text(statement, 0);

		if (!is_among(output, names, n) && n_others < 64)
			others[n_others++] = arena_copy(&arena, output, strlen(output));
	}
	for (size_t i = 0; r >= 0 && i < n_others; i++)
		r = forget(store, others[i], why);
	arena_done(&arena);
	return r;
}

// ---- reading ----

int outbox_read(struct store *store, int64_t from, struct outbox_entry *entry, struct text *room,
	struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(store,
		"SELECT id, channel, n_lines, ends, bytes FROM outbox WHERE id >= ?"
		" ORDER BY id LIMIT 1",
		why);
	int r;

	if (!statement)
		return why->code;
	(void) sqlite3_bind_int64(statement, 1, from);
	r = store_step(store, statement, why);
	if (r <= 0)
		return r;

	*entry = (struct outbox_entry){
		.id = sqlite3_column_int64(statement, 0),
		.channel = sqlite3_column_int(statement, 1) == CHANNEL_SNAPSHOTS ? CHANNEL_SNAPSHOTS
										 : CHANNEL_RESULTS,
		.n_lines = (uint64_t) sqlite3_column_int64(statement, 2),
		.ends = sqlite3_column_int(statement, 3),
	};
	text_clear(room);
	r = blob_unpack(room, sqlite3_column_blob(statement, 4),
		(size_t) sqlite3_column_bytes(statement, 4), why);
	entry->bytes = room->bytes;
	entry->length = room->length;
	return r < 0 ? r : 1;
}

int64_t outbox_n_lines(struct store *store, int64_t from, struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(
		store, "SELECT sum(n_lines) FROM outbox WHERE id >= ?", why);
	int r;

	if (!statement)
		return why->code;
	(void) sqlite3_bind_int64(statement, 1, from);
	r = store_step(store, statement, why);
	return r > 0 ? sqlite3_column_int64(statement, 0) : r;
}

// ---- trimming ----

// The answer of a query of one number; `fallback` where it is NULL.
static int read_number(
	struct store *store, const char *sql, int64_t fallback, int64_t *number, struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(store, sql, why);
	int r = statement ? store_step(store, statement, why) : why->code;

	if (r < 0)
		return r;
	*number = r > 0 && sqlite3_column_type(statement, 0) != SQLITE_NULL
		? sqlite3_column_int64(statement, 0)
		: fallback;
	return 0;
}

static int remove_before(struct store *store, int64_t id, struct fault *why)
{
	sqlite3_stmt *statement = store_statement(store, "DELETE FROM outbox WHERE id < ?", why);

	if (!statement)
		return why->code;
	(void) sqlite3_bind_int64(statement, 1, id);
	return store_step(store, statement, why);
}

// The id up to which entries have to go so that the rest is within the limits. Goes on to the end
// of a line, so that none is cut.
static int find_cut(struct store *store, uint64_t most_lines, uint64_t most_bytes, int64_t *cut,
	struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(
		store, "SELECT id, n_lines, length(bytes), ends FROM outbox ORDER BY id DESC", why);
	uint64_t lines = 0, bytes = 0;
	int64_t oldest_whole = INT64_MAX; // the oldest entry behind the end of a line
	int r;

	if (!statement)
		return why->code;
	*cut = 0;
	while ((r = store_step(store, statement, why)) > 0) {
		int64_t id = sqlite3_column_int64(statement, 0);

		lines += (uint64_t) sqlite3_column_int64(statement, 1);
		bytes += (uint64_t) sqlite3_column_int64(statement, 2);
		if (sqlite3_column_int(statement, 3))
			oldest_whole = id + 1;
		if ((most_lines && lines > most_lines) || (most_bytes && bytes > most_bytes)) {
			*cut = oldest_whole;
			return 0;
		}
	}
	return r;
}

// Moves the readers that had not come so far on to the cut, and counts what they miss.
static int skip_to(struct store *store, int64_t cut, int64_t *dropped, struct fault *why)
{
	sqlite3_stmt *statement = store_statement(store,
		"SELECT sum(n_lines) FROM outbox WHERE id < ?1"
		" AND id >= (SELECT min(entry) FROM reader)",
		why);
	int r;

	if (!statement)
		return why->code;
	(void) sqlite3_bind_int64(statement, 1, cut);
	r = store_step(store, statement, why);
	if (r < 0)
		return r;
	*dropped = r > 0 ? sqlite3_column_int64(statement, 0) : 0;
	store_done(&statement);

	statement = store_statement(store,
		"UPDATE reader SET dropped_lines = dropped_lines + (SELECT coalesce(sum(n_lines), "
		"0)"
		" FROM outbox WHERE id >= reader.entry AND id < ?1), entry = ?1, offset = 0"
		" WHERE entry < ?1",
		why);
	if (!statement)
		return why->code;
	(void) sqlite3_bind_int64(statement, 1, cut);
	return store_step(store, statement, why);
}

static int trim(struct store *store, uint64_t most_lines, uint64_t most_bytes, int64_t *dropped,
	struct fault *why)
{
	int64_t oldest, cut = 0;
	int r = read_number(store, "SELECT min(entry) FROM reader", INT64_MAX, &oldest, why);

	if (r >= 0)
		r = remove_before(store, oldest, why);
	if (r >= 0 && (most_lines || most_bytes))
		r = find_cut(store, most_lines, most_bytes, &cut, why);
	if (r >= 0 && cut > 0)
		r = skip_to(store, cut, dropped, why);
	if (r >= 0 && cut > 0)
		r = remove_before(store, cut, why);
	return r;
}

bool outbox_waiting(struct store *store)
{
	struct fault why;
	int64_t some = 0;

	return read_number(store, "SELECT EXISTS (SELECT 1 FROM outbox)", 0, &some, &why) == 0 &&
		some;
}

int64_t outbox_trim(
	struct store *store, uint64_t most_lines, uint64_t most_bytes, struct fault *why)
{
	int64_t dropped = 0;
	int r;

	if (!outbox_waiting(store))
		return 0;
	r = store_begin(store, why);
	if (r < 0)
		return r;
	r = trim(store, most_lines, most_bytes, &dropped, why);
	r = store_end(store, r, why);
	return r < 0 ? r : dropped;
}
