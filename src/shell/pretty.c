// SPDX-License-Identifier: Apache-2.0
#include "shell/pretty.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/utf8.h"

enum { MEMORY_BYTES = 2 << 20 }; // kept before rows go to the file

// A kept cell: its width and length, then its bytes. A row is one cell for every column.
struct cell {
	uint32_t width, length;
};

struct pretty {
	size_t n_columns;
	char **names;
	uint32_t *widths;
	int *sources; // for each column the one of the current statement, -1: none
	uint64_t n_rows;
	struct text kept;
	struct text printable;
	FILE *spill;
};

struct pretty *pretty_new(void)
{
	struct pretty *pretty = must_alloc(sizeof(*pretty));

	*pretty = (struct pretty){ 0 };
	return pretty;
}

void pretty_free(struct pretty *pretty)
{
	if (!pretty)
		return;
	for (size_t i = 0; i < pretty->n_columns; i++)
		free(pretty->names[i]);
	free(pretty->names);
	free(pretty->widths);
	free(pretty->sources);
	text_done(&pretty->kept);
	text_done(&pretty->printable);
	if (pretty->spill)
		(void) fclose(pretty->spill);
	free(pretty);
}

static int find_column(const struct pretty *pretty, const char *name)
{
	for (size_t i = 0; i < pretty->n_columns; i++)
		if (strcmp(pretty->names[i], name) == 0)
			return (int) i;
	return -1;
}

// Columns of one name are one column.
static void take_columns(struct pretty *pretty, sqlite3_stmt *statement)
{
	size_t n = (size_t) sqlite3_column_count(statement);

	pretty->names = must_alloc(n * sizeof(*pretty->names));
	pretty->widths = must_alloc(n * sizeof(*pretty->widths));
	pretty->sources = must_alloc(n * sizeof(*pretty->sources));
	for (size_t i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(statement, (int) i);

		if (find_column(pretty, name) >= 0)
			continue;
		pretty->names[pretty->n_columns] = must_dup(name);
		pretty->widths[pretty->n_columns++] = (uint32_t) utf8_width(name, strlen(name));
	}
}

void pretty_columns(struct pretty *pretty, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);

	if (!pretty->names && n > 0)
		take_columns(pretty, statement);
	for (size_t i = 0; i < pretty->n_columns; i++)
		pretty->sources[i] = -1;
	for (int i = 0; i < n; i++) {
		int column = find_column(pretty, sqlite3_column_name(statement, i));

		if (column >= 0)
			pretty->sources[column] = i;
	}
}

static void keep(struct pretty *pretty, size_t column, const char *bytes, size_t length)
{
	struct cell cell;

	text_clear(&pretty->printable);
	utf8_add_printable(&pretty->printable, bytes, length);
	cell.length = (uint32_t) pretty->printable.length;
	cell.width = (uint32_t) utf8_width(pretty->printable.bytes, pretty->printable.length);
	if (cell.width > pretty->widths[column])
		pretty->widths[column] = cell.width;
	text_add(&pretty->kept, (const char *) &cell, sizeof(cell));
	text_add(&pretty->kept, pretty->printable.bytes, pretty->printable.length);
}

void pretty_row(struct pretty *pretty, sqlite3_stmt *statement, const char *null_value)
{
	for (size_t i = 0; i < pretty->n_columns; i++) {
		int source = pretty->sources[i];
		const char *text = source < 0
			? ""
			: (const char *) sqlite3_column_text(statement, source);

		if (text && source >= 0)
			keep(pretty, i, text, (size_t) sqlite3_column_bytes(statement, source));
		else
			keep(pretty, i, text ? text : null_value, strlen(text ? text : null_value));
	}
	pretty->n_rows++;
	if (pretty->kept.length < MEMORY_BYTES)
		return;
	if (!pretty->spill)
		pretty->spill = tmpfile();
	if (pretty->spill &&
		fwrite(pretty->kept.bytes, 1, pretty->kept.length, pretty->spill) ==
			pretty->kept.length)
		text_clear(&pretty->kept);
}

static void print_fill(FILE *file, char character, size_t n)
{
	for (size_t i = 0; i < n; i++)
		(void) putc_unlocked(character, file);
}

static void print_rule(const struct pretty *pretty, FILE *file)
{
	for (size_t i = 0; i < pretty->n_columns; i++) {
		(void) putc_unlocked('+', file);
		print_fill(file, '-', pretty->widths[i] + 2);
	}
	(void) fputs("+\n", file);
}

static void print_cell(FILE *file, const char *bytes, size_t length, size_t width, size_t room)
{
	(void) fputs("| ", file);
	(void) fwrite(bytes, 1, length, file);
	print_fill(file, ' ', room - width + 1);
}

static void print_header(struct pretty *pretty, FILE *file)
{
	for (size_t i = 0; i < pretty->n_columns; i++) {
		text_clear(&pretty->printable);
		utf8_add_printable(&pretty->printable, pretty->names[i], strlen(pretty->names[i]));
		print_cell(file, pretty->printable.bytes, pretty->printable.length,
			utf8_width(pretty->printable.bytes, pretty->printable.length),
			pretty->widths[i]);
	}
	(void) fputs("|\n", file);
}

// Prints rows from `from`; false when there is not another whole one.
static bool print_row(struct pretty *pretty, FILE *from, FILE *file)
{
	for (size_t i = 0; i < pretty->n_columns; i++) {
		struct cell cell;

		if (fread(&cell, sizeof(cell), 1, from) != 1)
			return false;
		text_clear(&pretty->printable);
		text_add(&pretty->printable, "", 0);
		while (pretty->printable.length < cell.length) {
			char bytes[4096];
			size_t left = cell.length - pretty->printable.length;
			size_t size = left < sizeof(bytes) ? left : sizeof(bytes);

			if (fread(bytes, 1, size, from) != size)
				return false;
			text_add(&pretty->printable, bytes, size);
		}
		print_cell(
			file, pretty->printable.bytes, cell.length, cell.width, pretty->widths[i]);
	}
	(void) fputs("|\n", file);
	return true;
}

void pretty_print(struct pretty *pretty, FILE *file)
{
	if (pretty->n_rows == 0 || pretty->n_columns == 0)
		return;
	print_rule(pretty, file);
	print_header(pretty, file);
	print_rule(pretty, file);
	if (pretty->spill) {
		rewind(pretty->spill);
		while (print_row(pretty, pretty->spill, file)) {
		}
	}
	if (pretty->kept.length > 0) {
		auto_fclose FILE *memory = fmemopen(pretty->kept.bytes, pretty->kept.length, "r");

		while (memory && print_row(pretty, memory, file)) {
		}
	}
	print_rule(pretty, file);
}
