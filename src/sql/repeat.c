// SPDX-License-Identifier: Apache-2.0
// The row of the last key: a join often asks a streamed table for the key again that it asked for
// just before, as all sockets of one process ask for that process.
#include "sql/scan.h"

static void swap_last(struct scan *scan)
{
	struct value *row = scan->rows;
	struct arena arena = scan->row_arena;

	scan->rows = scan->last.row;
	scan->row_arena = scan->last.arena;
	scan->last.row = row;
	scan->last.arena = arena;
}

// Whether the scan looks up one key; then its term.
const struct term *repeat_term(const struct scan *scan)
{
	const struct term *term = &scan->terms[0];
	const struct column *column = &scan->table->columns[term->column];

	return scan->n_terms == 1 && term->kind == TERM_EQUAL && term->given->count == 1 &&
			(column->options & INDEX) && column->type != TEXT && !scan->processes
		? term
		: NULL;
}

// Shows the row of the last key if this is the same.
bool repeat_begin(struct scan *scan)
{
	const struct term *term = repeat_term(scan);

	if (!scan->last.good)
		return false;
	scan->last.good = term && term->column == scan->last.column &&
		term->given->values[0].integer == scan->last.key && scan->used == scan->last.used;
	if (!scan->last.good)
		return false;
	swap_last(scan);
	scan->last.shown = true;
	scan->row = scan->rows;
	scan->fetched = scan->last.fetched;
	scan->entry->rows++;
	return true;
}

void repeat_end(struct scan *scan)
{
	if (scan->last.shown)
		swap_last(scan);
	scan->last.shown = false;
}

// Puts the only row so far aside, before the table is asked for the next.
void repeat_keep(struct scan *scan, const struct term *term)
{
	scan->last.column = term->column;
	scan->last.key = term->given->values[0].integer;
	scan->last.used = scan->used;
	scan->last.fetched = scan->fetched;
	swap_last(scan);
	scan->rows = must_resize(scan->rows, scan->n_slots * sizeof(*scan->rows));
}
