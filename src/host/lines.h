// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lines of a file below the root, read piece by piece: memory is bounded by the longest line that
// is kept, however large the file is.

#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

enum { LINES_LONGEST_BYTES = 1 << 20 }; // what a line has beyond is dropped

// All zero is closed.
struct lines {
	char *line; // the current one, without its line end, a NUL behind it; yours to change
	size_t length; // it may hold NULs too

	int fd;
	bool at_end, cut;
	char *buffer; // NULL: closed
	size_t room, from, to; // the bytes not yet given are those in [from, to)
};
#define auto_lines __attribute__((cleanup(lines_close)))

// Opens a regular file, -errno otherwise; never waits for a FIFO. May be called again for the next
// file: the memory is kept.
int lines_open(struct lines *lines, const struct root *root, const char *path);

// Moves to the next line; false at the end or when the file can no longer be read.
bool lines_next(struct lines *lines);

void lines_close(struct lines *lines);
