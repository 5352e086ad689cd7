// SPDX-License-Identifier: Apache-2.0
#include "shell/printer.h"

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
static struct field read_field(struct printer *printer, sqlite3_stmt *statement, int column)
{
	const char *text;

	if (sqlite3_column_type(statement, column) == SQLITE_INTEGER)
		return format_integer(sqlite3_column_int64(statement, column), printer->digits);
	text = (const char *) sqlite3_column_text(statement, column);
	if (!text)
		return (struct field){ printer->null_value, strlen(printer->null_value), true };
	return (struct field){ text, (size_t) sqlite3_column_bytes(statement, column), false };
}

static void print_line(struct printer *printer)
{
	(void) fwrite_unlocked(printer->line.bytes, 1, printer->line.length, printer->file);
	text_clear(&printer->line);
}

// What is for a program goes out as it is, unless it would reach a terminal.
static void add_raw(struct printer *printer, const char *bytes, size_t length)
{
	if (printer->terminal)
		utf8_add_printable(&printer->line, bytes, length);
	else
		text_add(&printer->line, bytes, length);
}

// ---- line ----

static void print_as_line(struct printer *printer, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);
	size_t widest = 5;

	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(statement, i);
		size_t width = utf8_width(name, strlen(name));

		widest = width > widest ? width : widest;
	}
	if (printer->rows > 0)
		text_add_char(&printer->line, '\n');
	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(statement, i);
		struct field field = read_field(printer, statement, i);

		for (size_t width = utf8_width(name, strlen(name)); width < widest; width++)
			text_add_char(&printer->line, ' ');
		utf8_add_printable(&printer->line, name, strlen(name));
		text_add_string(&printer->line, " = ");
		utf8_add_printable(&printer->line, field.bytes, field.length);
		text_add_char(&printer->line, '\n');
	}
	print_line(printer);
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

static void choose_widths(struct printer *printer, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);

	for (int i = 0; i < n && i < OUTPUT_WIDTHS; i++) {
		const char *name = sqlite3_column_name(statement, i);
		struct field field = read_field(printer, statement, i);
		size_t width = 10, named = utf8_width(name, strlen(name));
		size_t first = utf8_width(field.bytes, field.length);

		width = named > width ? named : width;
		width = first > width ? first : width;
		if ((unsigned) i < printer->n_widths && printer->widths[i] > 0)
			width = printer->widths[i];
		printer->column_widths[i] = (unsigned) width;
	}
}

static void end_columns(struct printer *printer)
{
	text_add_char(&printer->line, '\n');
	print_line(printer);
}

static void print_column_header(struct printer *printer, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);

	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(statement, i);

		text_add_string(&printer->line, i ? "  " : "");
		add_cut(&printer->line, name, strlen(name),
			printer->column_widths[i < OUTPUT_WIDTHS ? i : OUTPUT_WIDTHS - 1]);
	}
	end_columns(printer);
	for (int i = 0; i < n; i++) {
		text_add_string(&printer->line, i ? "  " : "");
		for (unsigned j = 0;
			j < printer->column_widths[i < OUTPUT_WIDTHS ? i : OUTPUT_WIDTHS - 1]; j++)
			text_add_char(&printer->line, '-');
	}
	end_columns(printer);
}

static void print_as_column(struct printer *printer, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);

	if (printer->rows == 0) {
		choose_widths(printer, statement);
		if (printer->headers)
			print_column_header(printer, statement);
	}
	for (int i = 0; i < n; i++) {
		struct field field = read_field(printer, statement, i);

		text_add_string(&printer->line, i ? "  " : "");
		add_cut(&printer->line, field.bytes, field.length,
			printer->column_widths[i < OUTPUT_WIDTHS ? i : OUTPUT_WIDTHS - 1]);
	}
	end_columns(printer);
}

// ---- list and csv ----

static bool needs_quotes(const struct printer *printer, const char *bytes, size_t length)
{
	if (length == 0)
		return true;
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char) bytes[i];

		if (byte < 0x21 || byte == '"' || byte == '\'' || byte >= 0x7f)
			return true;
	}
	return printer->separator[0] &&
		memmem(bytes, length, printer->separator, strlen(printer->separator));
}

static void add_csv(struct printer *printer, const char *bytes, size_t length)
{
	if (!needs_quotes(printer, bytes, length)) {
		text_add(&printer->line, bytes, length);
		return;
	}
	text_add_char(&printer->line, '"');
	for (size_t i = 0; i < length;) {
		const char *quote = memchr(bytes + i, '"', length - i);
		size_t part = quote ? (size_t) (quote - bytes) - i : length - i;

		add_raw(printer, bytes + i, part);
		if (quote)
			text_add_string(&printer->line, "\"\"");
		i += part + (quote != NULL);
	}
	text_add_char(&printer->line, '"');
}

