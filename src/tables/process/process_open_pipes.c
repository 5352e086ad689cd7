// SPDX-License-Identifier: Apache-2.0
// Pipes that processes hold open and who holds their other ends, from the links in /proc/<pid>/fd
// and the flags in /proc/<pid>/fdinfo (proc(5), pipe(7), fifo(7)).
//
// All ends are collected and sorted by pipe first, then paired row by row.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "sql/table.h"
#include "tables/process/fds.h"

enum { PID, FD, MODE, INODE, TYPE, PARTNER_PID, PARTNER_FD, PARTNER_MODE };

static const struct column columns[] = {
	[PID] = { "pid", BIGINT, "Process that holds the pipe open." },
	[FD] = { "fd", BIGINT, "Its descriptor." },
	[MODE] = { "mode", TEXT, "r if it can read, w if it can write, rw if both." },
	[INODE] = { "inode", BIGINT, "Inode of the pipe." },
	[TYPE] = { "type", TEXT, "anonymous, or named for a FIFO." },
	[PARTNER_PID] = { "partner_pid", BIGINT, "Process that holds another end." },
	[PARTNER_FD] = { "partner_fd", BIGINT, "The partner's descriptor." },
	[PARTNER_MODE] = { "partner_mode", TEXT, "Mode of the partner's end." },
};

struct end {
	uint64_t device, inode; // the pipe; an anonymous one has device 0
	int64_t pid, fd;
	char mode[3];
};

struct state {
	struct process_walk processes;
	struct fd_walk fds;
	struct end *ends;
	size_t n, room;
	size_t group, group_end; // the ends of one pipe
	size_t at, partner; // the current end, and whom to look at next
	bool paired; // the current end has a row already
};

// ---- collecting ----

// Whether the current file is a pipe, and which.
static bool is_pipe(struct scan *scan, const struct fd_walk *fds, struct end *end)
{
	int64_t inode = fd_walk_inode(fds, "pipe:[");
	struct stat status;
	struct statx live;

	end->device = 0;
	end->inode = (uint64_t) inode;
	if (inode >= 0 || fds->target[0] != '/')
		return inode >= 0;
	if (scan_root(scan)->moved) {
		if (root_stat(scan_root(scan), fds->target, &status, 0) < 0)
			return false;
		end->device = status.st_dev;
		end->inode = status.st_ino;
		return S_ISFIFO(status.st_mode);
	}
	// not by the target's name, which may belong to another namespace or to nothing any more;
	// without asking a file server, which may be gone
	if (statx(fds->folder, fds->name, AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO, &live) < 0)
		return false;
	end->device = makedev(live.stx_dev_major, live.stx_dev_minor);
	end->inode = live.stx_ino;
	return S_ISFIFO(live.stx_mode);
}

static void read_mode(const struct process_walk *process, int64_t fd, char mode[3])
{
	static const char modes[][3] = { [O_RDONLY] = "r", [O_WRONLY] = "w", [O_RDWR] = "rw" };
	char name[40], text[512];
	const char *line;
	unsigned long flags;

	(void) snprintf(name, sizeof(name), "fdinfo/%" PRId64, fd);
	memcpy(mode, "-", 2);
	if (read_small(process->proc, process_file(process, name).text, text, sizeof(text)) < 0)
		return;
	line = strstr(text, "flags:");
	flags = line ? strtoul(line + strlen("flags:"), NULL, 8) : O_PATH;
	if (!(flags & O_PATH) && (flags & O_ACCMODE) <= O_RDWR)
		memcpy(mode, modes[flags & O_ACCMODE], sizeof(modes[0]));
}

static void add_end(struct state *state, const struct end *end)
{
	if (state->n == state->room) {
		state->room = state->room ? state->room * 2 : 64;
		state->ends = must_resize(state->ends, state->room * sizeof(*state->ends));
	}
	state->ends[state->n++] = *end;
}

