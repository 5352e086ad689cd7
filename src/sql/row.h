// SPDX-License-Identifier: Apache-2.0
#pragma once
// Result rows, packed: how the schedule compares, remembers and logs them. A row is the values of
// its columns in byte order of the columns' names; of columns with the same name the last one
// counts. Rows of the same names are the same row if and only if their bytes are the same.
//
//	row:	length of what follows (LEB128), then each value
//	value:	a byte of enum value_type, then
//		VALUE_INTEGER: zigzag LEB128; VALUE_REAL: 8 bytes of the machine's double;
//		VALUE_TEXT: length (LEB128), bytes

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

enum value_type { VALUE_TEXT, VALUE_INTEGER, VALUE_REAL };

struct value {
	enum value_type type;
	union {
		int64_t integer;
		double real;
		struct {
			const char *bytes;
			size_t length;
		} text;
	};
};

// The columns of a result: their names in byte order, none twice, and for each the column of the
// statement that fills it.
struct row_shape {
	size_t n_columns;
	const char **names;
	int *columns;
};

// The shape of a statement's rows, in the arena.
void row_shape(struct row_shape *shape, sqlite3_stmt *statement, struct arena *arena);

// How values become those of a row.
struct row_rules {
	const char *null_text; // what NULL is
	bool escape; // control bytes and what is no UTF-8 become \xHH, as in differential results
};

// Adds the statement's current row, packed. Returns the bytes of its names and of its values as
// text: what osquery_schedule counts as output.
size_t row_pack(const struct row_shape *shape, const struct row_rules *rules,
	sqlite3_stmt *statement, struct text *packed);

// Bytes of packed rows that are read one after another.
struct row_reader {
	const char *at, *end;
};

// Cuts the next row off: 1 with the row (its values in [at, end)), 0 at the end, -EUCLEAN when the
// bytes are no rows.
int row_next(struct row_reader *rows, struct row_reader *row);

// Cuts the next value off a row: 1, 0, -EUCLEAN, as above. Text points into the row.
int row_value(struct row_reader *row, struct value *value);
