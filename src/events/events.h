// SPDX-License-Identifier: Apache-2.0
#pragma once
// How it is noticed: sources tell events (source.h), tables make rows of them (event_table.h), the
// store keeps the rows (event_store.h). The collector is the loop around all three; the daemon runs
// it as a process, the shell as a thread.

#include "events/event.h"
#include "events/event_store.h"
#include "events/event_table.h"
#include "events/source.h"

struct collector;
struct table;

struct collector_settings {
	const struct flags *flags; // in force
	const struct root *root;
	const struct rules_given *rules; // copied
	struct event_store *store; // borrowed
	const char *store_folder; // NULL: in memory

	// Event tables that are to listen, by name.
	const struct event_listener {
		const char *name;
		const struct event_table *table;
		const char *const *columns; // their names
		size_t n_columns;
	} * listeners;
	size_t n_listeners;
};

// Opens the sources that the tables need, as far as the kernel lets them; which was chosen, and
// what could not be had, is logged. Never NULL.
struct collector *collector_open(const struct collector_settings *settings);

// New flags and rules. No event is missed meanwhile.
void collector_configure(struct collector *collector, const struct collector_settings *settings);

// One turn: waits up to `most_ms` for events, reads what waits, stores it when it is time.
void collector_work(struct collector *collector, int most_ms);

// Whether something was stored since this was last asked.
bool collector_has_stored(struct collector *collector);

// Stores what is left and closes everything. `keep`: what the kernel holds for us stays.
void collector_close(struct collector *collector, bool keep);
