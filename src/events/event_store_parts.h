// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the files of the event store know of each other.

#include "events/block.h"
#include "events/event_store.h"

enum {
	EVENT_BLOCK_ROWS = 4096, // a block with so many is full
	EVENT_BLOCK_BYTES = 1 << 20, // or of so many, before it is encoded
	EVENT_OPEN_ROWS = 512, // a block with fewer is written anew with the next rows
	EVENT_OPEN_BYTES = 16 << 10, // encoded
	EVENT_SMALL_ROWS = 1024, // blocks with fewer are merged
	EVENT_SMALL_BYTES = 64 << 10,
	EVENT_WAITING_BYTES = 32 << 20, // rows are dropped when so many bytes wait
	EVENT_LOG_BYTES = 64 << 20, // with more in the log, the writer empties it itself
	EVENT_READER_S = 7 * 24 * 3600, // readers that were not heard of for so long are gone
};

struct event_store {
	struct store *store;
	int64_t generation;
	struct block_press press;
	uint64_t seed; // of the hash tables

	struct event_writer **writers;
	size_t n_writers;
	size_t waiting_bytes; // of full blocks that are not stored yet
	struct text positions, counts; // as last stored, to see whether they changed

	uint64_t budget_bytes; // 0: none
	uint64_t log_frames; // pages in the log after our last transaction
};

// A full block that waits.
struct event_full {
	int64_t first_id, last_id, least_time, most_time;
	int64_t block; // that it replaces, or 0
	uint32_t stored_rows; // that are in it
	struct text bytes;
};

struct event_writer {
	struct event_store *store;
	char *table;
	struct text names; // of the columns, each with a NUL behind it
	size_t n_columns;
	int64_t stream, schema; // ids in the file, 0: to be looked up
	int64_t next_id;

	struct event_full *full;
	size_t n_full, full_room;

	// the rows that come; the first `stored_rows` are in the file, as the block of that id
	struct block_builder rows;
	int64_t first_id;
	int64_t block;
	uint32_t stored_rows;
	struct text encoded; // all of them
	bool to_be_closed; // with the next commit, although it has few rows
	int64_t span_s; // that a block may cover, 0: any

	bool dropping; // the row that is being written
	uint64_t n_begun, n_dropped, n_expired_unread;
};

// A row of `block`.
struct event_stored {
	int64_t id, stream, schema, first_id, last_id, least_time, most_time, n_bytes;
};

extern const struct store_kind event_store_kind;

// After the file was opened or replaced: reads the generation, forgets ids of streams.
void event_store_begin_file(struct event_store *store);

// A store that does not write follows the writer to a new file.
void event_store_follow(struct event_store *store);

// The id of the table's stream: 1 and the id, 0 when it has none.
int event_stream_find(
	struct event_store *store, const char *table, int64_t *stream, struct fault *why);

// The last id that was given to a stored row of the stream: 0, or a negative errno.
int event_stream_last_id(
	struct event_store *store, int64_t stream, int64_t *last_id, struct fault *why);

// Goes on with another file, after damage with an empty one. What was not stored stays pending.
void event_store_start_over(struct event_store *store, bool damaged);

// Takes the memory of the open block's rows; the next one begins with the next id.
void event_writer_close_block(struct event_writer *writer);

// Makes many small blocks at the end of a stream one.
void event_writer_merge(struct event_writer *writer);

// Sees to it that `need_bytes` more fit the budget and that the log does not grow without end.
// -ENOSPC when they do not.
int event_store_make_room(struct event_store *store, uint64_t need_bytes, struct fault *why);

// What the writer keeps to; the log is cut accordingly.
void event_store_set_budget(struct event_store *store, uint64_t budget_bytes);

// Adds rows of an opened block, from `skip` on, to those of a builder with as many columns.
int event_append_rows(struct event_store *store, struct block_reader *reader,
	struct block_builder *rows, uint32_t skip, struct fault *why);
