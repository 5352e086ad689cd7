// SPDX-License-Identifier: Apache-2.0
// The runner: runs all SQL.
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

#include "daemon/role.h"

static int run(const struct role_context *context)
{
	context->board->beat_ms = 1;
	(void) signal(SIGTERM, SIG_DFL);
	(void) pause();
	return 0;
}

static bool is_needed(const struct flags *flags)
{
	(void) flags;
	return true;
}

const struct role role_runner = { .name = "runner", .run = run, .is_needed = is_needed };
