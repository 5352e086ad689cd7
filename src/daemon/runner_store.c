// SPDX-License-Identifier: Apache-2.0
// What the runner remembers: opening the store, the identities in it, and what to do when it fails.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"
#include "daemon/runner.h"
#include "host/identity.h"

// A setting that is made when it is missing. What cannot be stored holds for this process.
static void settle(struct runner *runner, const char *name, char *value, size_t size,
	void (*make)(struct runner *runner, char *value, size_t size))
{
	auto_free char *known = store_setting(runner->store, name);
	struct fault why;

	if (known && strlen(known) < size) {
		(void) snprintf(value, size, "%s", known);
		return;
	}
	make(runner, value, size);
	if (store_set(runner->store, name, value, &why) < 0)
		log_warning("%s", why.text);
}

static void make_key(struct runner *runner, char *value, size_t size)
{
	uint64_t words[2] = { (uint64_t) time(NULL), (uint64_t) getpid() };

	(void) runner;
	if (getrandom(words, sizeof(words), 0) != sizeof(words))
		log_warning("store: its key is made of time and process id: %m");
	(void) snprintf(value, size, "%016" PRIx64 "%016" PRIx64, words[0], words[1]);
}

static void make_instance(struct runner *runner, char *value, size_t size)
{
	(void) snprintf(value, size, "%s", identity_instance(&runner->host));
}

// A store that came here with the disk of another machine is not this machine's: its identity would
// be there twice.
static void forget_other_host(struct runner *runner)
{
	auto_free char *known = store_setting(runner->store, "host_uuid");
	char uuid[UUID_TEXT];
	struct fault why = { 0 };

	if (!identity_uuid(&runner->host.root, uuid) || (known && strcmp(known, uuid) == 0))
		return;
	if (known) {
		log_warning("this machine is %s, the store is of %s: it gets a new instance id",
			uuid, known);
		(void) store_set(runner->store, "instance_id", NULL, &why);
	}
	if (store_set(runner->store, "host_uuid", uuid, &why) < 0)
		log_warning("%s", why.text);
}

static void settle_all(struct runner *runner)
{
	char key[40];

	forget_other_host(runner);
	settle(runner, "instance_id", runner->instance_id, sizeof(runner->instance_id),
		make_instance);
	settle(runner, "key", key, sizeof(key), make_key);
	if (sscanf(key, "%16" SCNx64 "%16" SCNx64, &runner->executor.key.words[0],
		    &runner->executor.key.words[1]) != 2)
		log_warning("store: its key is damaged; all results are compared anew");
	runner->agent.instance_id = runner->instance_id;
	runner->executor.store = runner->store;
}

void runner_open_store(struct runner *runner)
{
	const struct flags *flags = runner->context->flags;
	bool memory = flags_bool(flags, "disable_database");

	// never NULL but for reading
	runner->store = store_open(
		flags_string(flags, "database_path"), memory ? STORE_MEMORY : STORE_WRITE, NULL);
	settle_all(runner);
}

void runner_store_failed(struct runner *runner, const struct fault *why)
{
	if (why->code == -EUCLEAN) {
		log_error("%s", why->text);
		store_replace(runner->store);
		settle_all(runner); // schedule and outputs go on and fill it again
	} else if (why->code == -ENOSPC) {
		if (!runner->full)
			log_error("%s: results are not recorded until there is room again",
				why->text);
		runner->full = true;
	} else {
		log_error("%s", why->text);
	}
}

void runner_store_worked(struct runner *runner)
{
	if (runner->full)
		log_warning("store: there is room again");
	runner->full = false;
}

// What a query on events has not read yet would be lost to it while it is denied.
static bool names_event_table(const struct runner *runner, const char *sql)
{
	for (size_t i = 0; i < runner->agent.n_tables; i++)
		if (runner->agent.tables[i]->event && strstr(sql, runner->agent.tables[i]->name))
			return true;
	return false;
}

void runner_deny_unfinished(struct runner *runner)
{
	auto_free char *name = execution_unfinished(runner->store);
	struct scheduled *scheduled;
	struct fault why;

	// a store in memory does not remember it, but the supervisor does
	if (!name && *runner->context->unfinished)
		name = must_dup(runner->context->unfinished);
	if (!name)
		return;
	log_warning("Scheduled query may have failed: %s", name);
	scheduled = runner->schedule ? schedule_find(runner->schedule, name) : NULL;
	if (scheduled && scheduled->query->denylist &&
		!flags_bool(&runner->flags, "disable_watchdog") &&
		(!names_event_table(runner, scheduled->query->sql) ||
			flags_bool(&runner->flags, "events_enforce_denylist"))) {
		struct execution execution = { .query = scheduled->query,
			.performance = scheduled->performance };

		schedule_deny(scheduled, time(NULL), "the process that ran it ended");
		if (execution_fail(&runner->executor, &execution, scheduled->denied_until,
			    scheduled->denied_why, &why) < 0)
			runner_store_failed(runner, &why);
	} else if (store_set(runner->store, "executing", NULL, &why) < 0) {
		runner_store_failed(runner, &why);
	}
}
