// SPDX-License-Identifier: Apache-2.0
#pragma once
// The part of an event table that listens: struct table (sql/table.h) points to it. How its rows
// are read is in tables/event/stored.h.

#include "base/flags.h"
#include "events/event.h"
#include "events/event_store.h"

// What a table may ask while it takes an event.
struct event_table_context {
	const struct flags *flags;
	struct processes *processes;
};

struct event_table {
	const char *source; // the publisher that osquery_events names where none serves the table
	uint32_t kinds; // that it listens to: bits of EVENT_BIT

	// Which of them it wants by the flags; 0: it is off.
	uint32_t (*wanted)(const struct flags *flags);

	// Writes the rows of an event (event_row_begin …), or none.
	void (*hear)(struct event_writer *writer, const struct event_table_context *context,
		const struct event *event);

	// Flags with the seconds and the number of rows that are kept; NULL: events_expiry,
	// events_max.
	const char *expiry_flag, *max_flag;
};
