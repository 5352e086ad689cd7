// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is remembered: SQLite files (WAL) in one folder, one file per purpose. state.db holds what
// the schedule knows of its queries and the lines that wait for their outputs, so that both change
// in one transaction.
//
// A file that is damaged, or of a version that is newer than this program, is set aside as
// NAME.damaged-TIME (the newest few are kept) and replaced by an empty one: the agent goes on.
// Where nothing can be written at all, the store is in memory, and says so.

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"

struct store;

enum store_mode {
	STORE_WRITE, // opened, repaired, brought to this version
	STORE_READ, // another program's, which is not disturbed
	STORE_MEMORY, // nothing on disk
};

// Opens the store in a folder, which is made (0700) where it is missing. Problems that were dealt
// with are logged. NULL with the reason when it can't be opened: STORE_READ only.
struct store *store_open(const char *folder, enum store_mode mode, struct fault *why);
void store_close(struct store *store);

// Keeps the folder for this process and those it forks, until all have ended: a descriptor, or
// -EWOULDBLOCK with the reason when another daemon has it.
int store_lock(const char *folder, struct fault *why);

// A statement, compiled once per store and text; `sql` is a literal. NULL with the reason. Whoever
// has it binds, steps and resets it (store_done).
sqlite3_stmt *store_statement(struct store *store, const char *sql, struct fault *why);

// Steps: 1 a row, 0 the end, or a negative errno: -ENOSPC when there is no room, -EUCLEAN when the
// file is damaged. At the end and on failure the statement is reset.
int store_step(struct store *store, sqlite3_stmt *statement, struct fault *why);

// Releases a statement whose rows were not all read.
void store_done(sqlite3_stmt **statement);
#define auto_done __attribute__((cleanup(store_done)))

// A transaction that writes; it can't be nested. `r` is what came of it: it is undone when that is
// negative, or when it cannot be kept. What then came of it.
int store_begin(struct store *store, struct fault *why);
int store_end(struct store *store, int r, struct fault *why);

// After -EUCLEAN: sets the files aside and goes on with empty ones.
void store_replace(struct store *store);

// A named text; NULL when there is none. The caller frees it. Setting NULL removes it.
char *store_setting(struct store *store, const char *name);
int store_set(struct store *store, const char *name, const char *value, struct fault *why);

// Gives pages that are no longer used back to the disk, a few at a time. Called when idle.
void store_tidy(struct store *store);
