// SPDX-License-Identifier: Apache-2.0
#pragma once
// Login records (utmp(5)), read from a file of them piece by piece.

#include <utmp.h>

#include "sql/table.h"

// All zero is closed.
struct records {
	int fd; // 0: closed
	size_t at, n;
	struct utmp records[64];
};

// -errno when the file cannot be read or is none.
int records_open(struct records *records, const struct root *root, const char *path);

// The next record, until the next call; NULL at the end. Half a record at the end is left out.
const struct utmp *records_next(struct records *records);

void records_close(struct records *records);

// Sets a column from a field of a record, which has no NUL when it is full.
void record_give(struct scan *scan, unsigned column, const char *field, size_t size);
