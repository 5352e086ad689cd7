// SPDX-License-Identifier: Apache-2.0
#pragma once
// A scan from the inside: SQLite's cursor over one of our tables.

#include "sql/internal.h"

enum { SCAN_COLUMNS = 64 };

enum term_kind {
	TERM_EQUAL = '=',
	TERM_IN = '*',
	TERM_LIKE = '~',
	TERM_GLOB = 'g',
	TERM_LESS = '<',
	TERM_AT_MOST = 'l',
	TERM_MORE = '>',
	TERM_AT_LEAST = 'm',
	TERM_LOOKUP = '#', // = on a column that the table does not look up: the engine does
};

// A constraint as it was pushed down, with its value.
struct term {
	enum term_kind kind;
	unsigned column;
	const struct given *given; // = and IN
	const char *pattern; // LIKE and GLOB
	int64_t bound; // comparisons
	sqlite3_value *value; // a lookup's
};

struct value {
	enum { MISSING, IS_TEXT, IS_INTEGER, IS_DOUBLE } kind;
	unsigned length;
	union {
		const char *text;
		int64_t integer;
		double real;
	};
};

// How many rows of these values had their number asked for.
struct seen {
	uint64_t hash;
	uint64_t times; // 0: an empty place
};

struct scan {
	sqlite3_vtab_cursor cursor; // first: SQLite hands this out
	struct entry *entry;
	const struct table *table;
	struct sql *sql;
	struct host *host; // the one that is read
	struct host elsewhere; // when it is another process' view

	struct term *terms; // in terms_arena
	size_t n_terms;
	uint64_t used; // columns
	int8_t slot[SCAN_COLUMNS]; // of each column in a row, -1: not used
	unsigned n_slots;
	uint32_t wanted_groups; // as bits

	struct arena arena; // until the scan ends
	struct arena row_arena; // until the next row
	struct arena terms_arena;
	int64_t counted_bytes; // of the above, in sql->scan_bytes

	struct value *row; // where scan_text and the others write
	unsigned fetched; // groups of the current row, as bits
	bool at_end;
	bool open; // table->open was called
	void *state;
	struct fault fault;

	// What the last lookup of one key gave, if that was one row with all its groups: a join
	// often asks for the same key again.
	struct {
		bool good;
		bool shown; // it is the current row: its memory and that of `rows` are swapped
		unsigned column, fetched;
		int64_t key;
		uint64_t used;
		struct value *row;
		struct arena arena;
	} last;
	unsigned n_given; // rows of this run, as far as it matters: 0, 1, 2

	struct value *rows; // of `generate`
	size_t n_rows, room;
	uint64_t kept_used; // columns that rows have
	size_t at;
	bool generated; // rows are those of a scan without terms, good for the whole statement
	uint32_t *order; // positions of rows ordered by one slot, or NULL
	unsigned order_slot;
	bool ordered; // `at` and `found_end` are positions in order
	size_t found_end;

	struct seen *seen; // by open addressing
	size_t seen_room, n_seen;
	int64_t rowid; // of the current row, once it was asked for
	bool has_rowid;

	const struct given *processes; // of pid_with_namespace
	size_t process_at;
	int pid_column, mount_column; // or -1
	char mount_id[32];
};

// Sets terms, rows and state for a new run. A negative errno fails the query with scan->fault.
int scan_begin(struct scan *scan);
int scan_next(struct scan *scan);
// A number that two scans of one statement give to the same row.
int scan_rowid(struct scan *scan, int64_t *rowid);
void scan_forget_rowids(struct scan *scan);
void scan_end(struct scan *scan);
// The value of a column of the current row; fetches its group when needed.
int scan_value(struct scan *scan, unsigned column, struct value *value);

// ---- between the files of a scan ----

// Fills the columns of the namespace that is read.
void scan_fill_namespace(struct scan *scan);

// Runs `generate`, in each namespace that is asked for (run.c).
int run_generate(struct scan *scan);

// Rows of `generate` (kept.c): begins a scan of them, anew where needed.
int kept_begin(struct scan *scan);
int kept_next(struct scan *scan);
const struct value *kept_row(const struct scan *scan);
void kept_forget(struct scan *scan);

// The row of the last key (repeat.c): whether the scan looks up one key, then its term; shows the
// row if this is the same key; ends showing it; puts the only row so far aside, before the table is
// asked for the next.
const struct term *repeat_term(const struct scan *scan);
bool repeat_begin(struct scan *scan);
void repeat_end(struct scan *scan);
void repeat_keep(struct scan *scan, const struct term *term);
