// SPDX-License-Identifier: Apache-2.0
// Keeps the event store small: by the age of each table's rows and the number of seconds that have
// some, by the bytes of all.
//
// On the disk are the file and its log. The log may take an eighth of the budget: before it would
// grow beyond, the writer empties it. The file has what is left; blocks that go make room within it
// for those that come, and where there is too much of it the file shrinks.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "events/event_store_parts.h"

enum {
	PAGE = 4096,
	FRAME = PAGE + 24, // of the log
	BATCH = 16, // blocks that go in one transaction
	BATCH_BYTES = BATCH * 6 * PAGE, // what that writes, about
	VACUUM_PAGES = 32, // in one transaction; the statement below has the number, too
	VACUUM_BYTES = VACUUM_PAGES * 3 * PAGE, // what that writes, at most
	LEAST_LOG = 256 << 10,
	LEAST_ROOM = 64 << 10,
	PORTIONS = 32, // of a file that is not too long, in one call
	UNUSED_BYTES = 1 << 20, // a file may have, and an eighth of it
};

// ---- sizes ----

static int64_t read_pragma(struct event_store *store, const char *sql)
{
	struct fault why;
	auto_done sqlite3_stmt *pragma = store_statement(store->store, sql, &why);

	return pragma && store_step(store->store, pragma, &why) > 0
		? sqlite3_column_int64(pragma, 0)
		: 0;
}

struct sizes {
	uint64_t file; // its pages, as the last transaction has them
	uint64_t used; // of them, those that hold something
	uint64_t log; // on the disk
	uint64_t disk; // file and log as they are there
};

static uint64_t size_of(const char *path, const char *suffix)
{
	auto_text struct text name = { 0 };
	struct stat status;

	if (!path)
		return 0;
	text_printf(&name, "%s%s", path, suffix);
	return stat(name.bytes, &status) == 0 ? (uint64_t) status.st_size : 0;
}

static struct sizes measure(struct event_store *store)
{
	const char *path = store_path(store->store);
	uint64_t pages = (uint64_t) read_pragma(store, "PRAGMA page_count");
	uint64_t unused = (uint64_t) read_pragma(store, "PRAGMA freelist_count");
	struct sizes sizes = { .file = pages * PAGE,
		.used = (pages > unused ? pages - unused : 0) * PAGE,
		.log = size_of(path, "-wal") };
	uint64_t on_disk = size_of(path, "");

	sizes.disk = sizes.log + (on_disk > sizes.file ? on_disk : sizes.file);
	return sizes;
}

// How much the log may grow to.
static uint64_t log_share(const struct event_store *store)
{
	uint64_t share = store->budget_bytes / 8;

	if (store->budget_bytes == 0 || share > EVENT_LOG_BYTES)
		return EVENT_LOG_BYTES;
	return share > LEAST_LOG ? share : LEAST_LOG;
}

