// SPDX-License-Identifier: Apache-2.0
#pragma once
// osqueryd: a supervisor that starts the roles of the agent, each a process of its own that can die
// without taking the others along.
//
//	supervisor	starts, watches, limits; opens no store and runs no SQL
//	runner		runs all SQL: the schedule
//
// The places of collector (events) and courier (network) are entries of the list of roles.

#include <stdbool.h>
#include <stdio.h>

#include "base/flags.h"

// Runs the daemon: the exit code.
int daemon_run(struct flags *flags, int argc, char **argv);

// osqueryctl: start, stop, restart, status, config-check. `by_itself`: systemd is not asked. The
// exit code.
int control_run(const struct flags *flags, bool by_itself, int argc, char **argv);
void control_help(FILE *file);
