// SPDX-License-Identifier: Apache-2.0
#include "sql/row.h"

#include <errno.h>
#include <math.h>

#include "base/number.h"
#include "base/utf8.h"
#include "test.h"

// Rows of a statement, packed one after another, and what belongs to them.
struct rows {
	sqlite3 *database;
	sqlite3_stmt *statement;
	struct arena arena;
	struct row_shape shape;
	struct text packed;
	size_t output_bytes;
};

static void pack(struct rows *rows, const char *sql, bool escape)
{
	const struct row_rules rules = { .null_text = "none", .escape = escape };

	*rows = (struct rows){ 0 };
	CHECK(sqlite3_open(":memory:", &rows->database) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(rows->database, sql, -1, &rows->statement, NULL) == SQLITE_OK);
	row_shape(&rows->shape, rows->statement, &rows->arena);
	while (sqlite3_step(rows->statement) == SQLITE_ROW)
		rows->output_bytes += row_pack(
			&rows->shape, &rules, rows->statement, &rows->packed);
}

static void done(struct rows *rows)
{
	(void) sqlite3_finalize(rows->statement);
	(void) sqlite3_close(rows->database);
	arena_done(&rows->arena);
	text_done(&rows->packed);
}

static struct row_reader reader(const struct text *packed)
{
	return (struct row_reader){ packed->bytes, packed->bytes + packed->length };
}

static struct value only_value(const struct rows *rows)
{
	struct row_reader all = reader(&rows->packed), row;
	struct value value, none;

	CHECK(row_next(&all, &row) == 1);
	CHECK(row_value(&row, &value) == 1);
	CHECK(row_value(&row, &none) == 0);
	CHECK(row_next(&all, &row) == 0);
	return value;
}

static bool is_text(const struct value *value, const char *bytes, size_t length)
{
	return value->type == VALUE_TEXT && value->text.length == length &&
		memcmp(value->text.bytes, bytes, length) == 0;
}

TEST(names_are_in_byte_order_and_of_a_name_the_last_column_counts)
{
	struct rows rows;
	struct row_reader all, row;
	struct value value;

	pack(&rows, "SELECT 1 AS b, 2 AS a, 3 AS b, 4 AS B, 5 AS ab, 6 AS b", false);
	CHECK(rows.shape.n_columns == 4);
	CHECK_TEXT(rows.shape.names[0], "B");
	CHECK_TEXT(rows.shape.names[1], "a");
	CHECK_TEXT(rows.shape.names[2], "ab");
	CHECK_TEXT(rows.shape.names[3], "b");
	all = reader(&rows.packed);
	CHECK(row_next(&all, &row) == 1);
	for (size_t i = 0; i < 4; i++) {
		static const int64_t expected[] = { 4, 2, 5, 6 };

		CHECK(row_value(&row, &value) == 1 && value.type == VALUE_INTEGER);
		CHECK(value.integer == expected[i]);
	}
	CHECK(row_value(&row, &value) == 0);
	done(&rows);
}

TEST(integers_come_back_as_they_were)
{
	static const int64_t numbers[] = { 0, 1, -1, 63, 64, -64, -65, 127, 128, 8191, 8192,
		INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, INT64_MIN + 1 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct rows rows;
		struct value value;
		char sql[100];

		(void) snprintf(
			sql, sizeof(sql), "SELECT cast('%lld' AS integer)", (long long) numbers[i]);
		pack(&rows, sql, true);
		value = only_value(&rows);
		CHECK(value.type == VALUE_INTEGER && value.integer == numbers[i]);
		done(&rows);
	}
}

TEST(a_text_and_a_number_of_the_same_digits_differ)
{
	struct rows text, integer, real;

	pack(&text, "SELECT '1' AS a", false);
	pack(&integer, "SELECT 1 AS a", false);
	pack(&real, "SELECT 1.0 AS a", false);
	CHECK(text.packed.length != integer.packed.length ||
		memcmp(text.packed.bytes, integer.packed.bytes, text.packed.length) != 0);
	CHECK(real.packed.length != integer.packed.length);
	CHECK(only_value(&real).type == VALUE_REAL && only_value(&real).real == 1.0);
	done(&text);
	done(&integer);
	done(&real);
}

TEST(zero_and_minus_zero_are_one_value)
{
	struct rows plus, minus;

	pack(&plus, "SELECT 0.0 AS a", false);
	pack(&minus, "SELECT -1e-300 * 1e-300 AS a", false);
	CHECK(plus.packed.length == minus.packed.length);
	CHECK(memcmp(plus.packed.bytes, minus.packed.bytes, plus.packed.length) == 0);
	done(&plus);
	done(&minus);
}