static int compare_ends(const void *left, const void *right)
{
	const struct end *a = left, *b = right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	if (a->inode != b->inode)
		return a->inode < b->inode ? -1 : 1;
	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return a->fd < b->fd ? -1 : a->fd > b->fd;
}

static void collect(struct scan *scan, struct state *state)
{
	while (process_walk_next(&state->processes) && !scan_cancelled(scan)) {
		(void) fd_walk_open(&state->fds, &state->processes);
		while (fd_walk_next(&state->fds)) {
			struct end end = { .pid = state->processes.pid, .fd = state->fds.fd };

			if (!is_pipe(scan, &state->fds, &end))
				continue;
			read_mode(&state->processes, end.fd, end.mode);
			add_end(state, &end);
		}
	}
	if (state->n > 0)
		qsort(state->ends, state->n, sizeof(*state->ends), compare_ends);
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	int r;

	fd_walk_begin(&state->fds);
	r = process_walk_open(&state->processes, scan, -1, why);
	if (r == 0)
		collect(scan, state);
	return r;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	free(state->ends);
	fd_walk_close(&state->fds);
	process_walk_close(&state->processes);
}

// ---- pairing ----

static bool is_same_pipe(const struct end *a, const struct end *b)
{
	return a->device == b->device && a->inode == b->inode;
}

// Goes to the next end, and makes its group's bounds.
static void move_on(struct state *state)
{
	state->at++;
	state->paired = false;
	state->partner = state->group;
}

static void bound_group(struct state *state)
{
	if (state->at < state->group_end)
		return;
	state->group = state->partner = state->at;
	for (state->group_end = state->at; state->group_end < state->n &&
		is_same_pipe(&state->ends[state->at], &state->ends[state->group_end]);)
		state->group_end++;
}

// What one of them writes the other may read.
static bool are_partners(const struct end *a, const struct end *b)
{
	return a != b && (strcmp(a->mode, b->mode) != 0 || strcmp(a->mode, "rw") == 0);
}

static const struct end *find_partner(struct scan *scan, struct state *state)
{
	const struct end *end = &state->ends[state->at];

	while (state->partner < state->group_end) {
		const struct end *partner = &state->ends[state->partner++];

		if (are_partners(end, partner))
			return partner;
		if (state->partner % 4096 == 0 && scan_cancelled(scan))
			break;
	}
	return NULL;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	const struct end *end, *partner;

	(void) why;
	if (state->at == state->n)
		return END;
	bound_group(state);
	end = &state->ends[state->at];
	partner = find_partner(scan, state);
	if (!partner && state->paired) {
		move_on(state);
		return SKIP;
	}
	scan_integer(scan, PID, end->pid);
	scan_integer(scan, FD, end->fd);
	scan_text(scan, MODE, end->mode);
	scan_integer(scan, INODE, (int64_t) end->inode);
	scan_text(scan, TYPE, end->device == 0 ? "anonymous" : "named");
	if (partner) {
		scan_integer(scan, PARTNER_PID, partner->pid);
		scan_integer(scan, PARTNER_FD, partner->fd);
		scan_text(scan, PARTNER_MODE, partner->mode);
		state->paired = true;
	} else {
		move_on(state);
	}
	return ROW;
}

const struct table table_process_open_pipes = {
	.name = "process_open_pipes",
	.about = "Pipes that processes hold open, with the other ends of each.",
	COLUMNS(columns),
	EXAMPLES("SELECT pid, fd, partner_pid, partner_fd FROM process_open_pipes WHERE mode = 'w'",
		"SELECT w.name AS writer, r.name AS reader FROM process_open_pipes AS p JOIN "
		"processes AS w ON w.pid = p.pid JOIN processes AS r ON r.pid = p.partner_pid "
		"WHERE p.mode = 'w' AND p.pid != p.partner_pid"),
	.estimate = { .rows = 500, .start = 3000 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
