// SPDX-License-Identifier: Apache-2.0
#include "shell/output.h"

#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/json.h"
#include "base/utf8.h"
#include "shell/pretty.h"

struct field {
	const char *bytes;
	size_t length;
	bool null;
};

// Decimal digits of a number, at the end of `digits`.
static struct field format_integer(int64_t number, char digits[24])
{
	uint64_t left = number < 0 ? 0 - (uint64_t) number : (uint64_t) number;
	char *at = digits + 24;

	do {
		*--at = (char) ('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0)
		*--at = '-';
	return (struct field){ at, (size_t) (digits + 24 - at), false };
}

// Valid until the next field is read.
static struct field read_field(struct output *output, sqlite3_stmt *statement, int column)
{
	const char *text;

	if (sqlite3_column_type(statement, column) == SQLITE_INTEGER)
		return format_integer(sqlite3_column_int64(statement, column), output->digits);
	text = (const char *) sqlite3_column_text(statement, column);
	if (!text)
		return (struct field){ output->null_value, strlen(output->null_value), true };
	return (struct field){ text, (size_t) sqlite3_column_bytes(statement, column), false };
}

static void print_line(struct output *output)
{
	(void) fwrite_unlocked(output->line.bytes, 1, output->line.length, output->file);
	text_clear(&output->line);
}

// What is for a program goes out as it is, unless it would reach a terminal.
static void add_raw(struct output *output, const char *bytes, size_t length)
{
	if (output->terminal)
		utf8_add_printable(&output->line, bytes, length);
	else
		text_add(&output->line, bytes, length);
}

// ---- line ----

static void print_as_line(struct output *output, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);
	size_t widest = 5;

	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(statement, i);
		size_t width = utf8_width(name, strlen(name));

		widest = width > widest ? width : widest;
	}
	if (output->rows > 0)
		text_add_char(&output->line, '\n');
	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(statement, i);
		struct field field = read_field(output, statement, i);

		for (size_t width = utf8_width(name, strlen(name)); width < widest; width++)
			text_add_char(&output->line, ' ');
		utf8_add_printable(&output->line, name, strlen(name));
		text_add_string(&output->line, " = ");
		utf8_add_printable(&output->line, field.bytes, field.length);
		text_add_char(&output->line, '\n');
	}
	print_line(output);
}

// ---- column ----

// Adds at most `width` columns of the text and fills up to them.
static void add_cut(struct text *line, const char *bytes, size_t length, size_t width)
{
	auto_text struct text printable = { 0 };
	size_t shown = 0, at = 0;

	utf8_add_printable(&printable, bytes, length);
	while (at < printable.length) {
		uint32_t point;
		size_t size = utf8_decode(printable.bytes + at, printable.length - at, &point);
		size_t columns = utf8_width(printable.bytes + at, size);

		if (shown + columns > width)
			break;
		text_add(line, printable.bytes + at, size);
		shown += columns;
		at += size;
	}
	for (; shown < width; shown++)
		text_add_char(line, ' ');
}

static void choose_widths(struct output *output, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);

	for (int i = 0; i < n && i < OUTPUT_WIDTHS; i++) {
		const char *name = sqlite3_column_name(statement, i);
		struct field field = read_field(output, statement, i);
		size_t width = 10, named = utf8_width(name, strlen(name));
		size_t first = utf8_width(field.bytes, field.length);

		width = named > width ? named : width;
		width = first > width ? first : width;
		if ((unsigned) i < output->n_widths && output->widths[i] > 0)
			width = output->widths[i];
		output->column_widths[i] = (unsigned) width;
	}
}

static void end_columns(struct output *output)
{
	text_add_char(&output->line, '\n');
	print_line(output);
}

static void print_column_header(struct output *output, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);

	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(statement, i);

		text_add_string(&output->line, i ? "  " : "");
		add_cut(&output->line, name, strlen(name),
			output->column_widths[i < OUTPUT_WIDTHS ? i : OUTPUT_WIDTHS - 1]);
	}
	end_columns(output);
	for (int i = 0; i < n; i++) {
		text_add_string(&output->line, i ? "  " : "");
		for (unsigned j = 0;
			j < output->column_widths[i < OUTPUT_WIDTHS ? i : OUTPUT_WIDTHS - 1]; j++)
			text_add_char(&output->line, '-');
	}
	end_columns(output);
}

static void print_as_column(struct output *output, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);

	if (output->rows == 0) {
		choose_widths(output, statement);
		if (output->headers)
			print_column_header(output, statement);
	}
	for (int i = 0; i < n; i++) {
		struct field field = read_field(output, statement, i);

		text_add_string(&output->line, i ? "  " : "");
		add_cut(&output->line, field.bytes, field.length,
			output->column_widths[i < OUTPUT_WIDTHS ? i : OUTPUT_WIDTHS - 1]);
	}
	end_columns(output);
}

// ---- list and csv ----

static bool needs_quotes(const struct output *output, const char *bytes, size_t length)
{
	if (length == 0)
		return true;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char) bytes[i];

		if (byte < 0x21 || byte == '"' || byte == '\'' || byte >= 0x7f)
			return true;
	}
	return output->separator[0] &&
		memmem(bytes, length, output->separator, strlen(output->separator));
}

