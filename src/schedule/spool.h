// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a running query has given so far, in blocks that are read again when it has ended. Memory is
// bounded: a little is kept as it is, more of it compressed, the rest goes to a file without a
// name.

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

enum { SPOOL_BLOCK_BYTES = 256 << 10 }; // about what a block holds

struct spool;

// `folder`: where the file would be; NULL: in the folder for temporary files.
struct spool *spool_open(const char *folder);
void spool_close(struct spool *spool);

// Adds a block; `n_lines` and `ends` are kept with it.
int spool_add(struct spool *spool, const char *bytes, size_t length, uint64_t n_lines, bool ends,
	struct fault *why);

size_t spool_n_blocks(const struct spool *spool);

struct spool_block {
	const char *bytes;
	size_t length;
	uint64_t n_lines;
	bool ends;
};

// Gives a block; its bytes are valid until the next call with the same room.
int spool_read(const struct spool *spool, size_t at, struct spool_block *block, struct text *room,
	struct fault *why);
