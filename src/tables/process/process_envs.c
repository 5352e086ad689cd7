// SPDX-License-Identifier: Apache-2.0
// The environment that processes were started with, from /proc/<pid>/environ
// (proc_pid_environ(5)).
#include <string.h>

#include "sql/table.h"
#include "tables/process/walk.h"

enum { PID, KEY, VALUE };

static const struct column columns[] = {
	[PID] = { "pid", INTEGER, "Process id.", INDEX | OPTIMIZED },
	[KEY] = { "key", TEXT, "Name of the variable." },
	[VALUE] = { "value", TEXT, "Its value." },
};

struct state {
	struct process_walk walk;
	struct arena arena; // what is read of the current process
	const char *at, *end;
};

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	return process_walk_open(&state->walk, scan, PID, why);
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	arena_done(&state->arena);
	process_walk_close(&state->walk);
}

static void read_environment(struct state *state)
{
	size_t length = 0;

	arena_reset(&state->arena);
	state->at = process_read(&state->walk, "environ", &state->arena, &length);
	state->end = state->at ? state->at + length : NULL;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	const char *entry = state->at, *equals;
	size_t length;

	(void) why;
	// an empty entry ends the list: what follows is no environment any more but what the
	// process wrote over it
	if (entry == state->end || *entry == '\0') {
		if (!process_walk_next(&state->walk))
			return END;
		read_environment(state);
		return SKIP;
	}
	length = strnlen(entry, (size_t) (state->end - entry));
	state->at += length;
	if (state->at < state->end)
		state->at++;

	equals = memchr(entry, '=', length);
	scan_integer(scan, PID, state->walk.pid);
	scan_bytes(scan, KEY, entry, equals ? (size_t) (equals - entry) : length);
	if (equals)
		scan_bytes(scan, VALUE, equals + 1, length - (size_t) (equals + 1 - entry));
	else
		scan_bytes(scan, VALUE, entry, length);
	return ROW;
}

const struct table table_process_envs = {
	.name = "process_envs",
	.about = "Environment variables that processes were started with.",
	COLUMNS(columns),
	EXAMPLES("SELECT key, value FROM process_envs WHERE pid = 1",
		"SELECT pid, value FROM process_envs WHERE key = 'LD_PRELOAD'"),
	.estimate = { .rows = 6000, .per_key = 25, .start = 20 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