TEST(null_is_the_text_for_it_and_blobs_are_their_bytes)
{
	struct rows rows;
	struct value value;

	pack(&rows, "SELECT NULL", false);
	value = only_value(&rows);
	CHECK(is_text(&value, "none", 4));
	done(&rows);
	pack(&rows, "SELECT x'00ff41'", false);
	value = only_value(&rows);
	CHECK(is_text(&value,
		"\0\xff"
		"A",
		3));
	done(&rows);
	pack(&rows, "SELECT x''", false);
	value = only_value(&rows);
	CHECK(is_text(&value, "", 0));
	done(&rows);
}

TEST(control_bytes_and_what_is_no_utf8_are_escaped_where_the_rules_say_so)
{
	struct rows rows;
	struct value value;

	pack(&rows, "SELECT x'0a41ffc3a4c37f1f2022'", true);
	value = only_value(&rows);
	CHECK(is_text(
		&value, "\\x0AA\\xFF\xc3\xa4\\xC3\x7f\\x1F \"", 4 + 1 + 4 + 2 + 4 + 1 + 4 + 2));
	done(&rows);
	pack(&rows, "SELECT x'0a41ffc3a4c37f1f2022'", false);
	value = only_value(&rows);
	CHECK(is_text(&value, "\nA\xff\xc3\xa4\xc3\x7f\x1f \"", 10));
	done(&rows);
}

// The same rule, byte by byte.
static void escape_slowly(struct text *to, const char *bytes, size_t length)
{
	for (size_t i = 0; i < length;) {
		uint32_t point;
		size_t size = utf8_decode(bytes + i, length - i, &point);

		if (size == 0 || point < 0x20) {
			text_printf(to, "\\x%02X", (unsigned char) bytes[i++]);
		} else {
			text_add(to, bytes + i, size);
			i += size;
		}
	}
}

TEST(escaping_is_the_same_wherever_a_wrong_byte_stands)
{
	static const char *const pieces[] = { "\x01", "\xff", "\xc3\xa4", "\xe6\xbc", "\x1f",
		"\x7f", "\xed\xa0\x80", "\xf0\x9f\x98\x80", "" };

	for (size_t length = 0; length < 40; length++)
		for (size_t at = 0; at <= length; at++)
			for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
				char bytes[64], hex[160] = "SELECT x'";
				size_t size = strlen(pieces[i]), n = 9;
				auto_text struct text expected = { 0 };
				struct rows rows;
				struct value value;

				memset(bytes, 'a', sizeof(bytes));
				memcpy(bytes + at, pieces[i], size);
				for (size_t k = 0; k < length + size; k++)
					n += (size_t) snprintf(hex + n, sizeof(hex) - n, "%02x",
						(unsigned char) bytes[k]);
				(void) snprintf(hex + n, sizeof(hex) - n, "'");
				if (length > 9 && at > 3 && at + 9 < length)
					continue; // the words in the middle are alike
				pack(&rows, hex, true);
				escape_slowly(&expected, bytes, length + size);
				value = only_value(&rows);
				CHECK(is_text(&value, expected.bytes ? expected.bytes : "",
					expected.length));
				done(&rows);
			}
}

TEST(the_length_of_a_row_takes_as_many_bytes_as_it_needs)
{
	static const int lengths[] = { 0, 1, 124, 125, 126, 127, 128, 129, 16378, 16379, 16380,
		16381, 16382, 16383, 16384, 2100000 };

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct rows rows;
		struct row_reader all, row;
		struct value value;
		char sql[200];

		(void) snprintf(sql, sizeof(sql),
			"SELECT cast(zeroblob(%d) AS text) AS a UNION ALL SELECT 7", lengths[i]);
		pack(&rows, sql, false);
		all = reader(&rows.packed);
		CHECK(row_next(&all, &row) == 1);
		CHECK(row_value(&row, &value) == 1);
		CHECK(value.text.length == (size_t) lengths[i]);
		CHECK(row_value(&row, &value) == 0);
		CHECK(row_next(&all, &row) == 1);
		CHECK(row_value(&row, &value) == 1 && value.integer == 7);
		CHECK(row_next(&all, &row) == 0);
		done(&rows);
	}
}

TEST(the_output_is_names_and_values_as_text)
{
	struct rows rows;

	pack(&rows, "SELECT 'text' AS a, -12 AS bb, 1.5 AS c, NULL AS d", true);
	CHECK(rows.output_bytes == 1 + 4 + 2 + 3 + 1 + 3 + 1 + 4);
	done(&rows);
}

static int read_all(const char *bytes, size_t length)
{
	struct row_reader all = { bytes, bytes + length }, row;
	struct value value;
	int r, inner = 0;

	while ((r = row_next(&all, &row)) > 0)
		while ((inner = row_value(&row, &value)) != 0)
			if (inner < 0)
				return inner;
	return r;
}

