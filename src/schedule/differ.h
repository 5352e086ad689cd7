// SPDX-License-Identifier: Apache-2.0
#pragma once
// The difference between a query's result and the one that is remembered, as multisets of rows: a
// row that is there once more than before was added once. Rows are compared by their keyed digest
// (docs/decisions/0009), so that a million rows cost 24 to 48 MB and the old ones are read once,
// block by block.

#include "schedule/counts.h"
#include "schedule/result.h"
#include "store/record.h"
#include "store/store.h"

struct difference {
	const struct siphash_key *key;
	struct store *store;
	const struct record *record; // with the old result
	const struct result *result; // the new one

	// Receive the rows: all removed ones in their old order, then all added ones in their new
	// order. A negative return ends it. `old_shape` has no `columns`.
	int (*removed)(void *context, const struct row_shape *old_shape, struct row_reader row);
	int (*added)(void *context, const struct row_shape *shape, struct row_reader row);
	void *context;

	uint64_t n_removed, n_added; // how many there were
};

// Whether the result is the one that is remembered, row by row in the same order.
bool result_is_same(const struct result *result, const struct record *record);

// Finds the difference. Without an old result every row was added.
int difference_find(struct difference *difference, struct fault *why);
