// SPDX-License-Identifier: Apache-2.0
// Blocks of events: what goes in comes out, and bytes that are no block are refused.
#include <errno.h>

#include "base/base.h"
#include "events/block.h"
#include "test.h"

enum { MOST_COLUMNS = 12 };

static uint64_t roll(uint64_t *random)
{
	*random = *random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return *random >> 20;
}

// How a column's values come about, so that every form of a sequence occurs.
static int64_t make_integer(uint64_t *random, unsigned style, int64_t row)
{
	switch (style % 8) {
	case 0:
		return 7;
	case 1:
		return row / 10;
	case 2:
		return (int64_t) (roll(random) % 3) * 1000003;
	case 3:
		return (int64_t) (roll(random) << 20 ^ roll(random));
	case 4:
		return roll(random) % 2 ? INT64_MIN : INT64_MAX;
	case 5:
		return 1000000 - row * 77;
	case 6:
		return (int64_t) (roll(random) % 40) << (roll(random) % 50);
	default:
		return (int64_t) (roll(random) % 200) - 100;
	}
}

static size_t make_text(uint64_t *random, unsigned style, char *text)
{
	size_t length = style % 3 == 0 ? roll(random) % 4 : roll(random) % 60;

	for (size_t i = 0; i < length; i++)
		text[i] = (char) (style % 2 ? 'a' + (int) (roll(random) % 2) : (int) roll(random));
	return length;
}

struct expected {
	struct event_value *values;
	int64_t *times;
	struct arena arena;
	uint32_t n_rows;
	size_t n_columns;
};

static void fill(struct expected *expected, struct block_builder *rows, uint64_t seed)
{
	uint64_t random = seed;

	expected->n_rows = 1 + (uint32_t) (roll(&random) % (seed % 7 == 0 ? BLOCK_MOST_ROWS : 100));
	expected->n_columns = roll(&random) % MOST_COLUMNS;
	expected->times = arena_zero(&expected->arena, expected->n_rows * sizeof(int64_t));
	expected->values = arena_zero(&expected->arena,
		(expected->n_rows * expected->n_columns + 1) * sizeof(struct event_value));
	block_builder_init(rows, expected->n_columns, seed);
	for (uint32_t row = 0; row < expected->n_rows; row++) {
		struct event_value *values = expected->values + row * expected->n_columns;

		expected->times[row] = 1700000000 + row / 3 - (int64_t) (roll(&random) % 2);
		block_begin(rows, expected->times[row]);
		for (size_t i = 0; i < expected->n_columns; i++) {
			unsigned style = (unsigned) (seed + i * 5);
			unsigned kind = style % 4 == 3 ? (unsigned) (roll(&random) % 3)
				: style % 4 == 2       ? (unsigned) EVENT_TEXT
						       : (unsigned) EVENT_INTEGER;
			char text[64];

			if (style % 11 == 0 && row % 16 > 0)
				kind = EVENT_MISSING;
			values[i].kind = kind;
			if (kind == EVENT_INTEGER) {
				values[i].integer = make_integer(&random, style / 4, row);
				block_set_integer(rows, i, values[i].integer);
			} else if (kind == EVENT_TEXT) {
				values[i].length = (uint32_t) make_text(&random, style / 4, text);
				values[i].text = arena_copy(
					&expected->arena, text, values[i].length);
				block_set_text(rows, i, text, values[i].length);
			}
		}
	}
}

static void compare(const struct expected *expected, struct block_press *press,
	struct block_reader *reader, const struct text *block)
{
	size_t n = expected->n_columns;
	struct event_value *values = must_alloc((expected->n_rows * n + 1) * sizeof(*values));
	int64_t *times = must_alloc(expected->n_rows * sizeof(*times));
	struct fault why;

