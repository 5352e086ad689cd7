// SPDX-License-Identifier: Apache-2.0
#pragma once
// Recording events: the collector of events/ with what flags and configuration say, and a second
// thread that writes the store's log back into its file, which may take long. The daemon runs it as
// a role of its own, the shell as a thread.

#include "config/config.h"
#include "events/events.h"
#include "sql/table.h"
#include "store/place.h"

struct collection;

struct collection_settings {
	const struct root *root;
	const struct flags *flags; // in force; borrowed until the next configuration
	const struct config *config; // likewise; NULL: there is none
	const struct table *const *tables; // all of them
	size_t n_tables;
	const char *folder; // of the store; NULL: in memory
	bool temporary; // the folder is for this run alone: nothing is to outlive it
	// Patterns that the queries of file_paths_query gave, by category.
	const struct config_list *found_paths;
	size_t n_found_paths;
};

// Opens store and sources. What is wrong, and what was chosen, is logged. Never NULL.
struct collection *collection_open(const struct collection_settings *settings);

// Other flags and another configuration; the folder stays what it is.
void collection_configure(
	struct collection *collection, const struct collection_settings *settings);

// Up to where scheduled queries have read the events, for expiry.
void collection_set_places(
	struct collection *collection, const struct place *places, size_t n_places);

// One turn, which waits up to so long for events.
void collection_work(struct collection *collection, int most_ms);

// `keep`: what the kernel holds for us stays.
void collection_close(struct collection *collection, bool keep);

// The store, for event_store_share and readers.
struct event_store *collection_store(struct collection *collection);
