// SPDX-License-Identifier: Apache-2.0
#pragma once
// The table with rules around it. Its column widths are only known after the last row, so rows are
// kept until then: some in memory, many in an unlinked file.

#include <sqlite3.h>
#include <stdio.h>

struct pretty;

struct pretty *pretty_new(void);
void pretty_free(struct pretty *pretty);

// Columns of a statement, then its rows. The first statement decides the columns of the table;
// values of the others are put under the same names. `null_value` is shown for NULL.
void pretty_columns(struct pretty *pretty, sqlite3_stmt *statement);
void pretty_row(struct pretty *pretty, sqlite3_stmt *statement, const char *null_value);

// Prints the table, or nothing if it has no rows.
void pretty_print(struct pretty *pretty, FILE *file);
