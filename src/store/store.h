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

// A kind of file: what is in it and how.
struct store_kind {
	const char *file; // its name
	int application; // PRAGMA application_id: no other program's database is taken for ours
	const char *const *steps; // SQL that brings version N to N + 1; version 0 is an empty file
	size_t n_steps;
	const char *pragmas; // for a connection that writes
	bool trusts_log; // a log that was left behind is no reason to read the whole file
	bool shares_memory; // in memory, store_share opens it once more
};

extern const struct store_kind store_kind_state;

enum store_mode {
	STORE_WRITE, // opened, repaired, brought to this version
	STORE_READ, // another program's, which is not disturbed
	STORE_MEMORY, // nothing on disk
};

// Opens the store in a folder, which is made (0700) where it is missing. Problems that were dealt
// with are logged. NULL with the reason when it can't be opened: STORE_READ only.
struct store *store_open(const char *folder, enum store_mode mode, struct fault *why);
void store_close(struct store *store);

// The same for a file of that kind, which is borrowed.
struct store *store_open_kind(
	const char *folder, const struct store_kind *kind, enum store_mode mode, struct fault *why);

// Another connection to the same file, for another thread; to a store in memory too, where the kind
// allows that (and then to be closed before the first). NULL with the reason.
struct store *store_share(const struct store *store, struct fault *why);

// The connection itself, until the store is closed or replaced.
sqlite3 *store_database(const struct store *store);

// Path of the file; NULL where the store is in memory.
const char *store_path(const struct store *store);

// When another process has set the file aside, or it was removed, goes on with the one that is in
// its place now: 1, else 0; negative when there is none that can be opened, then -ENOENT or what
// opening gave, and the store still has the old one.
int store_follow(struct store *store, struct fault *why);

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