	CHECK(block_open(reader, press, block->bytes, block->length, &why) == 0);
	CHECK(reader->n_rows == expected->n_rows && reader->n_columns == n);
	CHECK(block_read_times(reader, times, &why) == 0);
	CHECK(memcmp(times, expected->times, expected->n_rows * sizeof(*times)) == 0);
	for (size_t i = n; i-- > 0;)
		CHECK(block_read_column(reader, press, i, values + i, n, &why) == 0);
	for (size_t i = 0; i < expected->n_rows * n; i++) {
		const struct event_value *want = &expected->values[i];

		CHECK(values[i].kind == want->kind);
		if (want->kind == EVENT_INTEGER)
			CHECK(values[i].integer == want->integer);
		else if (want->kind == EVENT_TEXT)
			CHECK(values[i].length == want->length &&
				memcmp(values[i].text, want->text, want->length) == 0);
	}
	free(values);
	free(times);
}

TEST(random_rows_come_back_as_they_were)
{
	struct block_press press;
	struct block_reader reader = { 0 };

	block_press_open(&press);
	CHECK(press.zstd != NULL);
	for (uint64_t seed = 1; seed <= 400; seed++) {
		struct block_press bare = { .numbers = press.numbers };
		struct expected expected = { 0 };
		struct block_builder rows;
		struct text block = { 0 };

		fill(&expected, &rows, seed);
		block_write(&rows, seed % 5 == 0 ? &bare : &press, &block);
		compare(&expected, &press, &reader, &block);
		block_builder_done(&rows);
		text_done(&block);
		arena_done(&expected.arena);
	}
	block_reader_done(&reader);
	block_press_close(&press);
}

TEST(rows_can_be_added_after_a_block_was_written)
{
	struct block_press press;
	struct block_reader reader = { 0 };
	struct block_builder rows;
	struct text block = { 0 };
	struct event_value values[5];
	struct fault why;

	block_press_open(&press);
	block_builder_init(&rows, 2, 1);
	for (int i = 0; i < 5; i++) {
		block_begin(&rows, i);
		if (i % 2)
			block_set_integer(&rows, 0, i);
		text_clear(&block);
		block_write(&rows, &press, &block);
		CHECK(block_open(&reader, &press, block.bytes, block.length, &why) == 0);
		CHECK(reader.n_rows == (uint32_t) i + 1);
		CHECK(block_read_column(&reader, &press, 0, values, 1, &why) == 0);
		for (int k = 0; k <= i; k++)
			CHECK(k % 2 ? values[k].kind == EVENT_INTEGER && values[k].integer == k
				    : values[k].kind == EVENT_MISSING);
		CHECK(block_read_column(&reader, &press, 1, values, 1, &why) == 0);
		CHECK(values[i].kind == EVENT_MISSING);
	}
	block_builder_done(&rows);
	block_reader_done(&reader);
	block_press_close(&press);
	text_done(&block);
}

