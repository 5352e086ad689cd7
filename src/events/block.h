// SPDX-License-Identifier: Apache-2.0
#pragma once
// One block: rows of a table, column by column, as they are stored.
//
//	byte 0		BLOCK_VERSION
//	bytes 1 to 4	check sum of all that follows
//	number		of rows
//	number		of columns
//	number		of frames
//	for each frame	number: its length when expanded, times 2, plus 1 if it is compressed
//			number: its length here
//	the frames	as they are, or a Zstandard frame each
//
// A number is a LEB128 of at most 64 bits; a signed one is zigzagged (0, -1, 1, -2, ...). The
// expanded frames, one after another, are:
//
//	for the times and each column: number, length of its values; number, length of its texts
//	for the times and each column: its values	(up to here all of this is the first frame)
//	for each column: its texts			(each of them within one frame)
//
// so that a query expands the first frame and those with the texts that it asked for.
//
// The values of a column begin with a byte, the kinds that occur: 1 << enum event_value.kind. If
// they are several, a sequence of them follows. Then come the integers, if any: a sequence; then,
// if there are texts, a sequence with the place of each among the texts of the column.
//
// The texts of a column: number of them, a sequence of their lengths, their bytes. They are in the
// order in which they first occur. So are the numbers of SEQUENCE_INDEX: two columns of which one
// follows from the other, like path and inode, look the same then, and cost once.
//
// A sequence of n integers begins with a byte, enum sequence_form, plus SEQUENCE_RUNS if it says
// each integer that follows another one only once: then come the number of runs, and the lengths of
// all, less 1, as digits. `k` is the number of runs, or n.
//
//	SEQUENCE_SAME	signed number: all are that
//	SEQUENCE_OFFSET	signed number: the least; digits of what each of the k is above it
//	SEQUENCE_DELTA	signed number: the first; digits of what each other one is above the one
//			before, zigzagged
//	SEQUENCE_INDEX	number of different integers, a sequence of them; digits with the place of
//			each of the k among them
//
// Digits: a byte, how many bytes (0 to 8) each has; the lowest byte of all, the next byte of all …
// Arithmetic wraps at 64 bits.

#include "base/base.h"
#include "events/event_store.h"
#include "modules/zstd/zstd.h"

enum { BLOCK_VERSION = 1 };

enum {
	BLOCK_MOST_ROWS = 8192,
	BLOCK_MOST_COLUMNS = 1024,
	BLOCK_FRAME_BYTES = 16 << 10, // texts share a frame until it has so many
	BLOCK_MOST_BYTES = 64 << 20, // expanded
	BLOCK_TEXT_BYTES = 1 << 20, // longer texts are cut
};

enum sequence_form { SEQUENCE_SAME, SEQUENCE_OFFSET, SEQUENCE_DELTA, SEQUENCE_INDEX };
enum { SEQUENCE_RUNS = 0x10 };

// What compresses: of one thread. `zstd` NULL: blocks are left as they are, and compressed ones
// cannot be read.
struct block_press {
	const struct zstd_library *zstd;
	struct zstd_context *context;
	struct block_numbers *numbers; // room to work
};

void block_press_open(struct block_press *press);
void block_press_close(struct block_press *press);

// ---- writing ----

// Rows on their way into a block.
struct block_builder {
	size_t n_columns;
	struct block_column *columns; // the times, then the others
	uint64_t seed; // a secret, so that nobody can choose texts that are slow to look up
	uint32_t n_rows;
	size_t bytes; // of memory that the rows take, about
	int64_t least_time, most_time;
};

void block_builder_init(struct block_builder *builder, size_t n_columns, uint64_t seed);
void block_builder_done(struct block_builder *builder);

// Forgets the rows, keeps some of the memory.
void block_builder_reset(struct block_builder *builder);

// Begins a row; at most BLOCK_MOST_ROWS. What is not set is missing; what is set twice is what it
// was set to last. Columns beyond the last are ignored.
void block_begin(struct block_builder *builder, int64_t time);
void block_set_integer(struct block_builder *builder, size_t column, int64_t value);
void block_set_text(struct block_builder *builder, size_t column, const char *bytes, size_t length);

// Adds the block of all rows. The builder can take more rows after that.
void block_write(struct block_builder *builder, struct block_press *press, struct text *block);

// ---- reading ----

// A block that is being read, and memory for the next one. All zero is an empty one.
struct block_reader {
	uint32_t n_rows;
	size_t n_columns;

	struct text bytes; // a copy of the block
	struct block_frame *frames;
	size_t n_frames, frames_room;
	struct block_part *parts; // the times, then the columns
	size_t parts_room;
	struct block_room *room; // to work
};

// Parses the head of a block, which is copied. -EUCLEAN when it is damaged.
int block_open(struct block_reader *reader, struct block_press *press, const char *bytes,
	size_t length, struct fault *why);
void block_reader_done(struct block_reader *reader);

// The times of all rows; `times` has room for n_rows.
int block_read_times(struct block_reader *reader, int64_t *times, struct fault *why);

// The values of a column for all rows, `stride` values apart. Texts are in the memory of the
// reader, until the next block is opened.
int block_read_column(struct block_reader *reader, struct block_press *press, size_t column,
	struct event_value *values, size_t stride, struct fault *why);

// The check sum in the head, for those who change blocks.
uint32_t block_sum(const char *bytes, size_t length);