TEST(bytes_that_are_no_rows_are_refused)
{
	static const struct {
		const char *bytes;
		size_t length;
	} wrong[] = {
		{ "\x01", 1 }, // no row
		{ "\x05\x01\x02", 3 }, // cut
		{ "\x80", 1 }, // a length that is cut
		{ "\x80\x00", 2 }, // that could be shorter
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10 }, // of 2^64 - 1
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10 }, // that does not fit
		{ "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
		{ "\x01\x00", 2 }, // a text without a length
		{ "\x02\x00\x01", 3 }, // a text behind the row
		{ "\x0b\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 },
		{ "\x02\x01\x80", 3 }, // an integer that is cut
		{ "\x03\x01\x80\x00", 4 },
		{ "\x08\x02"
		  "1234567",
			9 }, // a double that is cut
		{ "\x01\x03", 2 }, // no type
		{ "\x01\xff", 2 },
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(read_all(wrong[i].bytes, wrong[i].length) == -EUCLEAN);
	CHECK(read_all("", 0) == 0);
	CHECK(read_all("\0\0", 2) == 0); // two rows without values
}

// ---- numbers ----

static const char *real(double value)
{
	static char text[NUMBER_TEXT + 1];

	text[number_put_real(text, value)] = '\0';
	return text;
}

TEST(doubles_are_written_as_sqlite_writes_them)
{
	CHECK_TEXT(real(0.0), "0.0");
	CHECK_TEXT(real(-0.0), "0.0");
	CHECK_TEXT(real(1), "1.0");
	CHECK_TEXT(real(-2.5), "-2.5");
	CHECK_TEXT(real(0.1), "0.1");
	CHECK_TEXT(real(0.1 + 0.2), "0.3");
	CHECK_TEXT(real(123456789.125), "123456789.125");
	CHECK_TEXT(real(1e20), "1.0e+20");
	CHECK_TEXT(real(1e15), "1.0e+15");
	CHECK_TEXT(real(1e14), "100000000000000.0");
	CHECK_TEXT(real(999999999999999.9), "1.0e+15");
	CHECK_TEXT(real(1e-4), "0.0001");
	CHECK_TEXT(real(1e-5), "1.0e-05");
	CHECK_TEXT(real(-1.25e-300), "-1.25e-300");
	CHECK_TEXT(real(INFINITY), "Inf");
	CHECK_TEXT(real(-INFINITY), "-Inf");
	CHECK_TEXT(real(NAN), "NaN");
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static void check_against_printf(double value)
{
	char printed[64];

	(void) snprintf(printed, sizeof(printed), "%.15g", value);
	if (!strchr(printed, '.')) {
		char *e = strchr(printed, 'e');
		char rest[16] = "";

		if (e)
			(void) snprintf(rest, sizeof(rest), "%s", e);
		(void) snprintf(e ? e : printed + strlen(printed), 32, ".0%s", rest);
	}
	CHECK_TEXT(real(value), printed);
}

TEST(doubles_have_the_digits_that_printf_gives)
{
	uint64_t state = 0x9e3779b97f4a7c15u;

	for (int i = 0; i < 300000; i++) {
		uint64_t bits = next_random(&state);
		double value = (double) (int64_t) bits / (double) (1ull << (bits % 60));

		if (value != 0)
			check_against_printf(value);
		value = (double) (bits % 100000000) / 10000;
		if (value != 0)
			check_against_printf(value);
		memcpy(&value, &bits, sizeof(value));
		if (isfinite(value) && value != 0)
			check_against_printf(value);
	}
	for (double power = 1e-6; power < 1e17; power *= 10) {
		check_against_printf(power);
		check_against_printf(nextafter(power, 0));
		check_against_printf(nextafter(power, INFINITY));
		check_against_printf(power * 0.9999999999999995);
		check_against_printf(power / 3);
	}
	// exactly between two of 15 digits
	check_against_printf(100000000000000.5);
	check_against_printf(100000000000001.5);
	check_against_printf(0.5000000000000011102230246251565404);
}

TEST(integers_have_the_digits_that_printf_gives)
{
	uint64_t state = 88172645463325252u;

	for (int i = 0; i < 100000; i++) {
		int64_t value = (int64_t) (next_random(&state) >> (i % 64)) * (i % 2 ? 1 : -1);
		char text[NUMBER_TEXT + 1], printed[32];

		text[number_put_integer(text, value)] = '\0';
		(void) snprintf(printed, sizeof(printed), "%lld", (long long) value);
		CHECK_TEXT(text, printed);
		text[number_put_unsigned(text, (uint64_t) value)] = '\0';
		(void) snprintf(printed, sizeof(printed), "%llu", (unsigned long long) value);
		CHECK_TEXT(text, printed);
	}
}
