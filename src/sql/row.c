// SPDX-License-Identifier: Apache-2.0
#include "sql/row.h"

#include <errno.h>
#include <string.h>

#include "base/number.h"
#include "base/utf8.h"

enum { LEB128_MAX = 10 }; // bytes of 64 bits, seven in each

static size_t put_leb128(char *to, uint64_t value)
{
	size_t length = 0;

	for (; value >= 0x80; value >>= 7)
		to[length++] = (char) (0x80 | (value & 0x7f));
	to[length++] = (char) value;
	return length;
}

// Rows are compared as bytes, so there must be one way only to write a number: what could be
// shorter is refused, as is what does not fit in 64 bits.
static int get_leb128(struct row_reader *row, uint64_t *value)
{
	uint64_t sum = 0;

	for (unsigned shift = 0; shift < 64 && row->at < row->end; shift += 7) {
		unsigned char byte = (unsigned char) *row->at++;

		if (shift == 63 && byte > 1)
			break;
		sum |= (uint64_t) (byte & 0x7f) << shift;
		if (byte >= 0x80)
			continue;
		if (byte == 0 && shift > 0)
			break;
		*value = sum;
		return 0;
	}
	return -EUCLEAN;
}

// ---- the shape ----

struct name {
	const char *text;
	int column;
};

static int compare_names(const void *a, const void *b)
{
	const struct name *left = a, *right = b;
	int order = strcmp(left->text, right->text);

	return order ? order : (left->column > right->column) - (left->column < right->column);
}

void row_shape(struct row_shape *shape, sqlite3_stmt *statement, struct arena *arena)
{
	size_t n = (size_t) sqlite3_column_count(statement), kept = 0;
	struct name *names = arena_alloc(arena, n * sizeof(*names));

	for (size_t i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(statement, (int) i);

		name = name ? name : ""; // no memory
		names[i] = (struct name){ arena_copy(arena, name, strlen(name)), (int) i };
	}
	qsort(names, n, sizeof(*names), compare_names);

	shape->names = arena_alloc(arena, n * sizeof(*shape->names));
	shape->columns = arena_alloc(arena, n * sizeof(*shape->columns));
	for (size_t i = 0; i < n; i++) {
		if (i + 1 < n && strcmp(names[i].text, names[i + 1].text) == 0)
			continue;
		shape->names[kept] = names[i].text;
		shape->columns[kept] = names[i].column;
		kept++;
	}
	shape->n_columns = kept;
}

// ---- packing ----

static void add_type_and_length(struct text *packed, enum value_type type, uint64_t length)
{
	size_t before = packed->length;
	char *to = text_extend(packed, 1 + LEB128_MAX);

	*to = (char) type;
	packed->length = before + 1 + put_leb128(to + 1, length);
}

static void put_escaped(char *to, unsigned char byte)
{
	static const char digits[] = "0123456789ABCDEF";

	to[0] = '\\';
	to[1] = 'x';
	to[2] = digits[byte >> 4];
	to[3] = digits[byte & 15];
}

// The bytes that `escape` changes: how many they are.
static size_t count_wrong(const char *bytes, size_t length)
{
	size_t wrong = 0;

	for (size_t at = utf8_clean(bytes, length); at < length;) {
		wrong++;
		at++;
		at += utf8_clean(bytes + at, length - at);
	}
	return wrong;
}

static size_t pack_text(struct text *packed, const char *bytes, size_t length, bool escape)
{
	size_t wrong = escape ? count_wrong(bytes, length) : 0;
	size_t whole = length + 3 * wrong;
	char *to;

	add_type_and_length(packed, VALUE_TEXT, whole);
	to = text_extend(packed, whole);
	while (wrong-- > 0) {
		size_t clean = utf8_clean(bytes, length);

		memcpy(to, bytes, clean);
		put_escaped(to + clean, (unsigned char) bytes[clean]);
		to += clean + 4;
		bytes += clean + 1;
		length -= clean + 1;
	}
	if (length > 0)
		memcpy(to, bytes, length);
	return whole;
}

static size_t pack_integer(struct text *packed, int64_t value)
{
	char digits[NUMBER_TEXT];

	add_type_and_length(
		packed, VALUE_INTEGER, (uint64_t) value << 1 ^ (value < 0 ? UINT64_MAX : 0));
	return number_put_integer(digits, value);
}

