// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the parts of the runner share. The runner has one thread: it loads the configuration, runs
// what is due, delivers lines, and sleeps until the next thing is due.

#include <limits.h>
#include <signal.h>

#include "config/config.h"
#include "daemon/role.h"
#include "events/view.h"
#include "host/host.h"
#include "output/output.h"
#include "output/status.h"
#include "schedule/decorate.h"
#include "schedule/execute.h"
#include "schedule/schedule.h"
#include "store/store.h"

struct runner {
	const struct role_context *context;
	struct flags flags; // in force: the given ones and the options of the configuration
	struct host host;
	struct agent agent;
	struct sql *sql;
	struct store *store;
	struct outputs *outputs; // NULL before the first configuration
	struct status *status; // lines for them
	struct config *config; // NULL: none could be loaded yet
	struct schedule *schedule;
	struct decorations *decorations;
	struct executor executor;
	char instance_id[40], host_identifier[HOST_NAME_MAX + 64];

	// set by signals
	volatile sig_atomic_t stop, reload, cancel;

	int64_t clock_offset_ms; // from CLOCK_BOOTTIME to the count of the schedule
	uint64_t began_s; // the count at the start
	uint64_t refresh_s; // when the configuration is read again; UINT64_MAX: never
	uint64_t minute; // of the last regular work
	bool full; // the store had no room, and it was said
};

// ---- runner_load.c: the configuration and what follows from it ----

// Loads it at the start, and again. A bad one leaves the one in force as it is.
void runner_load(struct runner *runner);

// Opens the outputs that the flags in force name, in place of those before; they stay if it fails.
void runner_open_outputs(struct runner *runner);

// ---- runner_paths.c: what is to be watched ----

// Asks the queries of file_paths_query and leaves the paths for the collector.
void runner_find_paths(struct runner *runner);

// ---- runner_store.c: what is remembered ----

// Opens the store with its key and identities.
void runner_open_store(struct runner *runner);

// After a fault of the store: a damaged one is replaced. What went wrong is logged, lack of room
// once until there is some again.
void runner_store_failed(struct runner *runner, const struct fault *why);
void runner_store_worked(struct runner *runner);

// Denies the query that ran when the last runner ended, unless nobody watches.
void runner_deny_unfinished(struct runner *runner);

// ---- runner_turn.c: one run of one query ----

void runner_turn(struct runner *runner, struct scheduled *scheduled);

// Carries the lines that wait to the outputs. What goes wrong is logged.
void runner_deliver(struct runner *runner);

// Tells the supervisor that a query begins, so that it can be ended when it uses too much, and that
// it is over. Its name has two parts.
void runner_begin_query(struct runner *runner, const char *kind, const char *name);
void runner_end_query(struct runner *runner);

// Free memory goes back to the host when it is more than so much.
void runner_give_back(size_t kept_bytes);

// The count of the schedule, in milliseconds.
int64_t runner_now_ms(const struct runner *runner);
