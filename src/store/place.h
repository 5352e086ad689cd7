// SPDX-License-Identifier: Apache-2.0
#pragma once
// Up to where scheduled queries have read the event tables. It is written in the transaction that
// stores the query's lines, so that each event is logged once.

#include <stdint.h>

#include "store/store.h"

struct place {
	const char *query, *table;
	int64_t generation; // of the file with the events
	int64_t id; // the last row that was read
	int64_t interval_s; // of the query
};

// The places of a query, or of all of them (NULL), query by query; the arena's.
int place_list(struct store *store, const char *query, struct place **places, size_t *n,
	struct arena *arena, struct fault *why);

// Sets the place of its query in its table.
int place_write(struct store *store, const struct place *place, struct fault *why);
