// SPDX-License-Identifier: Apache-2.0
#pragma once
// SQLite files of other programs, read without a trace: no lock that could make their owner wait,
// no file that is made, written or removed, and no wait for whatever stands in the file's place. A
// write-ahead log beside the file is read with it.
//
// Reading is not coordinated with who writes: a change in that very moment can make a query fail
// or, rarely, show rows of before and after.

#include <sqlite3.h>
#include <stdbool.h>

#include "base/base.h"

struct foreign;

// Opens a regular file below the root. Only SELECT is allowed; what the file holds beside data
// (triggers, functions in its schema, virtual tables) is not trusted. NULL with the reason.
// `cancelled` (or NULL) is asked now and then while a statement runs, and ends it.
struct foreign *foreign_open(const struct root *root, const char *path,
	bool (*cancelled)(void *context), void *context, struct fault *why);
void foreign_close(struct foreign *foreign);

// For sqlite3_prepare_v2. Statements have to be finalized before it is closed.
sqlite3 *foreign_database(const struct foreign *foreign);
