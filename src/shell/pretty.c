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
	struct text line;
	FILE *spill;
	bool full; // no more goes to the file
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
	text_done(&pretty->line);
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
	struct cell cell = { .width = (uint32_t) length, .length = (uint32_t) length };

	if (!utf8_is_ascii(bytes, length)) {
		text_clear(&pretty->printable);
		utf8_add_printable(&pretty->printable, bytes, length);
		bytes = pretty->printable.bytes;
		cell.length = (uint32_t) pretty->printable.length;
		cell.width = (uint32_t) utf8_width(bytes, cell.length);
	}
	if (cell.width > pretty->widths[column])
		pretty->widths[column] = cell.width;
	text_add(&pretty->kept, (const char *) &cell, sizeof(cell));
	text_add(&pretty->kept, bytes, cell.length);
}

// Moves what is kept to the file. When the disk is full it stays in memory, from then on.
static void spill(struct pretty *pretty)
{
	size_t length = pretty->kept.length;

	if (!pretty->spill)
		pretty->spill = tmpfile();
	pretty->full = !pretty->spill || fwrite(&length, sizeof(length), 1, pretty->spill) != 1 ||
		fwrite(pretty->kept.bytes, 1, length, pretty->spill) != length ||
		fflush(pretty->spill) != 0;
	if (!pretty->full)
		text_clear(&pretty->kept);
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
	if (pretty->kept.length >= MEMORY_BYTES && !pretty->full)
		spill(pretty);
}

static void add_fill(struct text *line, char character, size_t n)
{
	char *end = text_extend(line, n);

	memset(end, character, n);
}

static void print_line(struct text *line, FILE *file)
{
	text_add_char(line, '\n');
	(void) fwrite_unlocked(line->bytes, 1, line->length, file);
	text_clear(line);
}

static void print_rule(struct pretty *pretty, FILE *file)
{
	for (size_t i = 0; i < pretty->n_columns; i++) {
		text_add_char(&pretty->line, '+');
		add_fill(&pretty->line, '-', pretty->widths[i] + 2);
	}
	text_add_char(&pretty->line, '+');
	print_line(&pretty->line, file);
}

static void add_cell(struct text *line, const char *bytes, size_t length, size_t width, size_t room)
{
	text_add(line, "| ", 2);
	text_add(line, bytes, length);
	add_fill(line, ' ', room - width + 1);
}

static void print_header(struct pretty *pretty, FILE *file)
{
	for (size_t i = 0; i < pretty->n_columns; i++) {
		text_clear(&pretty->printable);
		utf8_add_printable(&pretty->printable, pretty->names[i], strlen(pretty->names[i]));
		add_cell(&pretty->line, pretty->printable.bytes, pretty->printable.length,
			utf8_width(pretty->printable.bytes, pretty->printable.length),
			pretty->widths[i]);
	}
	text_add_char(&pretty->line, '|');
	print_line(&pretty->line, file);
}

// Prints the rows that stand in the memory.
static void print_rows(struct pretty *pretty, const char *bytes, size_t length, FILE *file)
{
	size_t at = 0, column = 0;

	while (length - at >= sizeof(struct cell)) {
		struct cell cell;

		memcpy(&cell, bytes + at, sizeof(cell));
		if (length - at - sizeof(cell) < cell.length)
			break;
		at += sizeof(cell);
		add_cell(
			&pretty->line, bytes + at, cell.length, cell.width, pretty->widths[column]);
		at += cell.length;
		if (++column < pretty->n_columns)
			continue;
		text_add_char(&pretty->line, '|');
		print_line(&pretty->line, file);
		column = 0;
	}
}

// The file holds blocks of whole rows, each behind its length.
static void print_spill(struct pretty *pretty, FILE *file)
{
	auto_text struct text block = { 0 };
	size_t length;

	rewind(pretty->spill);
	while (fread(&length, sizeof(length), 1, pretty->spill) == 1) {
		text_clear(&block);
		if (fread(text_extend(&block, length), 1, length, pretty->spill) != length)
			break;
		print_rows(pretty, block.bytes, block.length, file);
	}
}

void pretty_print(struct pretty *pretty, FILE *file)
{
	if (pretty->n_rows == 0 || pretty->n_columns == 0)
		return;
	print_rule(pretty, file);
	print_header(pretty, file);
	print_rule(pretty, file);
	if (pretty->spill)
		print_spill(pretty, file);
	print_rows(pretty, pretty->kept.bytes, pretty->kept.length, file);
	print_rule(pretty, file);
}
