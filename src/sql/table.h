// SPDX-License-Identifier: Apache-2.0
#pragma once
// The contract of a table: what a file under src/tables/ says about itself, and the scan through
// which its code receives the query's wishes and gives rows.
//
// A table of the simple kind has `generate`, which gives all its rows one after another:
//
//	scan_row(scan);
//	scan_text(scan, NAME, name);
//
// A large or costly one has `open`, `next`, `fetch` and `close`: rows are given one at a time, and
// the columns of a group (one file, one system call) are only fetched when the first of them is
// asked for.
//
// Whatever a table gives is copied; memory that it needs meanwhile comes from the scan's arenas and
// goes with the scan. A column that is not given is missing: '' if it is text, NULL if it is a
// number.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/base.h"

struct scan;
struct host;
struct event_table;

enum column_type { TEXT, INTEGER, BIGINT, UNSIGNED_BIGINT, DOUBLE };

enum column_option {
	INDEX = 1 << 0, // part of the key; the table looks it up cheaply
	REQUIRED = 1 << 1, // a query must constrain one of the required columns
	ADDITIONAL = 1 << 2, // the table gives other rows when it is constrained
	OPTIMIZED = 1 << 3, // IN lists come to the table at once
	HIDDEN = 1 << 4, // not in SELECT *
	NOCASE = 1 << 5, // collations
	VERSION = 1 << 6,
	VERSION_DPKG = 1 << 7,
	PATTERN = 1 << 8, // rows found by LIKE alone all match it: SQLite need not check
	COUNTER = 1 << 9, // text of a number with leading zeros, which scan_range bounds
};

enum { COUNTER_DIGITS = 10 }; // of a COUNTER, at least

struct column {
	const char *name;
	enum column_type type;
	const char *about;
	unsigned options;
	unsigned group; // what fetch has to read for it; 0: given with the row
	const char *alias; // a second, hidden name
};

// Columns that only other platforms fill.
#define ELSEWHERE(name, type)                                                                      \
	{                                                                                          \
		name, type, "Not filled on Linux.", HIDDEN                                         \
	}

// The last columns of a table that can also be read in the namespaces of another process. The
// engine moves the scan's root to that process and fills them.
#define NAMESPACE_PID                                                                              \
	{                                                                                          \
		"pid_with_namespace", INTEGER,                                                     \
			"Process whose mount namespace is read, 0 for our own.",                   \
			ADDITIONAL | HIDDEN                                                        \
	}
#define NAMESPACE_MOUNT                                                                            \
	{                                                                                          \
		"mount_namespace_id", TEXT, "Inode of the mount namespace that was read.", HIDDEN  \
	}

enum table_attribute {
	USER_DATA = 1 << 0, // about the users that the query names, else about our own
	CACHEABLE = 1 << 1, // the scheduler may use a stored answer
	EVENT_BASED = 1 << 2, // rows are stored events
	UTILITY = 1 << 3, // exists on all platforms
};

enum { END = 0, ROW = 1, SKIP = 2 };

struct table {
	const char *name;
	const char *about;
	const char *alias; // a second name
	const struct column *columns;
	size_t n_columns;
	const char *const *examples; // queries, NULL-terminated
	unsigned attributes;

	// How many rows a scan gives on a usual host, how many of the same key, and what a scan
	// costs before its first row and per row (1: a line of a file). 0: 100 rows, 1, 10, 1.
	struct {
		double rows, per_key, start, row;
	} estimate;

	// Gives all rows: 0 or a negative errno.
	int (*generate)(struct scan *scan, struct fault *why);

	// Gives rows one by one. `open` finds all zero in scan_state(), of state_bytes. `next`
	// returns ROW, END, SKIP (there is no row here: call again, with nothing given yet), or a
	// negative errno; columns of group 0 are given there. `fetch` gives the columns of one
	// group of the current row and returns 0, or a negative errno to fail the query; where
	// `next` called it, any number. `close` follows every open, also a failed one.
	size_t state_bytes;
	int (*open)(struct scan *scan, struct fault *why);
	int (*next)(struct scan *scan, struct fault *why);
	int (*fetch)(struct scan *scan, unsigned group, struct fault *why);
	void (*close)(struct scan *scan);

