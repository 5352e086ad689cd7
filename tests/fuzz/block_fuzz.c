// SPDX-License-Identifier: Apache-2.0
// Fuzzes blocks of events: whatever the bytes, they are refused, or are rows that come back as they
// were when they are written again. The check sum is made to fit, so that it hides nothing.
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "events/block.h"

enum { HEAD = 5, VALUES_MOST = 1 << 20, TEXTS_MOST = 16 << 20 };

struct rows {
	int64_t *times;
	struct event_value *values;
	size_t n_rows, n_columns;
};

static void free_rows(struct rows *rows)
{
	free(rows->times);
	free(rows->values);
}

// The writer cuts long texts, and those of too many.
static size_t bytes_of_texts(const struct rows *rows)
{
	size_t bytes = 0;

	for (size_t i = 0; i < rows->n_rows * rows->n_columns; i++) {
		if (rows->values[i].kind != EVENT_TEXT)
			continue;
		if (rows->values[i].length > BLOCK_TEXT_BYTES)
			return SIZE_MAX;
		bytes += rows->values[i].length;
	}
	return bytes;
}

static bool read_rows(struct block_reader *reader, struct block_press *press, const char *bytes,
	size_t length, struct rows *rows)
{
	struct fault why;
	int r = block_open(reader, press, bytes, length, &why);

	if (r == 0 && reader->n_rows * reader->n_columns > VALUES_MOST)
		return false;
	if (r == 0) {
		rows->n_rows = reader->n_rows;
		rows->n_columns = reader->n_columns;
		rows->times = must_alloc(rows->n_rows * sizeof(*rows->times));
		rows->values = must_alloc(
			(rows->n_rows * rows->n_columns + 1) * sizeof(*rows->values));
		r = block_read_times(reader, rows->times, &why);
	}
	for (size_t i = 0; r == 0 && i < rows->n_columns; i++)
		r = block_read_column(reader, press, i, rows->values + i, rows->n_columns, &why);
	if (r < 0 && r != -EUCLEAN)
		abort();
	return r == 0 && bytes_of_texts(rows) < TEXTS_MOST;
}

static void write_rows(const struct rows *rows, struct block_press *press, struct text *block)
{
	struct block_builder builder;
	const struct event_value *value = rows->values;

	block_builder_init(&builder, rows->n_columns, 1);
	for (size_t row = 0; row < rows->n_rows; row++) {
		block_begin(&builder, rows->times[row]);
		for (size_t i = 0; i < rows->n_columns; i++, value++) {
			if (value->kind == EVENT_INTEGER)
				block_set_integer(&builder, i, value->integer);
			else if (value->kind == EVENT_TEXT)
				block_set_text(&builder, i, value->text, value->length);
		}
	}
	block_write(&builder, press, block);
	block_builder_done(&builder);
}

static void check_same(const struct rows *a, const struct rows *b)
{
	if (a->n_rows != b->n_rows || a->n_columns != b->n_columns ||
		memcmp(a->times, b->times, a->n_rows * sizeof(*a->times)) != 0)
		abort();
	for (size_t i = 0; i < a->n_rows * a->n_columns; i++) {
		const struct event_value *x = &a->values[i], *y = &b->values[i];

		if (x->kind != y->kind || x->length != y->length ||
			(x->kind == EVENT_INTEGER && x->integer != y->integer) ||
			(x->kind == EVENT_TEXT && memcmp(x->text, y->text, x->length) != 0))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	auto_free char *bytes = NULL;
	auto_text struct text again = { 0 };
	struct block_press press;
	struct block_reader first = { 0 }, second = { 0 };
	struct rows rows = { 0 }, same = { 0 };
	uint32_t sum;

	if (length < HEAD)
		return 0;
	bytes = must_alloc(length);
	memcpy(bytes, data, length);
	bytes[0] = BLOCK_VERSION;
	sum = block_sum(bytes + HEAD, length - HEAD);
	memcpy(bytes + 1, &sum, sizeof(sum));
	block_press_open(&press);
	if (read_rows(&first, &press, bytes, length, &rows)) {
		write_rows(&rows, &press, &again);
		if (!read_rows(&second, &press, again.bytes, again.length, &same))
			abort();
		check_same(&rows, &same);
	}
	free_rows(&rows);
	free_rows(&same);
	block_reader_done(&first);
	block_reader_done(&second);
	block_press_close(&press);
	return 0;
}
