// SPDX-License-Identifier: Apache-2.0
// The rows of a `generate` table, kept for the statement: a second scan is answered from them, a
// lookup by bisection over an order that is made once.
#include "sql/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int order_of_kinds(const struct value *value)
{
	return value->kind == IS_TEXT ? 2 : value->kind == MISSING ? 0 : 1;
}

static int compare_values(const struct value *a, const struct value *b)
{
	int kinds = order_of_kinds(a) - order_of_kinds(b);
	size_t shorter = a->length < b->length ? a->length : b->length;
	int r;

	if (kinds != 0)
		return kinds;
	switch (a->kind) {
	case IS_TEXT:
		r = memcmp(a->text, b->text, shorter);
		return r ? r : (a->length > b->length) - (a->length < b->length);
	case IS_INTEGER:
		return (a->integer > b->integer) - (a->integer < b->integer);
	default:
		return 0;
	}
}

struct ordering {
	const struct scan *scan;
	unsigned slot;
};

static int compare_rows(const void *a, const void *b, void *context)
{
	const struct ordering *ordering = context;
	const struct scan *scan = ordering->scan;
	uint32_t left = *(const uint32_t *) a, right = *(const uint32_t *) b;
	int r = compare_values(&scan->rows[left * scan->n_slots + ordering->slot],
		&scan->rows[right * scan->n_slots + ordering->slot]);

	return r ? r : (left > right) - (left < right);
}

static void make_order(struct scan *scan, unsigned slot)
{
	struct ordering ordering = { .scan = scan, .slot = slot };

	free(scan->order);
	scan->order_slot = slot;
	scan->order = must_alloc(scan->n_rows * sizeof(*scan->order));
	for (size_t i = 0; i < scan->n_rows; i++)
		scan->order[i] = (uint32_t) i;
	qsort_r(scan->order, scan->n_rows, sizeof(*scan->order), compare_rows, &ordering);
}

// The first position in order whose value is at least (`past`: more than) the key.
static size_t bisect(const struct scan *scan, unsigned slot, const struct value *key, bool past)
{
	size_t low = 0, high = scan->n_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct value *value = &scan->rows[scan->order[middle] * scan->n_slots + slot];

		if (compare_values(value, key) < past)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// The key of a lookup as the column stores it. False when no row can have it.
static bool lookup_key(enum column_type type, sqlite3_value *wanted, struct value *key)
{
	int kind = sqlite3_value_type(wanted);

	if (kind == SQLITE_NULL || kind == SQLITE_BLOB)
		return false;
	if (type == TEXT) {
		key->text = (const char *) sqlite3_value_text(wanted);
		key->length = (unsigned) sqlite3_value_bytes(wanted);
		// what is missing reads as ''
		key->kind = key->length ? IS_TEXT : MISSING;
		return key->text != NULL;
	}
	kind = sqlite3_value_numeric_type(wanted);
	key->kind = IS_INTEGER;
	key->integer = sqlite3_value_int64(wanted);
	return kind == SQLITE_INTEGER ||
		(kind == SQLITE_FLOAT && (double) key->integer == sqlite3_value_double(wanted));
}

// Answers a lookup from the rows at hand.
static void find_rows(struct scan *scan, const struct term *term)
{
	int slot = scan->slot[term->column];
	struct value key = { 0 };

	scan->at = scan->found_end = 0;
	if (slot < 0 || !lookup_key(scan->table->columns[term->column].type, term->value, &key))
		return;
	if (!scan->order || scan->order_slot != (unsigned) slot)
		make_order(scan, (unsigned) slot);
	scan->at = bisect(scan, (unsigned) slot, &key, false);
	scan->found_end = bisect(scan, (unsigned) slot, &key, true);
}

void kept_forget(struct scan *scan)
{
	free(scan->order);
	scan->order = NULL;
	scan->n_rows = 0;
	scan->row = NULL;
	scan->generated = false;
	arena_reset(&scan->arena);
	arena_reset(&scan->row_arena);
}

int kept_begin(struct scan *scan)
{
	const struct term *lookup = scan->n_terms == 1 && scan->terms[0].kind == TERM_LOOKUP
		? &scan->terms[0]
		: NULL;
	bool whole = lookup || scan->n_terms == 0;
	bool again = whole && scan->generated && scan->used == scan->kept_used;
	int r = 0;

	if (!again) {
		kept_forget(scan);
		if (scan->used != scan->kept_used)
			scan->room = 0; // rows of another size
		scan->kept_used = scan->used;
		r = run_generate(scan);
		scan->row = NULL;
		scan->entry->rows += scan->n_rows;
	}
	if (r < 0)
		return r;
	if (scan_cancelled(scan))
		return -ECANCELED;
	scan->generated = whole;
	scan->at = 0;
	scan->found_end = scan->n_rows;
	// ordering pays from the second lookup on; before, SQLite compares each row itself
	scan->ordered = lookup && again;
	if (scan->ordered)
		find_rows(scan, lookup);
	scan->at_end = scan->at >= scan->found_end;
	return 0;
}

int kept_next(struct scan *scan)
{
	scan->at++;
	scan->at_end = scan->at >= scan->found_end;
	return 0;
}

const struct value *kept_row(const struct scan *scan)
{
	size_t at = scan->ordered ? scan->order[scan->at] : scan->at;

	return scan->rows + at * scan->n_slots;
}
