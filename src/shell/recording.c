// SPDX-License-Identifier: Apache-2.0
// Events in the shell: those that a daemon has stored, or those that the shell records itself, on a
// thread, as long as it runs.
#include "shell/recording.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "base/log.h"
#include "collect/collect.h"
#include "events/view.h"
#include "tables/tables.h"

enum { TURN_MS = 200 };

struct recording {
	struct collection *collection;
	pthread_t thread;
	atomic_bool stop;
};

static void *record(void *context)
{
	struct recording *recording = context;

	while (!atomic_load(&recording->stop))
		collection_work(recording->collection, TURN_MS);
	return NULL;
}

static bool start(struct recording *recording)
{
	sigset_t all, before;
	int r;

	// an interrupt is for the query
	(void) sigfillset(&all);
	(void) pthread_sigmask(SIG_BLOCK, &all, &before);
	r = pthread_create(&recording->thread, NULL, record, recording);
	(void) pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r == 0;
}

struct recording *recording_open(struct host *host, const struct config *config)
{
	const struct flags *flags = host->flags;
	struct recording *recording;
	struct event_store *store;
	struct fault why;

	if (flags_bool(flags, "disable_events"))
		return NULL;
	if (!flags_bool(flags, "disable_database")) {
		host->events = event_view_open(flags_string(flags, "database_path"));
		return NULL;
	}
	recording = must_alloc(sizeof(*recording));
	*recording = (struct recording){
		.collection = collection_open(&(struct collection_settings){
			.root = &host->root,
			.flags = flags,
			.config = config,
			.tables = tables_all,
			.n_tables = n_tables_all,
		}),
	};
	store = event_store_share(collection_store(recording->collection), &why);
	if (store && start(recording)) {
		host->events = event_view_of(store);
		return recording;
	}
	log_error("events are not recorded: %s", store ? "no thread can be started" : why.text);
	event_store_close(store);
	collection_close(recording->collection, false);
	free(recording);
	return NULL;
}

void recording_close(struct recording *recording, struct host *host)
{
	event_view_close(host->events);
	host->events = NULL;
	if (!recording)
		return;
	atomic_store(&recording->stop, true);
	(void) pthread_join(recording->thread, NULL);
	collection_close(recording->collection, false);
	free(recording);
}
