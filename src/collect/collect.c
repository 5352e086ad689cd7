// SPDX-License-Identifier: Apache-2.0
#include "collect/collect.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"

enum {
	CHECKPOINT_MS = 1000,
	N_PLACES = 64, // tables that one query reads, at most
};

struct collection {
	struct event_store *store;
	struct collector *collector;
	char *folder; // NULL: the store is in memory
	struct arena arena; // what the collector borrows, until the next configuration

	// the thread that writes the log back
	pthread_t thread;
	bool has_thread;
	struct event_store *own; // its connection
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool stop, written;
	int64_t due_ms;
};

// ---- what is to be recorded ----

static bool lists(const char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

// Whether flags and configuration leave the table its events.
static bool is_enabled(const struct collection_settings *settings, const struct table *table)
{
	const struct config *config = settings->config;
	const char *enabled = flags_string(settings->flags, "enable_tables");

	if (text_lists(flags_string(settings->flags, "disable_tables"), table->name) ||
		(*enabled && !text_lists(enabled, table->name)))
		return false;
	return !config || !lists(config->disable_subscribers, table->name) ||
		lists(config->enable_subscribers, table->name);
}

static struct event_listener *list_listeners(
	const struct collection_settings *settings, struct arena *arena, size_t *n)
{
	struct event_listener *listeners = arena_zero(
		arena, (settings->n_tables + 1) * sizeof(*listeners));

	*n = 0;
	for (size_t i = 0; i < settings->n_tables; i++) {
		const struct table *table = settings->tables[i];
		const char **columns;

		if (!table->event || !is_enabled(settings, table))
			continue;
		columns = arena_alloc(arena, table->n_columns * sizeof(*columns));
		for (size_t c = 0; c < table->n_columns; c++)
			columns[c] = table->columns[c].name;
		listeners[(*n)++] = (struct event_listener){ table->name, table->event, columns,
			table->n_columns };
	}
	return listeners;
}

static struct rule_list *to_rules(const struct config_list *lists, size_t n,
	const struct config_list *more, size_t n_more, struct arena *arena)
{
	struct rule_list *rules = arena_zero(arena, (n + n_more + 1) * sizeof(*rules));

	for (size_t i = 0; i < n; i++)
		rules[i] = (struct rule_list){ lists[i].name, lists[i].values };
	for (size_t i = 0; i < n_more; i++)
		rules[n + i] = (struct rule_list){ more[i].name, more[i].values };
	return rules;
}

static void fill_settings(struct collection *collection, const struct collection_settings *from,
	struct rules_given *rules, struct collector_settings *settings)
{
	static const struct config none = { 0 };
	const struct config *config = from->config ? from->config : &none;
	struct arena *arena = &collection->arena;

	arena_reset(arena);
	*rules = (struct rules_given){
		.file_paths = to_rules(config->file_paths, config->n_file_paths, from->found_paths,
			from->n_found_paths, arena),
		.n_file_paths = config->n_file_paths + from->n_found_paths,
		.exclude_paths = to_rules(
			config->exclude_paths, config->n_exclude_paths, NULL, 0, arena),
		.n_exclude_paths = config->n_exclude_paths,
		.file_accesses = config->file_accesses,
		.mute_paths = config->mute_paths,
		.mute_processes = config->mute_processes,
		.opens = flags_bool(from->flags, "enable_fim_open_events"),
	};
	*settings = (struct collector_settings){
		.flags = from->flags,
		.root = from->root,
		.rules = rules,
		.store = collection->store,
		.store_folder = from->temporary ? NULL : collection->folder,
	};
	settings->listeners = list_listeners(from, arena, &settings->n_listeners);
}

// ---- the log of the store ----

static void *write_back(void *context)
{
	struct collection *collection = context;

	(void) pthread_mutex_lock(&collection->lock);
	while (!collection->stop) {
		if (!collection->written) {
			(void) pthread_cond_wait(&collection->changed, &collection->lock);
			continue;
		}
		collection->written = false;
		(void) pthread_mutex_unlock(&collection->lock);
		event_store_checkpoint(collection->own);
		(void) pthread_mutex_lock(&collection->lock);
	}
	(void) pthread_mutex_unlock(&collection->lock);
	return NULL;
}

static void start_thread(struct collection *collection)
{
	sigset_t all, before;
	struct fault why;

	if (!collection->folder)
		return; // there is no log
	collection->own = event_store_open(collection->folder, STORE_WRITE, &why);
	if (!collection->own) {
		log_error("%s", why.text);
		return;
	}
	// signals are the first thread's
	(void) sigfillset(&all);
	(void) pthread_sigmask(SIG_BLOCK, &all, &before);
	collection->has_thread = pthread_create(
					 &collection->thread, NULL, write_back, collection) == 0;
	(void) pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void wake_thread(struct collection *collection, bool stop)
{
	(void) pthread_mutex_lock(&collection->lock);
	collection->stop |= stop;
	collection->written = true;
	(void) pthread_cond_signal(&collection->changed);
	(void) pthread_mutex_unlock(&collection->lock);
}

static void stop_thread(struct collection *collection)
{
	if (collection->has_thread) {
		wake_thread(collection, true);
		(void) pthread_join(collection->thread, NULL);
	}
	event_store_close(collection->own);
}

// ---- the collection ----

struct collection *collection_open(const struct collection_settings *settings)
{
	struct collection *collection = must_alloc(sizeof(*collection));
	struct collector_settings for_collector;
	struct rules_given rules;

	*collection = (struct collection){
		.folder = settings->folder ? must_dup(settings->folder) : NULL,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.changed = PTHREAD_COND_INITIALIZER,
	};
	// never NULL but for reading
	collection->store = event_store_open(
		settings->folder, settings->folder ? STORE_WRITE : STORE_MEMORY, NULL);
	fill_settings(collection, settings, &rules, &for_collector);
	collection->collector = collector_open(&for_collector);
	start_thread(collection);
	return collection;
}

void collection_configure(struct collection *collection, const struct collection_settings *settings)
{
	struct arena before = collection->arena;
	struct collector_settings for_collector;
	struct rules_given rules;

	collection->arena = (struct arena){ 0 };
	fill_settings(collection, settings, &rules, &for_collector);
	collector_configure(collection->collector, &for_collector);
	arena_done(&before);
}

void collection_set_places(
	struct collection *collection, const struct place *places, size_t n_places)
{
	int64_t generation = event_store_generation(collection->store);
	struct event_reader readers[N_PLACES];
	struct fault why;

	for (size_t i = 0; i < n_places;) {
		const char *query = places[i].query;
		size_t n = 0;

		for (; i < n_places && strcmp(places[i].query, query) == 0; i++)
			if (places[i].generation == generation && n < N_PLACES)
				readers[n++] = (struct event_reader){ query, places[i].table,
					places[i].id, places[i].interval_s };
		if (event_store_set_readers(collection->store, query, readers, n, &why) < 0)
			log_warning("events: %s", why.text);
	}
}

void collection_work(struct collection *collection, int most_ms)
{
	int64_t now_ms;

	collector_work(collection->collector, most_ms);
	now_ms = clock_ms();
	if (!collection->has_thread || collection->due_ms > now_ms ||
		!collector_has_stored(collection->collector))
		return;
	collection->due_ms = now_ms + CHECKPOINT_MS;
	wake_thread(collection, false);
}

void collection_close(struct collection *collection, bool keep)
{
	if (!collection)
		return;
	collector_close(collection->collector, keep);
	stop_thread(collection);
	event_store_close(collection->store);
	arena_done(&collection->arena);
	free(collection->folder);
	free(collection);
}

struct event_store *collection_store(struct collection *collection)
{
	return collection->store;
}