	const void *context; // of a table that is made while the program runs

	const struct event_table *event; // how its rows come about (EVENT_BASED)
};

#define COLUMNS(list) .columns = (list), .n_columns = sizeof(list) / sizeof((list)[0])
#define EXAMPLES(...)                                                                              \
	.examples = (const char *const[])                                                          \
	{                                                                                          \
		__VA_ARGS__, NULL                                                                  \
	}

// ---- what the query wants ----

// Whether the query uses the column.
bool scan_wants(const struct scan *scan, unsigned column);
bool scan_wants_group(const struct scan *scan, unsigned group);

// The values a column must have, from = and IN: fitting the column's type, none twice. NULL when
// the query leaves the column open; a count of 0 when no value can fit. The engine checks again: a
// table that ignores this is still right, only slower. No row has an empty key (INDEX, REQUIRED).
struct given {
	size_t count;
	union {
		const char *text;
		int64_t integer;
	} values[];
};
const struct given *scan_given(const struct scan *scan, unsigned column);

// The pattern of a LIKE or a GLOB on the column, or NULL.
const char *scan_like(const struct scan *scan, unsigned column);
const char *scan_glob(const struct scan *scan, unsigned column);

// The bounds that <, <=, >, >= and = set to a numeric column or a COUNTER: true if any; INT64_MIN
// and INT64_MAX where it is open. Both belong to the range.
bool scan_range(const struct scan *scan, unsigned column, int64_t *least, int64_t *most);

// ---- rows ----

// Begins the next row of `generate`. False when the query was cancelled: a table that could go on
// for long fills the row and then returns.
bool scan_row(struct scan *scan);

// Sets a column of the current row. Text for a numeric column is parsed (0x… and 0… are
// understood); what is no number is missing. NULL leaves the column missing.
void scan_text(struct scan *scan, unsigned column, const char *value);
void scan_bytes(struct scan *scan, unsigned column, const char *value, size_t length);
__attribute__((format(printf, 3, 4))) void scan_printf(
	struct scan *scan, unsigned column, const char *format, ...);
void scan_integer(struct scan *scan, unsigned column, int64_t value);
void scan_double(struct scan *scan, unsigned column, double value);

// In `next`: fetches a group of the new row at once, when the query wants a column of it, so that a
// row whose group cannot be read can be skipped. What `fetch` returned; 0 when it was not needed.
int scan_fetch(struct scan *scan, unsigned group, struct fault *why);

// ---- the scan itself ----

// What the table says of itself.
const struct table *scan_table(const struct scan *scan);

// The state of a table that is given row by row.
void *scan_state(struct scan *scan);

// Memory until the scan ends, and until the next row.
struct arena *scan_arena(struct scan *scan);
struct arena *scan_row_arena(struct scan *scan);

// Whether the query was cancelled or is over a limit: whatever can take long asks now and then.
bool scan_cancelled(struct scan *scan);

// The host that is read: its root, flags, accounts.
struct host *scan_host(const struct scan *scan);
const struct root *scan_root(const struct scan *scan);
int64_t scan_flag(const struct scan *scan, const char *name);

// Something that a person should know but that is no reason to fail: logged, with the table's name.
__attribute__((format(printf, 2, 3))) void scan_warn(struct scan *scan, const char *format, ...);

// Files below the root; all fail with errno set. scan_read gives the content in the scan's arena,
// with a NUL behind it, up to the flag read_max.
FILE *scan_open(struct scan *scan, const char *path);
char *scan_read(struct scan *scan, const char *path, size_t *size_bytes);

// What the kernel answers to calls that are no files (netlink, ioctl, system calls): `fetch` asks
// it and puts the raw bytes of the answer into the arena. Below a moved root the bytes come from
// the file .recorded/NAME instead, so that the code that reads them can be tested anywhere; the
// flag host_record names a folder to write such files to. NULL with a reason on failure.
typedef int scan_fetcher(struct arena *arena, char **bytes, size_t *size_bytes, struct fault *why);
char *scan_answer(struct scan *scan, const char *name, scan_fetcher *fetch, size_t *size_bytes,
	struct fault *why);
