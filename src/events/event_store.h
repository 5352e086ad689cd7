// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stored events: events.db, in the folder of the store. Rows of a table are kept in blocks: some
// hundred to some thousand rows, column by column, compressed, one SQLite row for each block, with
// the first and last id and time, so that a query passes over blocks outside its range and expiry
// removes whole blocks.
//
// One process writes (the collector), any number read; readers never hold up the writer. Ids of a
// table's rows begin at 1, grow by 1, and are never given twice as long as the generation of the
// file is the same. A store belongs to one thread (event_store_share).
//
// A file that is damaged is set aside by the writer, as state.db is (store/store.h); stores that
// only read, or set readers, go on with the new one by themselves.

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "store/store.h"

struct event_store;
struct event_writer;

// `folder` as store_open. STORE_MEMORY: a store of this process that event_store_share opens for
// other threads.
struct event_store *event_store_open(const char *folder, enum store_mode mode, struct fault *why);
void event_store_close(struct event_store *store);

// Another connection to the same file, for another thread; to a store in memory too, which is then
// to be closed before the first.
struct event_store *event_store_share(const struct event_store *store, struct fault *why);

// Made new for each new file: what is remembered of ids is worth nothing in another generation. To
// be asked after a cursor was opened, which may find another file.
int64_t event_store_generation(const struct event_store *store);

// ---- writing ----

struct event_schema {
	const char *table;
	const char *const *columns; // their names; what is stored is found by name again
	size_t n_columns;
};

// The writer of a table's rows; the store's. `schema` is copied. A second call for the same table
// gives the same writer. NULL with the reason when the file cannot be read.
struct event_writer *event_store_writer(
	struct event_store *store, const struct event_schema *schema, struct fault *why);

// Begins the next row; the one before is complete then, as it is after a commit. Columns that are
// not set are missing; texts of more than a MB are cut. `time` in seconds since 1970. The id that
// the row gets; 0 when it is dropped because 32 MB of encoded rows wait already
// (event_writer_dropped).
int64_t event_row_begin(struct event_writer *writer, int64_t time);
void event_row_integer(struct event_writer *writer, unsigned column, int64_t value);
void event_row_text(struct event_writer *writer, unsigned column, const char *bytes, size_t length);
// The same from a string; NULL is missing.
void event_row_string(struct event_writer *writer, unsigned column, const char *string);

// Rows begun since the store was opened.
uint64_t event_writer_rows(const struct event_writer *writer);
// Of them, those that were dropped because too many wait.
uint64_t event_writer_dropped(const struct event_writer *writer);
// About how many bytes of rows are not committed yet.
size_t event_store_pending_bytes(const struct event_store *store);

// Stores all rows begun so far together with the positions of sources and the counts, in one
// transaction. Where nothing has changed there is none. On failure (-ENOSPC, -EIO) nothing is lost:
// the rows stay pending. A damaged file is set aside, which is logged, and the rows are stored in a
// fresh one, of another generation. No fsync (but see event_store_checkpoint).
struct event_position {
	const char *source, *position;
};

// One row of osquery_events.
struct event_counts {
	const char *name; // of a source or a table
	const char *publisher;
	const char *type; // "publisher" or "subscriber"
	const char *choice; // what the source chose or why it is off; "" of a table
	int64_t active, subscriptions, events, refreshes;
	uint64_t received, filtered, stored, dropped_kernel, dropped_queue, expired_unread;
};

int event_store_commit(struct event_store *store, const struct event_position *positions,
	size_t n_positions, const struct event_counts *counts, size_t n_counts, struct fault *why);

// The stored position of a source; NULL when there is none. The caller frees it.
char *event_store_position(struct event_store *store, const char *source);

// All counts as last committed, by name; the arena's.
int event_store_counts(struct event_store *store, struct event_counts **counts, size_t *n,
	struct arena *arena, struct fault *why);

// ---- keeping it small ----

struct event_limits {
	const char *table; // its rows
	int64_t expiry_s; // older ones go; 0: none do
	uint64_t most_seconds; // that have rows, about; 0: no limit
};

// Removes what is too old or too much, then the oldest blocks of all tables until the file with its
// log holds at most `budget_bytes` (0: no limit), and gives the room back to the disk. What goes
// and was not read by every reader is added to the writer's count of unread rows. What is too old
// or too much and not read by all waits until the slowest reader's interval has passed three times
// since; the budget does not wait, but takes what all have read first. Blocks go as a whole: a
// limit of rows may leave fewer. The newest block of a table stays as long as it is not too old.
//
// The budget is kept by later commits, too: they remove the oldest blocks themselves when they
// would exceed it, and fail with -ENOSPC when that is not enough. It should be 4 MB at least.
int event_store_expire(struct event_store *store, const struct event_limits *limits, size_t n,
	uint64_t budget_bytes, int64_t now, struct fault *why);
uint64_t event_writer_expired_unread(const struct event_writer *writer);

// Writes the log back into the file; may take long (fsync) and need not be called by the thread
// that writes: `store` is another connection then. To be called every few seconds: until then a
// power cut loses what was committed, and the log grows. Where that is missed, a commit does it
// when the log would exceed 64 MB, or an eighth of the budget.
void event_store_checkpoint(struct event_store *store);

// ---- readers: scheduled queries that have read a table up to an id ----

struct event_reader {
	const char *query, *table;
	int64_t id; // the last row it has read
	int64_t interval_s; // how often it reads; expiry waits for three of them
};

// Replaces all readers of the query (n 0: it has none). By the runner, whose store is open with
// STORE_WRITE too. Readers that were not set again for seven days are forgotten.
int event_store_set_readers(struct event_store *store, const char *query,
	const struct event_reader *readers, size_t n, struct fault *why);

// ---- reading ----

struct event_range { // both ends belong to it
	int64_t least_id, most_id, least_time, most_time;
};

struct event_value {
	enum { EVENT_MISSING, EVENT_INTEGER, EVENT_TEXT } kind;
	uint32_t length;
	union {
		int64_t integer;
		const char *text; // not terminated
	};
};

struct event_cursor;

// Rows of a table in the order of their ids, up to the last one that is stored now. Columns that no
// block has are missing. No transaction is held between two calls. NULL with the reason; a table
// without rows is none.
struct event_cursor *event_cursor_open(struct event_store *store, const char *table,
	const char *const *columns, size_t n_columns, const struct event_range *range,
	struct fault *why);
void event_cursor_close(struct event_cursor *cursor);

// 1 with the next row, 0 at the end, or a negative errno. -EUCLEAN: a block is damaged; the next
// call goes on behind it.
int event_cursor_next(struct event_cursor *cursor, struct fault *why);
int64_t event_cursor_id(const struct event_cursor *cursor);
int64_t event_cursor_time(const struct event_cursor *cursor);

// The values of the row, one for each column of event_cursor_open; text is valid until the next
// call of event_cursor_next.
const struct event_value *event_cursor_values(const struct event_cursor *cursor);

// The last id of all rows of the table that were ever stored, 0: none.
int64_t event_store_last_id(struct event_store *store, const char *table);
