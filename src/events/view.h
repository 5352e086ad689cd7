// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stored events as queries see them. A program opens one view and puts it into host->events; event
// tables read through it. While a scheduled query runs, each table gives only rows behind the place
// up to which the query has read it before, and all scans of the table within that run end at the
// same row.

#include "events/event_store.h"

struct event_view;

// The view of the store in a folder, whose file may come, and be replaced, at any time.
struct event_view *event_view_open(const char *folder);

// The view of a store of this process; `store` is taken over.
struct event_view *event_view_of(struct event_store *store);
void event_view_close(struct event_view *view);

// Up to which row a query has read a table.
struct event_place {
	const char *table;
	int64_t generation; // of the file
	int64_t id;
};

// A scheduled query begins that has read up to these places. They are copied.
void event_view_begin(struct event_view *view, const struct event_place *places, size_t n);

// It has ended: the places that it has read up to now, of the tables that it read as they came
// (without bounds of time). Valid until the next call.
size_t event_view_end(struct event_view *view, const struct event_place **places);

// Whether an event table was read since event_view_begin.
bool event_view_was_read(const struct event_view *view);

// For a table: the store, and the rows it may give: narrows the ids of `range`. `by_time`: the
// query sets bounds of time, and so it wants all of those rows. NULL when there is no store.
struct event_store *event_view_read(
	struct event_view *view, const char *table, bool by_time, struct event_range *range);

// The store for other uses, or NULL.
struct event_store *event_view_store(struct event_view *view);