// SQLite takes 0.0 and -0.0 for equal, so they must have the same bytes: both become 0.0. NaN does
// not come from SQLite, where it is NULL.
static size_t pack_real(struct text *packed, double value)
{
	char digits[NUMBER_TEXT];
	char *to = text_extend(packed, 1 + sizeof(value));

	if (value == 0)
		value = 0;
	*to = VALUE_REAL;
	memcpy(to + 1, &value, sizeof(value));
	return number_put_real(digits, value);
}

static size_t pack_value(
	const struct row_rules *rules, sqlite3_stmt *statement, int column, struct text *packed)
{
	const void *bytes;

	switch (sqlite3_column_type(statement, column)) {
	case SQLITE_INTEGER:
		return pack_integer(packed, sqlite3_column_int64(statement, column));
	case SQLITE_FLOAT:
		return pack_real(packed, sqlite3_column_double(statement, column));
	case SQLITE_NULL:
		return pack_text(packed, rules->null_text, strlen(rules->null_text), rules->escape);
	case SQLITE_BLOB:
		bytes = sqlite3_column_blob(statement, column);
		break;
	default:
		bytes = sqlite3_column_text(statement, column);
	}
	// no bytes: an empty blob, or a text that had no memory to be made UTF-8
	return pack_text(packed, bytes ? bytes : "",
		bytes ? (size_t) sqlite3_column_bytes(statement, column) : 0, rules->escape);
}

size_t row_pack(const struct row_shape *shape, const struct row_rules *rules,
	sqlite3_stmt *statement, struct text *packed)
{
	// most rows have a length of two bytes; for others the row is moved
	enum { EXPECTED = 2 };
	size_t begin = packed->length, length, size, output = 0;
	char prefix[LEB128_MAX];

	(void) text_extend(packed, EXPECTED);
	for (size_t i = 0; i < shape->n_columns; i++) {
		output += strlen(shape->names[i]);
		output += pack_value(rules, statement, shape->columns[i], packed);
	}
	length = packed->length - begin - EXPECTED;
	size = put_leb128(prefix, length);
	if (size > EXPECTED)
		(void) text_extend(packed, size - EXPECTED);
	if (size != EXPECTED)
		memmove(packed->bytes + begin + size, packed->bytes + begin + EXPECTED, length);
	memcpy(packed->bytes + begin, prefix, size);
	packed->length = begin + size + length;
	packed->bytes[packed->length] = '\0';
	return output;
}

// ---- reading ----

int row_next(struct row_reader *rows, struct row_reader *row)
{
	struct row_reader rest = *rows;
	uint64_t length;

	if (rows->at == rows->end)
		return 0;
	if (get_leb128(&rest, &length) < 0 || length > (size_t) (rest.end - rest.at))
		return -EUCLEAN;

	*row = (struct row_reader){ rest.at, rest.at + length };
	rows->at = row->end;
	return 1;
}

static int get_value(struct row_reader *rest, struct value *value)
{
	uint64_t number;

	value->type = (enum value_type) * rest->at++;
	switch (value->type) {
	case VALUE_TEXT:
		if (get_leb128(rest, &number) < 0 || number > (size_t) (rest->end - rest->at))
			return -EUCLEAN;
		value->text.bytes = rest->at;
		value->text.length = number;
		rest->at += number;
		return 1;
	case VALUE_INTEGER:
		if (get_leb128(rest, &number) < 0)
			return -EUCLEAN;
		value->integer = (int64_t) (number >> 1 ^ (number & 1 ? UINT64_MAX : 0));
		return 1;
	case VALUE_REAL:
		if ((size_t) (rest->end - rest->at) < sizeof(value->real))
			return -EUCLEAN;
		memcpy(&value->real, rest->at, sizeof(value->real));
		rest->at += sizeof(value->real);
		return 1;
	}
	return -EUCLEAN;
}

int row_value(struct row_reader *row, struct value *value)
{
	struct row_reader rest = *row;
	int r;

	if (row->at == row->end)
		return 0;
	r = get_value(&rest, value);
	if (r > 0)
		row->at = rest.at;
	return r;
}
