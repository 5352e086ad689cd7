// SPDX-License-Identifier: Apache-2.0
#include "events/view.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

// What a table may give to the query that runs.
struct reading {
	char *table;
	int64_t generation, from, to; // rows in (from, to]
	bool fixed; // the table was read and `to` is set
	bool used; // it was read as it came
};

struct event_view {
	char *folder; // NULL: of a store of this process
	struct event_store *store;
	struct stat opened; // the file, to see when it is another
	bool scheduled; // a scheduled query runs
	bool warned;
	bool read; // since the scheduled query began
	struct reading *readings;
	size_t n_readings;
	struct event_place *places; // of the last event_view_end
};

struct event_view *event_view_open(const char *folder)
{
	struct event_view *view = must_alloc(sizeof(*view));

	*view = (struct event_view){ .folder = must_dup(folder) };
	return view;
}

struct event_view *event_view_of(struct event_store *store)
{
	struct event_view *view = must_alloc(sizeof(*view));

	*view = (struct event_view){ .store = store };
	return view;
}

static void forget_readings(struct event_view *view)
{
	for (size_t i = 0; i < view->n_readings; i++)
		free(view->readings[i].table);
	view->n_readings = 0;
}

void event_view_close(struct event_view *view)
{
	if (!view)
		return;
	forget_readings(view);
	event_store_close(view->store);
	free(view->readings);
	free(view->places);
	free(view->folder);
	free(view);
}

// Opens the file, or the one that has taken its place.
static void open_again(struct event_view *view)
{
	char path[PATH_MAX];
	struct stat status;
	struct fault why;

	if (!view->folder)
		return;
	(void) snprintf(path, sizeof(path), "%s/events.db", view->folder);
	if (stat(path, &status) < 0)
		return; // what is open stays as it was
	if (view->store && status.st_ino == view->opened.st_ino &&
		status.st_dev == view->opened.st_dev)
		return;
	event_store_close(view->store);
	view->opened = status;
	view->store = event_store_open(view->folder, STORE_READ, &why);
	if (!view->store && !view->warned)
		log_warning("%s", why.text);
	view->warned = !view->store;
}

struct event_store *event_view_store(struct event_view *view)
{
	open_again(view);
	return view->store;
}

static struct reading *reading_of(struct event_view *view, const char *table)
{
	for (size_t i = 0; i < view->n_readings; i++)
		if (strcmp(view->readings[i].table, table) == 0)
			return &view->readings[i];
	view->readings = must_resize(
		view->readings, (view->n_readings + 1) * sizeof(*view->readings));
	view->readings[view->n_readings] = (struct reading){ .table = must_dup(table) };
	return &view->readings[view->n_readings++];
}

void event_view_begin(struct event_view *view, const struct event_place *places, size_t n)
{
	forget_readings(view);
	open_again(view);
	view->scheduled = true;
	view->read = false;
	for (size_t i = 0; i < n; i++) {
		struct reading *reading = reading_of(view, places[i].table);

		reading->generation = places[i].generation;
		reading->from = places[i].id;
	}
}

size_t event_view_end(struct event_view *view, const struct event_place **places)
{
	size_t n = 0;

	view->scheduled = false;
	view->places = must_resize(view->places, (view->n_readings + 1) * sizeof(*view->places));
	for (size_t i = 0; i < view->n_readings; i++)
		if (view->readings[i].used)
			view->places[n++] = (struct event_place){ view->readings[i].table,
				view->readings[i].generation, view->readings[i].to };
	*places = view->places;
	return n;
}

bool event_view_was_read(const struct event_view *view)
{
	return view->read;
}

static void fix(struct event_view *view, struct reading *reading)
{
	int64_t generation = event_store_generation(view->store);

	if (reading->fixed)
		return;
	if (reading->generation != generation)
		reading->from = 0; // it read another file
	reading->generation = generation;
	reading->to = event_store_last_id(view->store, reading->table);
	if (reading->to < reading->from)
		reading->to = reading->from; // all of it has expired
	reading->fixed = true;
}

struct event_store *event_view_read(
	struct event_view *view, const char *table, bool by_time, struct event_range *range)
{
	struct reading *reading;

	view->read = true;
	if (!view->scheduled)
		open_again(view);
	if (!view->store || !view->scheduled || by_time)
		return view->store;
	reading = reading_of(view, table);
	fix(view, reading);
	reading->used = true;
	if (range->least_id <= reading->from)
		range->least_id = reading->from + 1;
	if (range->most_id > reading->to)
		range->most_id = reading->to;
	return view->store;
}
