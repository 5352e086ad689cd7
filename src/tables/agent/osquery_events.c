// SPDX-License-Identifier: Apache-2.0
// Sources of events and the tables that they fill, with what was received and what was lost.
#include <string.h>

#include "events/event_table.h"
#include "events/source.h"
#include "events/view.h"
#include "host/host.h"
#include "sql/table.h"

enum {
	NAME,
	PUBLISHER,
	TYPE,
	SUBSCRIPTIONS,
	EVENTS,
	REFRESHES,
	ACTIVE,
	RECEIVED,
	FILTERED,
	STORED,
	DROPPED_KERNEL,
	DROPPED_QUEUE,
	EXPIRED_UNREAD,
	CHOICE,
};

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the source or the table." },
	[PUBLISHER] = { "publisher", TEXT, "Source that fills the table." },
	[TYPE] = { "type", TEXT, "publisher (a source) or subscriber (a table)." },
	[SUBSCRIPTIONS] = { "subscriptions", INTEGER,
		"Kinds of events that are asked of it, or that it asks for." },
	[EVENTS] = { "events", INTEGER, "Events received, or rows made, since the start." },
	[REFRESHES] = { "refreshes", INTEGER, "Times the source was opened again after an error." },
	[ACTIVE] = { "active", INTEGER, "1 if it works, 0 if it is off." },
	[RECEIVED] = { "received", BIGINT, "Events received, or rows made.", HIDDEN },
	[FILTERED] = { "filtered", BIGINT, "Of them, those that no table wanted.", HIDDEN },
	[STORED] = { "stored", BIGINT, "Those that were stored.", HIDDEN },
	[DROPPED_KERNEL] = { "dropped_kernel", BIGINT, "Events the kernel had no room for.",
		HIDDEN },
	[DROPPED_QUEUE] = { "dropped_queue", BIGINT, "Rows the collector had no room for.",
		HIDDEN },
	[EXPIRED_UNREAD] = { "expired_unread", BIGINT,
		"Rows that were removed before every scheduled query had read them.", HIDDEN },
	[CHOICE] = { "choice", TEXT, "What the kernel lets the source do, or why it is off.",
		HIDDEN },
};

static const struct event_counts *find(
	const struct event_counts *counts, size_t n, const char *name, const char *type)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(counts[i].name, name) == 0 && strcmp(counts[i].type, type) == 0)
			return &counts[i];
	return NULL;
}

static bool give(struct scan *scan, const struct event_counts *counts)
{
	bool more = scan_row(scan);

	scan_text(scan, NAME, counts->name);
	scan_text(scan, PUBLISHER, counts->publisher);
	scan_text(scan, TYPE, counts->type);
	scan_integer(scan, SUBSCRIPTIONS, counts->subscriptions);
	scan_integer(scan, EVENTS, counts->events);
	scan_integer(scan, REFRESHES, counts->refreshes);
	scan_integer(scan, ACTIVE, counts->active);
	scan_integer(scan, RECEIVED, (int64_t) counts->received);
	scan_integer(scan, FILTERED, (int64_t) counts->filtered);
	scan_integer(scan, STORED, (int64_t) counts->stored);
	scan_integer(scan, DROPPED_KERNEL, (int64_t) counts->dropped_kernel);
	scan_integer(scan, DROPPED_QUEUE, (int64_t) counts->dropped_queue);
	scan_integer(scan, EXPIRED_UNREAD, (int64_t) counts->expired_unread);
	scan_text(scan, CHOICE, counts->choice);
	return more;
}

// What a collector said of it, or that it is off.
static bool give_known(struct scan *scan, const struct event_counts *all, size_t n,
	const char *name, const char *publisher, const char *type)
{
	struct event_counts off = { .name = name, .publisher = publisher, .type = type };
	const struct event_counts *counts = find(all, n, name, type);

	return give(scan, counts ? counts : &off);
}

static int generate(struct scan *scan, struct fault *why)
{
	const struct agent *agent = scan_host(scan)->agent;
	struct event_view *view = scan_host(scan)->events;
	struct event_store *store = view ? event_view_store(view) : NULL;
	struct event_counts *counts = NULL;
	bool more = true;
	size_t n = 0;

	if (store && event_store_counts(store, &counts, &n, scan_arena(scan), why) < 0)
		return why->code;
	for (size_t i = 0; more && i < n_event_sources_all; i++) {
		const char *name = event_sources_all[i]->name;

		more = give_known(scan, counts, n, name, name, "publisher");
	}
	for (size_t i = 0; more && i < agent->n_tables; i++) {
		const struct table *table = agent->tables[i];

		if (table->event)
			more = give_known(
				scan, counts, n, table->name, table->event->source, "subscriber");
	}
	return 0;
}

const struct table table_osquery_events = {
	.name = "osquery_events",
	.about = "Sources of events and the tables they fill; hidden columns say what was lost.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, publisher, events, active FROM osquery_events",
		"SELECT name, received, stored, dropped_kernel + dropped_queue + expired_unread "
		"AS lost FROM osquery_events WHERE active"),
	.attributes = UTILITY,
	.estimate = { .rows = 20, .start = 10, .row = 0.1 },
	.generate = generate,
};