TEST(what_is_set_twice_is_what_it_was_set_to_last)
{
	struct block_press press;
	struct block_reader reader = { 0 };
	struct block_builder rows;
	struct text block = { 0 };
	struct event_value values[3];
	struct fault why;

	block_press_open(&press);
	block_builder_init(&rows, 1, 1);
	for (int i = 0; i < 3; i++) {
		block_begin(&rows, 0);
		block_set_text(&rows, 0, "wrong", 5);
		block_set_integer(&rows, 0, i);
		block_set_text(&rows, 0, "right", 5);
		block_set_integer(&rows, 1, 9); // there is no such column
	}
	block_write(&rows, &press, &block);
	CHECK(block_open(&reader, &press, block.bytes, block.length, &why) == 0);
	CHECK(block_read_column(&reader, &press, 0, values, 1, &why) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(values[i].kind == EVENT_TEXT && memcmp(values[i].text, "right", 5) == 0);
	CHECK(block_read_column(&reader, &press, 1, values, 1, &why) == -EINVAL);
	block_builder_done(&rows);
	block_reader_done(&reader);
	block_press_close(&press);
	text_done(&block);
}

TEST(a_long_text_is_cut_and_many_of_them_stay_readable)
{
	enum { LENGTH = BLOCK_TEXT_BYTES + 1000, COLUMNS = 60 };
	struct block_press press;
	struct block_reader reader = { 0 };
	struct block_builder rows;
	struct text block = { 0 };
	struct event_value value;
	struct fault why;
	char *text = must_alloc(LENGTH);
	uint64_t random = 1;

	for (size_t i = 0; i < LENGTH; i++)
		text[i] = (char) roll(&random);
	block_press_open(&press);
	block_builder_init(&rows, COLUMNS, 1);
	block_begin(&rows, 0);
	for (size_t i = 0; i < COLUMNS; i++)
		block_set_text(&rows, i, text, LENGTH);
	block_write(&rows, &press, &block);
	CHECK(block_open(&reader, &press, block.bytes, block.length, &why) == 0);
	CHECK(block_read_column(&reader, &press, 0, &value, 1, &why) == 0);
	CHECK(value.length == BLOCK_TEXT_BYTES && memcmp(value.text, text, value.length) == 0);
	CHECK(block_read_column(&reader, &press, COLUMNS - 1, &value, 1, &why) == 0);
	CHECK(value.kind == EVENT_TEXT && value.length == 0);
	block_builder_done(&rows);
	block_reader_done(&reader);
	block_press_close(&press);
	text_done(&block);
	free(text);
}

// Whatever comes of it, it is an answer or -EUCLEAN.
static bool read_all(
	struct block_reader *reader, struct block_press *press, const char *bytes, size_t length)
{
	struct event_value *values;
	int64_t *times;
	struct fault why;
	int r = block_open(reader, press, bytes, length, &why);

	CHECK(r == 0 || r == -EUCLEAN);
	if (r < 0)
		return false;
	values = must_alloc(reader->n_rows * sizeof(*values));
	times = must_alloc(reader->n_rows * sizeof(*times));
	r = block_read_times(reader, times, &why);
	for (size_t i = 0; r == 0 && i < reader->n_columns; i++)
		r = block_read_column(reader, press, i, values, 1, &why);
	CHECK(r == 0 || r == -EUCLEAN);
	free(values);
	free(times);
	return r == 0;
}

TEST(damaged_bytes_are_refused)
{
	struct block_press press;
	struct block_reader reader = { 0 };
	struct expected expected = { 0 };
	struct block_builder rows;
	struct text block = { 0 };
	uint64_t random = 1;

	block_press_open(&press);
	fill(&expected, &rows, 23);
	block_write(&rows, &press, &block);
	CHECK(read_all(&reader, &press, block.bytes, block.length));
	for (size_t length = 0; length < block.length; length++)
		CHECK(!read_all(&reader, &press, block.bytes, length));
	for (size_t i = 0; i < block.length; i++) {
		block.bytes[i] ^= 0x10;
		CHECK(!read_all(&reader, &press, block.bytes, block.length));
		block.bytes[i] ^= 0x10;
	}
	// with a check sum that fits, the content may be anything
	text_clear(&block);
	block_write(&rows, &(struct block_press){ .numbers = press.numbers }, &block);
	for (int i = 0; i < 20000; i++) {
		size_t at = 5 + roll(&random) % (block.length - 5);
		char before = block.bytes[at];
		uint32_t sum;

		block.bytes[at] = (char) roll(&random);
		sum = block_sum(block.bytes + 5, block.length - 5);
		memcpy(block.bytes + 1, &sum, sizeof(sum));
		(void) read_all(&reader, &press, block.bytes, block.length);
		if (i % 50 > 0)
			block.bytes[at] = before;
	}
	block_builder_done(&rows);
	block_reader_done(&reader);
	block_press_close(&press);
	text_done(&block);
	arena_done(&expected.arena);
}
