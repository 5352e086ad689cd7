// SPDX-License-Identifier: Apache-2.0
#pragma once
// The supervisor: starts the roles, keeps them running and within their limits, stops them. It has
// one thread, opens no store and runs no SQL; it sleeps until a signal, the end of a role or a time
// that it chose itself.
//
//	SIGTERM, SIGINT	stop all roles, then end
//	SIGHUP		passed on to all roles

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/notify.h"
#include "daemon/role.h"
#include "daemon/watch.h"

struct supervisor_settings {
	const struct flags *flags;
	const struct role *const *roles;
	size_t n_roles;
	const struct watch_limits *limits; // NULL: none
	int64_t stop_ms; // how long roles may take to stop
	int64_t most_delay_ms; // before a role that fails at once is started again
	bool debug; // says what is measured
	const struct notify *notify;

	const struct relay *relay; // NULL: there is none
	const char *event_folder;

	// Called in each new role before it runs; and in the supervisor, once, when all roles have
	// shown that they are alive.
	void (*in_role)(void *context, const struct role *role);
	void (*when_ready)(void *context);
	void *context;
};

// Runs until it is told to stop or a role says so: the exit code.
int supervisor_run(const struct supervisor_settings *settings);

// How one run of a role went, and when it is to be started again.
struct run_report {
	int64_t started_ms, ended_ms;
	uint64_t finished; // queries
	int64_t last_delay_ms; // before this run; 0: none
};

// The delay after a run, counted from its end. 0 where the role did something, or lived for ten
// seconds; else it doubles from a quarter of a second. Two starts are at least 200 ms apart.
int64_t respawn_delay_ms(const struct run_report *report, int64_t most_delay_ms);