static void print_separated(struct printer *printer, sqlite3_stmt *statement, bool header)
{
	int n = sqlite3_column_count(statement);

	for (int i = 0; i < n; i++) {
		const char *name = header ? sqlite3_column_name(statement, i) : "";
		struct field field = header ? (struct field){ name, strlen(name), false }
					    : read_field(printer, statement, i);

		text_add_string(&printer->line, i ? printer->separator : "");
		if (printer->mode == MODE_CSV && !field.null)
			add_csv(printer, field.bytes, field.length);
		else
			add_raw(printer, field.bytes, field.length);
	}
	text_add_char(&printer->line, '\n');
	print_line(printer);
}

// ---- json ----

static int compare_names(const void *a, const void *b, void *statement)
{
	int left = *(const int *) a, right = *(const int *) b;
	int r = strcmp(sqlite3_column_name(statement, left), sqlite3_column_name(statement, right));

	return r ? r : left - right;
}

// The columns in byte order of their names; of several with one name the last.
static void order_columns(struct printer *printer, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);
	int *order = must_resize(printer->order, (size_t) n * sizeof(*order));

	printer->order = order;
	printer->n_order = 0;
	for (int i = 0; i < n; i++)
		order[i] = i;
	qsort_r(order, (size_t) n, sizeof(*order), compare_names, statement);
	for (int i = 0; i < n; i++)
		if (i + 1 == n ||
			strcmp(sqlite3_column_name(statement, order[i]),
				sqlite3_column_name(statement, order[i + 1])) != 0)
			order[printer->n_order++] = order[i];
}

static void print_object(struct printer *printer, sqlite3_stmt *statement)
{
	bool indented = printer->mode == MODE_JSON_PRETTY;

	text_add_string(&printer->line, printer->printed ? ",\n  {" : "[\n  {");
	for (int i = 0; i < printer->n_order; i++) {
		const char *name = sqlite3_column_name(statement, printer->order[i]);
		struct field field = read_field(printer, statement, printer->order[i]);

		text_add_string(&printer->line, i ? "," : "");
		text_add_string(&printer->line, indented ? "\n    " : "");
		json_add_string(&printer->line, name, strlen(name));
		text_add_string(&printer->line, indented ? ": " : ":");
		json_add_string(&printer->line, field.bytes, field.length);
	}
	text_add_string(&printer->line, indented ? "\n  }" : "}");
	print_line(printer);
	printer->printed++;
}

static void end_objects(struct printer *printer)
{
	if (printer->printed > 0)
		(void) fputs("\n]\n", printer->file);
	else
		(void) fputs(printer->mode == MODE_JSON ? "[\n\n]\n" : "[]\n", printer->file);
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

void printer_begin(struct printer *printer)
{
	printer->printed = 0;
	if (printer->mode == MODE_PRETTY)
		printer->pretty = pretty_new();
}

void printer_statement(struct printer *printer, sqlite3_stmt *statement)
{
	printer->rows = 0;
	if (printer->pretty)
		pretty_columns(printer->pretty, statement);
	if (printer->mode == MODE_JSON || printer->mode == MODE_JSON_PRETTY)
		order_columns(printer, statement);
}

void printer_row(struct printer *printer, sqlite3_stmt *statement)
{
	switch (printer->mode) {
	case MODE_PRETTY:
		pretty_row(printer->pretty, statement, printer->null_value);
		break;
	case MODE_LINE:
		print_as_line(printer, statement);
		break;
	case MODE_COLUMN:
		print_as_column(printer, statement);
		break;
	case MODE_LIST:
	case MODE_CSV:
		if (printer->rows == 0 && printer->headers)
			print_separated(printer, statement, true);
		print_separated(printer, statement, false);
		break;
	case MODE_JSON:
	case MODE_JSON_PRETTY:
		print_object(printer, statement);
		break;
	case MODE_QUIET:
		break;
	}
	printer->rows++;
}

void printer_end(struct printer *printer)
{
	if (printer->mode == MODE_JSON || printer->mode == MODE_JSON_PRETTY)
		end_objects(printer);
	if (printer->pretty)
		pretty_print(printer->pretty, printer->file);
	pretty_free(printer->pretty);
	printer->pretty = NULL;
	free(printer->order);
	printer->order = NULL;
	text_done(&printer->line);
	(void) fflush(printer->file);
}
