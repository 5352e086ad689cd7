// SPDX-License-Identifier: Apache-2.0
#pragma once
// The outbox: lines that wait for their outputs, in the order in which they were made. Each output
// has its own place in it; what all have read is gone. An entry holds many lines, compressed; a
// long line may go on over several entries.

#include "store/store.h"

// Which of an output's streams a line belongs to.
enum channel { CHANNEL_RESULTS, CHANNEL_SNAPSHOTS, N_CHANNELS };

// Adds lines, or a part of one. `ends`: the bytes end with the end of a line. Within a transaction.
int outbox_append(struct store *store, enum channel channel, const char *bytes, size_t length,
	uint64_t n_lines, bool ends, struct fault *why);

// Where in its stream an output goes on writing: which file (its inode, or 0), and how far into it.
struct outbox_mark {
	uint64_t file, position;
};

// An output's place in the box.
struct outbox_reader {
	const char *output;
	int64_t entry; // the next one to deliver
	uint64_t offset; // how much of it was delivered
	uint64_t dropped_lines; // since ever
	struct outbox_mark marks[N_CHANNELS]; // where `entry` and `offset` were reached
};

// The place of the output of that name; of a new one, the end of the box.
int outbox_reader_open(
	struct store *store, struct outbox_reader *reader, const char *output, struct fault *why);

// Whether the box knows the output: 1, 0. It does not when the store was replaced meanwhile.
int outbox_reader_find(struct store *store, const char *output, struct fault *why);

// Records where the reader is. A transaction of its own.
int outbox_reader_save(struct store *store, const struct outbox_reader *reader, struct fault *why);

// Forgets outputs that are not among `names`, and what only they had not read.
int outbox_keep_readers(struct store *store, const char *const *names, size_t n, struct fault *why);

struct outbox_entry {
	int64_t id;
	enum channel channel;
	uint64_t n_lines;
	bool ends;
	const char *bytes;
	size_t length;
};

// The first entry with an id from `from` on, expanded into `room`: 1, 0 when there is none.
int outbox_read(struct store *store, int64_t from, struct outbox_entry *entry, struct text *room,
	struct fault *why);

// Whether any lines wait.
bool outbox_waiting(struct store *store);

// How many lines end in the entries with an id from `from` on.
int64_t outbox_n_lines(struct store *store, int64_t from, struct fault *why);

// Removes what all outputs have read, and the oldest entries beyond the limits (0: none), whose
// lines are counted as dropped for those that had not read them. The number of lines dropped now.
int64_t outbox_trim(
	struct store *store, uint64_t most_lines, uint64_t most_bytes, struct fault *why);