static void add_csv(struct output *output, const char *bytes, size_t length)
{
	if (!needs_quotes(output, bytes, length)) {
		text_add(&output->line, bytes, length);
		return;
	}
	text_add_char(&output->line, '"');
	for (size_t i = 0; i < length;) {
		const char *quote = memchr(bytes + i, '"', length - i);
		size_t part = quote ? (size_t) (quote - bytes) - i : length - i;

		add_raw(output, bytes + i, part);
		if (quote)
			text_add_string(&output->line, "\"\"");
		i += part + (quote != NULL);
	}
	text_add_char(&output->line, '"');
}

static void print_separated(struct output *output, sqlite3_stmt *statement, bool header)
{
	int n = sqlite3_column_count(statement);

	for (int i = 0; i < n; i++) {
		const char *name = header ? sqlite3_column_name(statement, i) : "";
		struct field field = header ? (struct field){ name, strlen(name), false }
					    : read_field(output, statement, i);

		text_add_string(&output->line, i ? output->separator : "");
		if (output->mode == MODE_CSV && !field.null)
			add_csv(output, field.bytes, field.length);
		else
			add_raw(output, field.bytes, field.length);
	}
	text_add_char(&output->line, '\n');
	print_line(output);
}

// ---- json ----

static int compare_names(const void *a, const void *b, void *statement)
{
	int left = *(const int *) a, right = *(const int *) b;
	int r = strcmp(sqlite3_column_name(statement, left), sqlite3_column_name(statement, right));

	return r ? r : left - right;
}

// The columns in byte order of their names; of several with one name the last.
static void order_columns(struct output *output, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);
	int *order = must_resize(output->order, (size_t) n * sizeof(*order));

	output->order = order;
	output->n_order = 0;
	for (int i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, (size_t) n, sizeof(*order), compare_names, statement);
	for (int i = 0; i < n; i++)
		if (i + 1 == n ||
			strcmp(sqlite3_column_name(statement, order[i]),
				sqlite3_column_name(statement, order[i + 1])) != 0)
			order[output->n_order++] = order[i];
}

static void print_object(struct output *output, sqlite3_stmt *statement)
{
	bool indented = output->mode == MODE_JSON_PRETTY;

	text_add_string(&output->line, output->printed ? ",\n  {" : "[\n  {");
	for (int i = 0; i < output->n_order; i++) {
		const char *name = sqlite3_column_name(statement, output->order[i]);
		struct field field = read_field(output, statement, output->order[i]);

		text_add_string(&output->line, i ? "," : "");
		text_add_string(&output->line, indented ? "\n    " : "");
		json_add_string(&output->line, name, strlen(name));
		text_add_string(&output->line, indented ? ": " : ":");
		json_add_string(&output->line, field.bytes, field.length);
	}
	text_add_string(&output->line, indented ? "\n  }" : "}");
	print_line(output);
	output->printed++;
}

static void end_objects(struct output *output)
{
	if (output->printed > 0)
		(void) fputs("\n]\n", output->file);
	else
		(void) fputs(output->mode == MODE_JSON ? "[\n\n]\n" : "[]\n", output->file);
}

// ---- all ----

static const char *const mode_names[] = {
	[MODE_PRETTY] = "pretty",
	[MODE_LINE] = "line",
	[MODE_COLUMN] = "column",
	[MODE_LIST] = "list",
	[MODE_CSV] = "csv",
	[MODE_JSON] = "json",
	[MODE_JSON_PRETTY] = "json_pretty",
	[MODE_QUIET] = "quiet",
};

const char *mode_name(enum mode mode)
{
	return mode_names[mode];
}

void output_begin(struct output *output)
{
	output->printed = 0;
	if (output->mode == MODE_PRETTY)
		output->pretty = pretty_new();
}

void output_statement(struct output *output, sqlite3_stmt *statement)
{
	output->rows = 0;
	if (output->pretty)
		pretty_columns(output->pretty, statement);
	if (output->mode == MODE_JSON || output->mode == MODE_JSON_PRETTY)
		order_columns(output, statement);
}

void output_row(struct output *output, sqlite3_stmt *statement)
{
	switch (output->mode) {
	case MODE_PRETTY:
		pretty_row(output->pretty, statement, output->null_value);
		break;
	case MODE_LINE:
		print_as_line(output, statement);
		break;
	case MODE_COLUMN:
		print_as_column(output, statement);
		break;
	case MODE_LIST:
	case MODE_CSV:
		if (output->rows == 0 && output->headers)
			print_separated(output, statement, true);
		print_separated(output, statement, false);
		break;
	case MODE_JSON:
	case MODE_JSON_PRETTY:
		print_object(output, statement);
		break;
	case MODE_QUIET:
		break;
	}
	output->rows++;
}

void output_end(struct output *output)
{
	if (output->mode == MODE_JSON || output->mode == MODE_JSON_PRETTY)
		end_objects(output);
	if (output->pretty)
		pretty_print(output->pretty, output->file);
	pretty_free(output->pretty);
	output->pretty = NULL;
	free(output->order);
	output->order = NULL;
	text_done(&output->line);
	(void) fflush(output->file);
}
