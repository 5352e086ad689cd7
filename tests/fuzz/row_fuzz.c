// SPDX-License-Identifier: Apache-2.0
// Fuzzes packed rows: whatever the bytes, they are refused or become lines that are valid JSON. The
// first byte chooses the form; texts of a row are packed anew by SQLite and must be the same row.
#include <errno.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "output/line.h"

enum { COLUMNS_MOST = 8 };

static int keep(void *context, const char *bytes, size_t length, uint64_t n_lines, bool ends)
{
	uint64_t newlines = 0;

	for (size_t i = 0; i < length; i++)
		newlines += bytes[i] == '\n';
	if (length == 0 || newlines != n_lines || ends != (bytes[length - 1] == '\n'))
		abort();
	text_add(context, bytes, length);
	return 0;
}

static void check_line(sqlite3_stmt *valid, const char *line, size_t length)
{
	if (!utf8_is_printable(line, length))
		abort();
	(void) sqlite3_bind_text(valid, 1, line, (int) length, SQLITE_STATIC);
	if (sqlite3_step(valid) != SQLITE_ROW || sqlite3_column_int(valid, 0) != 1)
		abort();
	(void) sqlite3_reset(valid);
}

static void check_lines(sqlite3 *database, const struct text *lines)
{
	sqlite3_stmt *valid;

	if (sqlite3_prepare_v2(database, "SELECT json_valid(?)", -1, &valid, NULL) != SQLITE_OK)
		abort();
	for (size_t at = 0; at < lines->length;) {
		const char *line = lines->bytes + at;
		const char *end = memchr(line, '\n', lines->length - at);

		if (!end)
			abort();
		check_line(valid, line, (size_t) (end - line));
		at += (size_t) (end + 1 - line);
	}
	(void) sqlite3_finalize(valid);
}

// A text that SQLite gives comes back from its packed row, escaped or not.
static void check_packing(sqlite3 *database, const struct value *value, bool escape)
{
	const struct row_rules rules = { .null_text = "", .escape = escape };
	auto_text struct text packed = { 0 };
	struct arena arena = { 0 };
	struct row_shape shape;
	struct row_reader rows, row;
	struct value again;
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(database, "SELECT ? AS a", -1, &statement, NULL) != SQLITE_OK)
		abort();
	(void) sqlite3_bind_blob64(
		statement, 1, value->text.bytes, value->text.length, SQLITE_STATIC);
	row_shape(&shape, statement, &arena);
	if (sqlite3_step(statement) != SQLITE_ROW)
		abort();
	(void) row_pack(&shape, &rules, statement, &packed);
	rows = (struct row_reader){ packed.bytes, packed.bytes + packed.length };
	if (row_next(&rows, &row) != 1 || row_value(&row, &again) != 1 ||
		row_value(&row, &again) != 0 || row_next(&rows, &row) != 0)
		abort();
	if (escape ? utf8_clean(again.text.bytes, again.text.length) != again.text.length
		   : again.text.length != value->text.length ||
				memcmp(again.text.bytes, value->text.bytes, again.text.length) != 0)
		abort();
	(void) sqlite3_finalize(statement);
	arena_done(&arena);
}

static size_t count_values(struct row_reader row)
{
	struct value value;
	size_t n = 0;

	while (row_value(&row, &value) > 0)
		n++;
	return n;
}

static void write_rows(struct text *lines, unsigned char choice, const char *names[COLUMNS_MOST],
	struct row_reader rows, sqlite3 *database)
{
	struct row_reader first = rows, row;
	struct row_shape shape = { .names = names };
	struct line_head head = { .name = names[0],
		.host_identifier = names[1],
		.unix_time = choice * 1000000007LL,
		.numerics = choice & 4 };
	struct decoration decoration = { names[2], names[3] };
	enum line_form form = (enum line_form)(choice % 3);
	struct line_writer *writer;

	if (row_next(&first, &row) > 0)
		shape.n_columns = count_values(row);
	if (shape.n_columns > COLUMNS_MOST)
		shape.n_columns = COLUMNS_MOST;
	head.decorations = &decoration;
	head.n_decorations = choice & 8 ? 1 : 0;
	head.decorations_top_level = choice & 16;
	writer = line_open(form, &head, &shape, keep, lines);
	while (row_next(&rows, &row) > 0) {
		int r = line_row(writer, LINE_ADDED, row);
		struct value value;

		if (r < 0 && r != -EUCLEAN)
			abort();
		while (row_value(&row, &value) > 0)
			if (value.type == VALUE_TEXT)
				check_packing(database, &value, choice & 32);
	}
	if (line_close(writer) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	static const char *const fixed[] = { "c", "d", "e", "f" };
	const char *names[COLUMNS_MOST];
	auto_text struct text lines = { 0 };
	char hostile[4][8];
	sqlite3 *database;

	if (length < 1 + sizeof(hostile) || sqlite3_open(":memory:", &database) != SQLITE_OK)
		return 0;
	// names are bytes of the input, too: each its own beginning, so that none is there twice
	memcpy(hostile, data + 1, sizeof(hostile));
	for (size_t i = 0; i < COLUMNS_MOST; i++) {
		names[i] = i < 4 ? hostile[i] : fixed[i - 4];
		if (i < 4) {
			hostile[i][0] = (char) ('1' + i);
			hostile[i][7] = '\0';
		}
	}
	write_rows(&lines, data[0], names,
		(struct row_reader){ (const char *) data + 33, (const char *) data + length },
		database);
	check_lines(database, &lines);
	(void) sqlite3_close(database);
	return 0;
}
