// SPDX-License-Identifier: Apache-2.0
#pragma once
// How rows are shown: the output modes.

#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/text.h"

enum mode {
	MODE_PRETTY,
	MODE_LINE,
	MODE_COLUMN,
	MODE_LIST,
	MODE_CSV,
	MODE_JSON,
	MODE_JSON_PRETTY,
	MODE_QUIET, // rows are read and dropped
};

enum { OUTPUT_WIDTHS = 100, OUTPUT_SEPARATOR = 32 };

struct printer {
	FILE *file;
	bool terminal; // file is one: control characters are escaped in every mode
	enum mode mode;
	bool headers;
	char separator[OUTPUT_SEPARATOR];
	char null_value[OUTPUT_SEPARATOR];
	unsigned widths[OUTPUT_WIDTHS]; // of mode column, 0: by the first row
	unsigned n_widths;

	// of the answer that is being given
	unsigned long long rows; // of the statement
	unsigned long long printed; // JSON objects of the call
	unsigned column_widths[OUTPUT_WIDTHS];
	int *order; // of the columns in JSON
	int n_order;
	struct pretty *pretty;
	struct text line;
	char digits[24];
};

// A call is what the user asked at once, perhaps several statements. Pretty and JSON show their
// rows when it ends, the other modes as they come.
void printer_begin(struct printer *printer);
void printer_statement(struct printer *printer, sqlite3_stmt *statement);
void printer_row(struct printer *printer, sqlite3_stmt *statement);
void printer_end(struct printer *printer);

const char *mode_name(enum mode mode);
