// SPDX-License-Identifier: Apache-2.0
// One run of one query, from the question whether it may run to its lines being delivered.
#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/runner.h"

enum { KEPT_BYTES = 2 << 20 }; // free memory that is kept for the next query

// A run without a result: what it has cost is recorded, and that it is denied from now on, or that
// it is not.
static void record_failure(struct runner *runner, struct scheduled *scheduled,
	const struct execution *execution, const char *deny)
{
	struct fault why;

	// what a query on events has not read yet would be lost to it while it is denied
	if (execution->of_events && !flags_bool(&runner->flags, "events_enforce_denylist"))
		deny = NULL;
	if (deny && scheduled->query->denylist && !flags_bool(&runner->flags, "disable_watchdog"))
		schedule_deny(scheduled, time(NULL), deny);
	if (execution_fail(&runner->executor, execution, scheduled->denied_until,
		    scheduled->denied_why, &why) < 0)
		runner_store_failed(runner, &why);
}

static void take_end(struct runner *runner, struct scheduled *scheduled,
	const struct execution *execution, enum execution_end ended, const struct fault *why)
{
	const char *name = scheduled->query->full_name;
	const char *deny = NULL;

	scheduled->performance = execution->performance;
	switch (ended) {
	case EXECUTION_DONE:
		runner_store_worked(runner);
		if (execution->first)
			log_info("Storing initial results for new scheduled query: %s", name);
		return;
	case EXECUTION_NOT_STORED:
		runner_store_failed(runner, why);
		return;
	case EXECUTION_CANCELLED: // by the watchdog, or because the runner stops
		deny = runner->cancel ? "it used more than the watchdog allows" : NULL;
		break;
	case EXECUTION_OVER_LIMIT:
		deny = why->text;
		break;
	case EXECUTION_ERROR:
		log_error("Error executing scheduled query %s: %s", name, why->text);
		break;
	}
	if (deny)
		log_warning("scheduled query %s was cancelled: %s", name, deny);
	record_failure(runner, scheduled, execution, deny);
}

static bool may_run(struct runner *runner, struct scheduled *scheduled)
{
	bool active;

	if (schedule_is_denied(scheduled, time(NULL))) {
		if (!scheduled->told)
			log_warning("scheduled query %s is denylisted for another %lld s: %s",
				scheduled->query->full_name,
				(long long) (scheduled->denied_until - time(NULL)),
				scheduled->denied_why ? scheduled->denied_why : "");
		scheduled->told = true;
		return false;
	}
	runner_begin_query(runner, "discovery of pack ", scheduled->pack->config->name);
	active = schedule_is_active(runner->schedule, scheduled->pack, runner->sql,
		(uint64_t) runner_now_ms(runner) / 1000);
	runner_end_query(runner);
	return active;
}

void runner_turn(struct runner *runner, struct scheduled *scheduled)
{
	struct execution execution = { .query = scheduled->query,
		.performance = scheduled->performance };
	struct fault why = { 0 };
	enum execution_end ended;

	if (!may_run(runner, scheduled))
		return;
	runner_begin_query(runner, "", scheduled->query->full_name);
	if (execution_begin(&runner->executor, scheduled->query, &why) < 0)
		runner_store_failed(runner, &why); // it runs all the same
	if (flags_bool(&runner->flags, "schedule_lognames"))
		log_info("Executing scheduled query %s: %s", scheduled->query->full_name,
			scheduled->query->sql);
	decorations_run(runner->decorations, runner->sql, DECORATE_ALWAYS);
	execution.decorations = decorations_list(runner->decorations, &execution.n_decorations);
	ended = execute(&runner->executor, &execution, &why);
	take_end(runner, scheduled, &execution, ended, &why);
	runner_end_query(runner);

	runner_deliver(runner);
	runner_give_back(KEPT_BYTES);
}

void runner_deliver(struct runner *runner)
{
	struct fault why;

	if (outputs_deliver(runner->outputs, &why) < 0)
		runner_store_failed(runner, &why);
}

void runner_give_back(size_t kept_bytes)
{
	if (mallinfo2().fordblks > kept_bytes)
		(void) malloc_trim(0);
}