void event_store_checkpoint(struct event_store *store)
{
	event_store_follow(store);
	if (store_path(store->store))
		(void) sqlite3_wal_checkpoint_v2(
			store_database(store->store), NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

// Writes something, so that an empty log begins anew; SQLite cuts it then.
static void touch(struct event_store *store)
{
	struct fault why;
	sqlite3_stmt *update = store_statement(
		store->store, "INSERT OR REPLACE INTO setting VALUES ('touched', random())", &why);

	if (update)
		(void) store_step(store->store, update, &why);
}

// Empties the log when `bytes` more would make it too long. The next transaction begins it anew
// unless somebody is reading in it.
static void shorten_log(struct event_store *store, uint64_t bytes)
{
	const char *path = store_path(store->store);
	int in_log = 0, written = 0;

	if (!path || store->log_frames * FRAME + bytes <= log_share(store))
		return;
	if (sqlite3_wal_checkpoint_v2(store_database(store->store), NULL, SQLITE_CHECKPOINT_PASSIVE,
		    &in_log, &written) != SQLITE_OK ||
		in_log != written)
		return;
	store->log_frames = 0;
	if (size_of(path, "-wal") > log_share(store))
		touch(store);
}

// ---- who has read what ----

struct reading {
	bool any; // there are readers
	int64_t id; // up to which all have read
	int64_t wait_s; // the longest interval, three times
};

static int find_reading(
	struct event_store *store, int64_t stream, struct reading *reading, struct fault *why)
{
	auto_done sqlite3_stmt *find = store_statement(store->store,
		"SELECT count(*), min(last_id), max(interval_s) FROM reader"
		" WHERE name = (SELECT name FROM stream WHERE id = ?1) AND heard > ?2",
		why);
	int r;

	*reading = (struct reading){ 0 };
	if (!find)
		return why->code;
	(void) sqlite3_bind_int64(find, 1, stream);
	(void) sqlite3_bind_int64(find, 2, (int64_t) time(NULL) - EVENT_READER_S);
	r = store_step(store->store, find, why);
	if (r > 0 && sqlite3_column_int64(find, 0) > 0) {
		int64_t interval_s = sqlite3_column_int64(find, 2);

		reading->any = true;
		reading->id = sqlite3_column_int64(find, 1);
		reading->wait_s = interval_s < 0 || interval_s > INT32_MAX ? 0 : 3 * interval_s;
	}
	return r < 0 ? r : 0;
}

static int64_t unread_rows(const struct reading *reading, const struct event_stored *block)
{
	int64_t from = block->first_id;

	if (!reading->any || block->last_id <= reading->id)
		return 0;
	if (reading->id >= from)
		from = reading->id + 1;
	return block->last_id - from + 1;
}

// ---- blocks ----

static struct event_writer *find_open(struct event_store *store, int64_t block)
{
	for (size_t i = 0; i < store->n_writers; i++)
		if (store->writers[i]->block == block)
			return store->writers[i];
	return NULL;
}

static struct event_writer *find_writer(struct event_store *store, int64_t stream)
{
	for (size_t i = 0; i < store->n_writers; i++)
		if (store->writers[i]->stream == stream)
			return store->writers[i];
	return NULL;
}

// The stream's first block behind an id: 1, or 0.
static int next_block(struct event_store *store, int64_t stream, int64_t behind,
	struct event_stored *block, struct fault *why)
{
	auto_done sqlite3_stmt *find = store_statement(store->store,
		"SELECT id, first_id, last_id, least_time, most_time FROM block"
		" WHERE stream = ? AND last_id > ? ORDER BY last_id LIMIT 1",
		why);
	int r;

	if (!find)
		return why->code;
	(void) sqlite3_bind_int64(find, 1, stream);
	(void) sqlite3_bind_int64(find, 2, behind);
	r = store_step(store->store, find, why);
	if (r > 0)
		*block = (struct event_stored){ .id = sqlite3_column_int64(find, 0),
			.stream = stream,
			.first_id = sqlite3_column_int64(find, 1),
			.last_id = sqlite3_column_int64(find, 2),
			.least_time = sqlite3_column_int64(find, 3),
			.most_time = sqlite3_column_int64(find, 4) };
	return r;
}

// Blocks that are to go.
struct batch {
	struct event_stored blocks[BATCH];
	int64_t unread[BATCH];
	size_t n;
};

// An open block can go when nothing is to be added to it; else it is closed with the next commit.
static bool may_go(struct event_store *store, const struct event_stored *block)
{
	struct event_writer *writer = find_open(store, block->id);

	if (!writer || writer->rows.n_rows == writer->stored_rows)
		return true;
	writer->to_be_closed = true;
	return false;
}

static int remove_block(
	struct event_store *store, const struct event_stored *block, struct fault *why)
{
	sqlite3_stmt *remove = store_statement(store->store, "DELETE FROM block WHERE id = ?", why);
	sqlite3_stmt *keep = store_statement(store->store,
		"UPDATE stream SET last_id = ?2 WHERE id = ?1 AND last_id < ?2 AND NOT EXISTS"
		" (SELECT 1 FROM block WHERE stream = ?1 AND last_id > ?2)",
		why);
	int r;

	if (!remove || !keep)
		return why->code;
	(void) sqlite3_bind_int64(remove, 1, block->id);
	r = store_step(store->store, remove, why);
	if (r < 0)
		return r;
	// where no block says it any more
	(void) sqlite3_bind_int64(keep, 1, block->stream);
	(void) sqlite3_bind_int64(keep, 2, block->last_id);
	return store_step(store->store, keep, why);
}

static int remove_all(struct event_store *store, const struct batch *batch, struct fault *why)
{
	int r = store_begin(store->store, why);

	if (r < 0)
		return r;
	for (size_t i = 0; r == 0 && i < batch->n; i++)
		r = remove_block(store, &batch->blocks[i], why);
	return store_end(store->store, r, why);
}

static int remove_batch(struct event_store *store, const struct batch *batch, struct fault *why)
{
	int r;

	if (batch->n == 0)
		return 0;
	shorten_log(store, BATCH_BYTES);
	r = remove_all(store, batch, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < batch->n; i++) {
		struct event_writer *open = find_open(store, batch->blocks[i].id);
		struct event_writer *writer = find_writer(store, batch->blocks[i].stream);

		if (writer)
			writer->n_expired_unread += (uint64_t) batch->unread[i];
		if (open)
			event_writer_close_block(open);
	}
	return 0;
}

uint64_t event_writer_expired_unread(const struct event_writer *writer)
{
	return writer->n_expired_unread;
}

// ---- by age and number ----

// In how many seconds the rows of a block may have come: `behind` is the last one of the block
// before, which is not counted again.
static uint64_t seconds_of(const struct event_stored *block, int64_t behind)
{
	int64_t first = block->least_time > behind ? block->least_time : behind + 1;
	int64_t rows = block->last_id - block->first_id + 1;
	int64_t seconds = block->most_time >= first ? block->most_time - first + 1 : 0;

	return (uint64_t) (seconds < rows ? seconds : rows);
}

// The same of all blocks of a stream.
static int count_seconds(
	struct event_store *store, int64_t stream, uint64_t *seconds, struct fault *why)
{
	auto_done sqlite3_stmt *list = store_statement(store->store,
		"SELECT first_id, last_id, least_time, most_time FROM block"
		" WHERE stream = ? ORDER BY last_id",
		why);
	int64_t behind = INT64_MIN;
	int r;

	*seconds = 0;
	if (!list)
		return why->code;
	(void) sqlite3_bind_int64(list, 1, stream);
	while ((r = store_step(store->store, list, why)) > 0) {
		struct event_stored block = { .first_id = sqlite3_column_int64(list, 0),
			.last_id = sqlite3_column_int64(list, 1),
			.least_time = sqlite3_column_int64(list, 2),
			.most_time = sqlite3_column_int64(list, 3) };

		*seconds += seconds_of(&block, behind);
		if (block.most_time > behind)
			behind = block.most_time;
	}
	return r;
}

// Whether readers can still be expected to come for rows of the block.
static bool is_awaited(const struct reading *reading, const struct event_stored *block, int64_t now)
{
	return unread_rows(reading, block) > 0 && block->most_time > now - reading->wait_s;
}

// Finds blocks that are too old or too many.
static int find_expired(struct event_store *store, int64_t stream,
	const struct event_limits *limits, int64_t now, struct batch *batch, struct fault *why)
{
	struct event_stored block;
	struct reading reading;
	int64_t behind = 0, time = INT64_MIN;
	uint64_t seconds = 0;
	int r = find_reading(store, stream, &reading, why);

	batch->n = 0;
	if (r == 0 && limits->most_seconds > 0)
		r = count_seconds(store, stream, &seconds, why);
	while (r >= 0 && batch->n < BATCH &&
		(r = next_block(store, stream, behind, &block, why)) > 0) {
		bool old = limits->expiry_s > 0 && block.most_time < now - limits->expiry_s;
		bool many = limits->most_seconds > 0 && seconds > limits->most_seconds;

		if (many)
			seconds -= seconds_of(&block, time);
		time = block.most_time > time ? block.most_time : time;
		behind = block.last_id;
		if (!old && !many) {
			if (block.most_time > now)
				continue; // a clock that was wrong does not keep what follows
			break;
		}
		if (is_awaited(&reading, &block, now) || !may_go(store, &block))
			break;
		batch->unread[batch->n] = unread_rows(&reading, &block);
		batch->blocks[batch->n++] = block;
	}
	return r < 0 ? r : 0;
}

// Seconds from the first to the last row of a block, so that not too much goes or stays with it.
// 0: any.
static int64_t longest_span(const struct event_limits *limits)
{
	int64_t span_s = limits->expiry_s;

	if (limits->most_seconds > 0 && (span_s <= 0 || (uint64_t) span_s > limits->most_seconds))
		span_s = (int64_t) (limits->most_seconds < INT32_MAX ? limits->most_seconds
								     : INT32_MAX);
	if (span_s <= 0)
		return 0;
	return span_s > 8 ? span_s / 8 : 1;
}

static int expire_table(struct event_store *store, const struct event_limits *limits, int64_t now,
	struct fault *why)
{
	struct event_writer *writer;
	struct batch batch;
	int64_t stream;
	int r = event_stream_find(store, limits->table, &stream, why);

	if (r <= 0)
		return r;
	// a block goes as a whole: it must not last too long
	writer = find_writer(store, stream);
	if (writer)
		writer->span_s = longest_span(limits);
	do {
		r = find_expired(store, stream, limits, now, &batch, why);
		if (r == 0)
			r = remove_batch(store, &batch, why);
	} while (r == 0 && batch.n == BATCH);
	return r;
}

// ---- by bytes ----

// The oldest of the streams' oldest blocks, of those that all have read if there are any: 1, 0 when
// there is none that can go.
static int find_oldest(
	struct event_store *store, struct event_stored *oldest, int64_t *unread, struct fault *why)
{
	auto_done sqlite3_stmt *list = store_statement(store->store, "SELECT id FROM stream", why);
	bool found = false;
	int r = list ? 0 : why->code;

	while (list && (r = store_step(store->store, list, why)) > 0) {
		struct event_stored block;
		struct reading reading;
		int64_t stream = sqlite3_column_int64(list, 0), rows;

		r = next_block(store, stream, 0, &block, why);
		if (r < 0)
			return r;
		if (r == 0 || !may_go(store, &block))
			continue;
		r = find_reading(store, stream, &reading, why);
		if (r < 0)
			return r;
		rows = unread_rows(&reading, &block);
		if (found && (rows > 0) > (*unread > 0))
			continue;
		if (!found || (rows > 0) < (*unread > 0) || block.most_time < oldest->most_time) {
			found = true;
			*oldest = block;
			*unread = rows;
		}
	}
	return r < 0 ? r : found;
}

// Removes the oldest blocks until the file holds at most so much.
static int remove_oldest(struct event_store *store, uint64_t most_bytes, struct fault *why)
{
	struct batch batch = { .n = 1 };
	int r = 0;

	while (r == 0 && measure(store).used > most_bytes) {
		r = find_oldest(store, &batch.blocks[0], &batch.unread[0], why);
		if (r <= 0)
			break;
		r = remove_batch(store, &batch, why);
	}
	return r < 0 ? r : 0;
}

int event_store_make_room(struct event_store *store, uint64_t need_bytes, struct fault *why)
{
	uint64_t budget = store->budget_bytes, log, most;
	struct sizes sizes;
	int r;

	shorten_log(store, need_bytes);
	if (budget == 0)
		return 0;
	sizes = measure(store);
	// what the log will take, and what its content makes of the file
	log = store->log_frames * FRAME + need_bytes;
	log = store_path(store->store) ? (log > sizes.log ? log : sizes.log) : 0;
	if (log < log_share(store))
		log = log_share(store);
	most = budget > log + need_bytes ? budget - log - need_bytes : 0;
	if (sizes.used <= most)
		return 0;
	// some more, so that not every commit removes blocks
	r = remove_oldest(store, most > budget / 32 ? most - budget / 32 : most / 2, why);
	if (r == 0 && measure(store).used > most)
		r = fail(why, -ENOSPC, "events: %llu bytes do not fit the budget of %llu",
			(unsigned long long) need_bytes, (unsigned long long) budget);
	return r;
}

// ---- giving back ----

static int vacuum(struct event_store *store, struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(
		store->store, "PRAGMA incremental_vacuum(32)", why);
	int r = statement ? 1 : why->code;

	while (r > 0)
		r = store_step(store->store, statement, why);
	return r;
}

// Makes the file shorter when much of it is unused; as long as it takes when it is too long.
static int shrink(struct event_store *store, struct fault *why)
{
	uint64_t budget = store->budget_bytes;
	uint64_t most = budget > log_share(store) ? budget - log_share(store) : LEAST_ROOM;
	struct sizes sizes = measure(store);
	int r = 0;

	for (int i = 0; r == 0; i++) {
		uint64_t unused = sizes.file - sizes.used, before = sizes.file;
		bool too_long = budget > 0 && sizes.file > most;

		if (unused < PAGE ||
			(!too_long &&
				(i == PORTIONS || unused < UNUSED_BYTES ||
					unused < sizes.file / 8)))
			break;
		shorten_log(store, VACUUM_BYTES);
		r = vacuum(store, why);
		sizes = measure(store);
		if (sizes.file >= before)
			break;
	}
	// the file itself is cut when the log is written back
	if (budget > 0 && sizes.disk > budget)
		shorten_log(store, UINT32_MAX);
	return r;
}

void event_store_set_budget(struct event_store *store, uint64_t budget_bytes)
{
	char sql[64];

	store->budget_bytes = budget_bytes;
	(void) snprintf(sql, sizeof(sql), "PRAGMA journal_size_limit = %llu",
		(unsigned long long) (log_share(store) < 4 << 20 ? log_share(store) : 4 << 20));
	(void) sqlite3_exec(store_database(store->store), sql, NULL, NULL, NULL);
}

static int expire(struct event_store *store, const struct event_limits *limits, size_t n,
	int64_t now, struct fault *why)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++)
		r = expire_table(store, &limits[i], now, why);
	if (r == 0)
		r = event_store_make_room(store, LEAST_ROOM, why);
	return r == 0 ? shrink(store, why) : r;
}

int event_store_expire(struct event_store *store, const struct event_limits *limits, size_t n,
	uint64_t budget_bytes, int64_t now, struct fault *why)
{
	int r;

	if (store->budget_bytes != budget_bytes)
		event_store_set_budget(store, budget_bytes);
	r = expire(store, limits, n, now, why);
	if (r == -EUCLEAN) {
		log_error("%s", why->text);
		event_store_start_over(store, true);
	}
	return r;
}
