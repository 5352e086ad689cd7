// SPDX-License-Identifier: Apache-2.0
// Files that processes hold open, from the links in /proc/<pid>/fd (proc(5)).
#include <string.h>

#include "sql/table.h"
#include "tables/process/fds.h"

enum { PID, FD, PATH };

static const struct column columns[] = {
	[PID] = { "pid", BIGINT, "Process that holds the file open.", INDEX },
	[FD] = { "fd", BIGINT, "Number of the descriptor." },
	[PATH] = { "path", TEXT,
		"Path as the kernel shows it; ends in \" (deleted)\" once it was removed." },
};

struct state {
	struct process_walk processes;
	struct fd_walk fds;
};

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	fd_walk_begin(&state->fds);
	return process_walk_open(&state->processes, scan, PID, why);
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	fd_walk_close(&state->fds);
	process_walk_close(&state->processes);
}

// Sockets and pipes have tables of their own; the rest of what has no path says nothing.
static bool is_file(const char *target)
{
	return *target == '/' ||
		(!text_starts(target, "socket:") && !text_starts(target, "pipe:") &&
			!text_starts(target, "anon_inode:"));
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	while (fd_walk_next(&state->fds)) {
		if (!is_file(state->fds.target))
			continue;
		scan_integer(scan, PID, state->processes.pid);
		scan_integer(scan, FD, state->fds.fd);
		scan_bytes(scan, PATH, state->fds.target, state->fds.length);
		return ROW;
	}
	if (!process_walk_next(&state->processes))
		return END;
	(void) fd_walk_open(&state->fds, &state->processes);
	return SKIP;
}

const struct table table_process_open_files = {
	.name = "process_open_files",
	.about = "Files that processes hold open.",
	COLUMNS(columns),
	EXAMPLES("SELECT path FROM process_open_files WHERE pid = 1",
		"SELECT p.pid, p.name, f.path FROM process_open_files AS f JOIN processes AS p "
		"USING (pid) WHERE f.path LIKE '% (deleted)'"),
	.estimate = { .rows = 3000, .per_key = 10, .row = 3 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
