// SPDX-License-Identifier: Apache-2.0
#include "schedule/differ.h"

#include <errno.h>
#include <string.h>

struct work {
	struct difference *difference;
	struct counts counts; // of new rows that no old one has been found for
	struct row_shape old_shape;
	bool comparable; // old and new rows have the same columns
};

static struct digest128 digest_of(const struct work *work, struct row_reader row)
{
	return siphash(work->difference->key, row.at, (size_t) (row.end - row.at));
}

static bool has_names(const struct result *result, const struct record *record)
{
	auto_text struct text names = { 0 };

	result_names(result, &names);
	return names.length == record->names_length &&
		(names.length == 0 || memcmp(names.bytes, record->names, names.length) == 0);
}

bool result_is_same(const struct result *result, const struct record *record)
{
	return record->has_result && record->n_rows == result->n_rows &&
		memcmp(&record->digest, &result->digest, sizeof(record->digest)) == 0 &&
		has_names(result, record);
}

static int count_row(void *context, struct row_reader row)
{
	struct work *work = context;

	counts_add(&work->counts, digest_of(work, row));
	return 0;
}

static int pass_old_row(void *context, struct row_reader row)
{
	struct work *work = context;
	struct difference *difference = work->difference;

	if (work->comparable && counts_take(&work->counts, digest_of(work, row)))
		return 0;
	difference->n_removed++;
	return difference->removed(difference->context, &work->old_shape, row);
}

// What is still counted has no old row.
static int pass_new_row(void *context, struct row_reader row)
{
	struct work *work = context;
	struct difference *difference = work->difference;

	if (work->comparable && !counts_take(&work->counts, digest_of(work, row)))
		return 0;
	difference->n_added++;
	return difference->added(difference->context, &difference->result->shape, row);
}

static int each_new_row(
	struct work *work, int (*each)(void *context, struct row_reader row), struct fault *why)
{
	const struct spool *spool = work->difference->result->spool;
	auto_text struct text room = { 0 };
	int r = 0;

	for (size_t i = 0; r >= 0 && i < spool_n_blocks(spool); i++) {
		struct spool_block block;

		r = spool_read(spool, i, &block, &room, why);
		if (r < 0)
			return r;
		r = rows_each(block.bytes, block.length, each, work);
	}
	return r;
}

static int each_old_row(struct work *work, struct fault *why)
{
	const struct difference *difference = work->difference;
	auto_text struct text rows = { 0 };
	int64_t place = 0;
	int r;

	while ((r = record_next_rows(
			difference->store, difference->record->id, &place, &rows, why)) > 0) {
		r = rows_each(rows.bytes, rows.length, pass_old_row, work);
		if (r == -EUCLEAN)
			return fail(why, r, "store: the last result of %s is damaged",
				difference->record->name);
		if (r < 0)
			return r;
	}
	return r;
}

// The names that the record keeps, as a shape.
static void read_shape(struct row_shape *shape, const struct record *record, struct arena *arena)
{
	const char *at = record->names, *end = at + record->names_length;

	*shape = (struct row_shape){ 0 };
	for (const char *name = at; name < end; name += strlen(name) + 1)
		shape->n_columns++;
	shape->names = arena_alloc(arena, (shape->n_columns + 1) * sizeof(*shape->names));
	for (size_t i = 0; at < end; at += strlen(at) + 1)
		shape->names[i++] = at;
}

int difference_find(struct difference *difference, struct fault *why)
{
	struct work work = { .difference = difference };
	struct arena arena = { 0 };
	int r = 0;

	difference->n_removed = difference->n_added = 0;
	if (difference->record->has_result) {
		read_shape(&work.old_shape, difference->record, &arena);
		work.comparable = has_names(difference->result, difference->record);
		if (work.comparable) {
			counts_reserve(&work.counts, (size_t) difference->result->n_rows);
			r = each_new_row(&work, count_row, why);
		}
		if (r >= 0)
			r = each_old_row(&work, why);
	}
	if (r >= 0)
		r = each_new_row(&work, pass_new_row, why);
	counts_done(&work.counts);
	arena_done(&arena);
	return r;
}
