// SPDX-License-Identifier: Apache-2.0
#pragma once
// Result lines: JSON (RFC 8259), one document a line, always valid UTF-8. This is the row path:
// what is the same in all lines of a run is written once, and every byte is copied once.

#include "base/base.h"
#include "sql/row.h"

enum line_form {
	LINE_EVENTS, // a line for each row
	LINE_BATCH, // one for the whole difference
	LINE_SNAPSHOT, // one for the whole result
};

enum line_action { LINE_REMOVED, LINE_ADDED, LINE_SNAPSHOT_ROW };

// A decoration: a name and a text.
struct decoration {
	const char *name, *value;
};

// What all lines of one run of a query say.
struct line_head {
	const char *name; // of the query, with its pack
	const char *host_identifier;
	int64_t unix_time;
	uint64_t epoch, counter;
	bool numerics; // numbers stay numbers
	const struct decoration *decorations;
	size_t n_decorations;
	bool decorations_top_level;
};

// Takes bytes of the stream: `n_lines` lines end in them; `ends`: they end with the end of a line.
// 0, or a negative errno, which ends the writing.
typedef int line_taker(
	void *context, const char *bytes, size_t length, uint64_t n_lines, bool ends);

struct line_writer;

// Begins the lines of one run. `head` and `shape` are borrowed until line_close; `take` is called
// whenever some hundred KB have come together.
struct line_writer *line_open(enum line_form form, const struct line_head *head,
	const struct row_shape *shape, line_taker *take, void *context);

// The rows that follow have other columns: `shape`, borrowed as above.
void line_reshape(struct line_writer *writer, const struct row_shape *shape);

// Adds a row (of row_next). Removed rows come before added ones. 0, or what `take` returned, or
// -EUCLEAN.
int line_row(struct line_writer *writer, enum line_action action, struct row_reader row);

// Ends the lines and hands over the rest; frees the writer. A batch or a snapshot without rows is a
// line, too.
int line_close(struct line_writer *writer);

// Frees the writer without ending its lines.
void line_cancel(struct line_writer *writer);
