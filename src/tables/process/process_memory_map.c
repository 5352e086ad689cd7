// SPDX-License-Identifier: Apache-2.0
// What processes have mapped into their memory, from /proc/<pid>/maps (proc_pid_maps(5)).
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "sql/table.h"
#include "tables/process/walk.h"

enum { PID, START, END_, PERMISSIONS, OFFSET, DEVICE, INODE, PATH, PSEUDO };

static const struct column columns[] = {
	[PID] = { "pid", INTEGER, "Process id.", INDEX | OPTIMIZED },
	[START] = { "start", TEXT, "First address, hexadecimal." },
	[END_] = { "end", TEXT, "Address behind the last one, hexadecimal." },
	[PERMISSIONS] = { "permissions", TEXT,
		"r readable, w writable, x executable, p private or s shared." },
	[OFFSET] = { "offset", BIGINT, "Where in the file the mapping begins." },
	[DEVICE] = { "device", TEXT, "Device of the file, as major:minor." },
	[INODE] = { "inode", INTEGER, "Inode of the file, 0 if there is none." },
	[PATH] = { "path", TEXT, "Path of the file, or a name like [heap]." },
	[PSEUDO] = { "pseudo", INTEGER, "1 if the path is a name without a file, else 0." },
};

struct state {
	struct process_walk walk;
	FILE *file; // maps of the current process
	char *line;
	size_t room;
	char buffer[16384];
};

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	return process_walk_open(&state->walk, scan, PID, why);
}

static void close_maps(struct state *state)
{
	if (state->file)
		(void) fclose(state->file);
	state->file = NULL;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	close_maps(state);
	free(state->line);
	process_walk_close(&state->walk);
}

static void open_maps(struct state *state)
{
	state->file = process_open(&state->walk, "maps");
	if (state->file)
		(void) setvbuf(state->file, state->buffer, _IOFBF, sizeof(state->buffer));
}

// start-end permissions offset device inode [path, all the rest of the line]
static bool give_line(struct scan *scan, char *line)
{
	char *rest = line;
	char *start = text_word(&rest, " ");
	char *permissions = text_word(&rest, " ");
	char *offset = text_word(&rest, " ");
	char *device = text_word(&rest, " ");
	char *inode = text_word(&rest, " ");
	char *end = start ? strchr(start, '-') : NULL;
	int64_t from, number;

	if (!inode || !end || text_integer(inode, 10, &number) < 0)
		return false;
	*end++ = '\0';
	if (text_integer(offset, 16, &from) < 0)
		from = -1;
	scan_printf(scan, START, "0x%s", start);
	scan_printf(scan, END_, "0x%s", end);
	scan_text(scan, PERMISSIONS, permissions);
	scan_integer(scan, OFFSET, from);
	scan_text(scan, DEVICE, device);
	scan_integer(scan, INODE, number);
	scan_text(scan, PATH, rest);
	scan_integer(scan, PSEUDO, number == 0 && *rest != '\0');
	return true;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	ssize_t length;

	(void) why;
	if (!state->file) {
		if (!process_walk_next(&state->walk))
			return END;
		open_maps(state);
		return SKIP;
	}
	length = getline(&state->line, &state->room, state->file);
	if (length <= 0) {
		close_maps(state);
		return SKIP;
	}
	if (state->line[length - 1] == '\n')
		state->line[length - 1] = '\0';
	if (!give_line(scan, state->line))
		return SKIP;
	scan_integer(scan, PID, state->walk.pid);
	return ROW;
}

const struct table table_process_memory_map = {
	.name = "process_memory_map",
	.about = "What processes have mapped into their memory.",
	COLUMNS(columns),
	EXAMPLES("SELECT start, \"end\", permissions, path FROM process_memory_map WHERE pid = 1",
		"SELECT pid, path FROM process_memory_map WHERE permissions LIKE '%w%x%'"),
	.estimate = { .rows = 30000, .per_key = 100, .start = 30 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
