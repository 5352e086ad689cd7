// SPDX-License-Identifier: Apache-2.0
#pragma once
// A role: one of the processes that the supervisor starts, watches and starts again.

#include <stdbool.h>
#include <stdint.h>

#include "base/flags.h"
#include "daemon/board.h"
#include "daemon/relay.h"

// What a role is given. It ignores SIGINT, stops on SIGTERM (within a second), loads its
// configuration anew on SIGHUP and ends the query that runs on SIGUSR1. The latter comes with
// sigqueue(3): si_int are the low 31 bits of the query's board.began_ms, so that the next one need
// not end when that one is over. It dies when its supervisor does (SIGKILL). When it begins, SIGHUP
// and SIGUSR1 are ignored, SIGTERM ends it, and no signal is blocked.
struct role_context {
	const struct flags *flags; // of command line and flag files
	struct board *board;
	const char *unfinished; // what board.name was when the role ended in a query, else ""
	int64_t start_time; // of the daemon, seconds since 1970
	int supervisor; // its process id
	const char *event_folder; // where events are stored: that of the store, or one for this run
	const struct relay *relay; // of status lines to the runner; NULL: there is none
};

enum {
	EXIT_STOP = 0, // the role is done: the daemon ends too
	EXIT_CATASTROPHIC = 78, // starting it again would not help: the daemon ends with this code
};

struct role {
	const char *name;
	int (*run)(const struct role_context *context); // the exit code
	bool (*is_needed)(const struct flags *flags);
	bool unlimited; // it runs nothing that others wrote: the watchdog leaves it alone
};

// The roles of this program, as they are started.
extern const struct role role_collector, role_runner;
