// SPDX-License-Identifier: Apache-2.0
#pragma once
// --daemonize: the daemon goes on in the background, and whoever started it learns how that went.

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"

struct background {
	int ready; // to the one who waits; -1: nobody does
};

// Forks. In the new process, a session of its own: true. In the one that was started, when the
// other is ready, has ended or takes longer than `patience_ms`: false, and the exit code.
bool background_begin(struct background *background, int64_t patience_ms, int *code);

// Gives up the terminal: from now on stdin, stdout and stderr lead nowhere. The folder stays the
// same, because flags may have paths below it.
int background_detach(struct fault *why);

// Lets the one who waits go.
void background_ready(struct background *background);

// In a forked process.
void background_leave(struct background *background);
