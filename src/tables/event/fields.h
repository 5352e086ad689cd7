// SPDX-License-Identifier: Apache-2.0
#pragma once
// The named texts of a record (struct event_record) as columns.

#include "events/event.h"
#include "events/event_store.h"

// The value of the name, or NULL.
const char *record_field(const struct event *event, const char *name);

// Writes a field to a column: text, or a number where it is one (`base` as for strtoull). What is
// missing, or is no number, is left out.
void record_text(
	struct event_writer *writer, unsigned column, const struct event *event, const char *name);
void record_number(struct event_writer *writer, unsigned column, const struct event *event,
	const char *name, int base);

// Begins a row with the event's time.
void record_begin(struct event_writer *writer, const struct event *event);
