// SPDX-License-Identifier: Apache-2.0
#pragma once
// What is remembered of a scheduled query from one run to the next: its text, its last result, what
// it has cost, whether it may run.

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/siphash.h"

struct store;

// What running a query has cost: all runs and the last one.
struct performance {
	int64_t executions, last_executed; // seconds since 1970
	int64_t wall_ms, last_wall_ms;
	int64_t user_ms, last_user_ms;
	int64_t system_ms, last_system_ms;
	int64_t memory_bytes, last_memory_bytes; // the first is the average of all runs
	int64_t output_bytes;
};

struct record {
	int64_t id; // 0: nothing is known of it yet
	const char *name, *sql;
	uint64_t interval_s, splayed_s; // as configured, as it is used
	uint64_t epoch, counter;
	bool has_result; // the following belong to it
	const char *names; // of the columns: each with a NUL behind it, one after another
	size_t names_length;
	struct digest128 digest; // of all packed rows, in their order
	int64_t n_rows;
	int64_t denied_until; // seconds since 1970; 0: it may run
	const char *denied_why;
	struct performance performance;
};

// Reads what is known of a query; its texts are put into the arena. 1, or 0 (and an empty record)
// when nothing is known.
int record_read(struct store *store, const char *name, struct record *record, struct arena *arena,
	struct fault *why);

// All records in byte order of their names, the arena's.
int record_list(struct store *store, struct record **records, size_t *n, struct arena *arena,
	struct fault *why);

// Writes everything but the rows; gives a new record its id.
int record_write(struct store *store, struct record *record, struct fault *why);

// Removes a record with its rows.
int record_remove(struct store *store, const struct record *record, struct fault *why);

// The rows of the last result, a block at a time: all gone; one more; the first block behind
// `*place`, which then moves on (0: from the start): 1, or 0 at the end.
int record_clear_rows(struct store *store, int64_t id, struct fault *why);
int record_add_rows(
	struct store *store, int64_t id, const char *rows, size_t length, struct fault *why);
int record_next_rows(
	struct store *store, int64_t id, int64_t *place, struct text *rows, struct fault *why);
