// SPDX-License-Identifier: Apache-2.0
// Running processes, from /proc/<pid>/ (proc(5)). Each group of columns stands for one file there
// and is only read when a column of it is asked for.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "sql/table.h"
#include "tables/process/walk.h"

enum group { STAT = 1, STATUS, IO, EXE, CWD, ROOT, CMDLINE, CGROUP };

enum {
	PID,
	NAME,
	PATH,
	CMD,
	STATE,
	CURRENT,
	ROOT_PATH,
	UID,
	GID,
	EUID,
	EGID,
	SUID,
	SGID,
	ON_DISK,
	WIRED_SIZE,
	RESIDENT_SIZE,
	TOTAL_SIZE,
	USER_TIME,
	SYSTEM_TIME,
	READ_BYTES,
	WRITTEN_BYTES,
	START_TIME,
	PARENT,
	PGROUP,
	THREADS,
	NICE,
	CGROUP_PATH = 38
};

static const struct column columns[] = {
	[PID] = { "pid", BIGINT, "Process id.", INDEX | OPTIMIZED },
	[NAME] = { "name", TEXT,
		"Name the kernel keeps of it, at most 15 bytes; \\n and \\\\ escaped.", 0, STAT },
	[PATH] = { "path", TEXT, "Path of the executable.", 0, EXE },
	[CMD] = { "cmdline", TEXT, "Arguments it was started with, joined by blanks.", 0, CMDLINE },
	[STATE] = { "state", TEXT,
		"One letter: R running, S sleeping, D waiting, Z zombie, T stopped, I idle.", 0,
		STAT },
	[CURRENT] = { "cwd", TEXT, "Working directory.", 0, CWD },
	[ROOT_PATH] = { "root", TEXT, "Root directory.", 0, ROOT },
	[UID] = { "uid", BIGINT, "Real user id.", 0, STATUS },
	[GID] = { "gid", BIGINT, "Real group id.", 0, STATUS },
	[EUID] = { "euid", BIGINT, "Effective user id.", 0, STATUS },
	[EGID] = { "egid", BIGINT, "Effective group id.", 0, STATUS },
	[SUID] = { "suid", BIGINT, "Saved user id.", 0, STATUS },
	[SGID] = { "sgid", BIGINT, "Saved group id.", 0, STATUS },
	[ON_DISK] = { "on_disk", INTEGER,
		"1 if the executable still exists, 0 if not, -1 if unknown.", 0, EXE },
	[WIRED_SIZE] = { "wired_size", BIGINT, "Bytes that cannot be paged out; always 0 on Linux.",
		0, STAT },
	[RESIDENT_SIZE] = { "resident_size", BIGINT,
		"Bytes of memory in RAM; NULL for kernel threads.", 0, STAT },
	[TOTAL_SIZE] = { "total_size", BIGINT, "Bytes of address space; NULL for kernel threads.",
		0, STAT },
	[USER_TIME] = { "user_time", BIGINT, "Milliseconds of CPU in user mode.", 0, STAT },
	[SYSTEM_TIME] = { "system_time", BIGINT, "Milliseconds of CPU in the kernel.", 0, STAT },
	[READ_BYTES] = { "disk_bytes_read", BIGINT, "Bytes it had read from storage.", 0, IO },
	[WRITTEN_BYTES] = { "disk_bytes_written", BIGINT,
		"Bytes it had written to storage, less those never written out.", 0, IO },
	[START_TIME] = { "start_time", BIGINT, "Start, in seconds since 1970; -1 if unknown.", 0,
		STAT },
	[PARENT] = { "parent", BIGINT, "Process id of the parent.", 0, STAT },
	[PGROUP] = { "pgroup", BIGINT, "Process group.", 0, STAT },
	[THREADS] = { "threads", INTEGER, "Number of threads.", 0, STAT },
	[NICE] = { "nice", INTEGER, "Scheduling priority, -20 first to 19 last.", 0, STAT },
	ELSEWHERE("elevated_token", INTEGER),
	ELSEWHERE("secure_process", INTEGER),
	ELSEWHERE("protection_type", TEXT),
	ELSEWHERE("virtual_process", INTEGER),
	ELSEWHERE("elapsed_time", BIGINT),
	ELSEWHERE("handle_count", BIGINT),
	ELSEWHERE("percent_processor_time", BIGINT),
	ELSEWHERE("upid", BIGINT),
	ELSEWHERE("uppid", BIGINT),
	ELSEWHERE("cpu_type", INTEGER),
	ELSEWHERE("cpu_subtype", INTEGER),
	ELSEWHERE("translated", INTEGER),
	[CGROUP_PATH] = { "cgroup_path", TEXT, "Path of its control group.", 0, CGROUP },
};

struct state {
	struct process_walk walk;
	int64_t boot_time; // seconds since 1970, -1 if unknown
	int64_t ticks_per_second;
	int64_t page_bytes;
};

static void read_clock(struct scan *scan, struct state *state)
{
	// in a join this runs for each process, and the file grows with the processors
	char *text = scan_wants(scan, START_TIME) ? scan_read(scan, "proc/stat", NULL) : NULL;
	char *line = text ? strstr(text, "\nbtime ") : NULL;

	state->ticks_per_second = sysconf(_SC_CLK_TCK);
	state->page_bytes = sysconf(_SC_PAGESIZE);
	state->boot_time = line ? strtoll(line + strlen("\nbtime "), NULL, 10) : -1;
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	int r = process_walk_open(&state->walk, scan, PID, why);

	read_clock(scan, state);
	state->walk.sure = scan_wants_group(scan, STAT) || scan_wants_group(scan, STATUS);
	return r;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	process_walk_close(&state->walk);
}

// ---- /proc/<pid>/stat ----

// The name with the escapes of the kernel's own status file: a newline and a backslash.
static void give_name(struct scan *scan, const char *name, size_t length)
{
	char escaped[2 * 64 + 1];
	size_t n = 0;

	for (size_t i = 0; i < length && n + 2 < sizeof(escaped); i++) {
		if (name[i] == '\n' || name[i] == '\\') {
			escaped[n++] = '\\';
			escaped[n++] = name[i] == '\n' ? 'n' : '\\';
		} else {
			escaped[n++] = name[i];
		}
	}
	scan_bytes(scan, NAME, escaped, n);
}

// Fields behind the name, numbered as in proc(5) less 3: 0 is the state.
enum {
	F_PARENT = 1,
	F_PGROUP = 2,
	F_USER = 11,
	F_SYSTEM = 12,
	F_NICE = 16,
	F_THREADS = 17,
	F_START = 19,
	F_SIZE = 20,
	F_RESIDENT = 21,
	F_COUNT = 22
};

static bool split_numbers(const char *text, int64_t numbers[F_COUNT])
{
	for (int i = 1; i < F_COUNT; i++) {
		char *end;

		numbers[i] = strtoll(text, &end, 10);
		if (end == text)
			return false;
		text = end;
	}
	return true;
}

// A product that has no room is no number that the kernel gave.
static void give_product(struct scan *scan, unsigned column, int64_t number, int64_t factor)
{
	int64_t product;

	if (!__builtin_mul_overflow(number, factor, &product))
		scan_integer(scan, column, product);
}

static void give_start(struct scan *scan, const struct state *state, int64_t ticks)
{
	int64_t time;

	if (state->boot_time < 0 ||
		__builtin_add_overflow(state->boot_time, ticks / state->ticks_per_second, &time))
		time = -1;
	scan_integer(scan, START_TIME, time);
}

static void give_stat(struct scan *scan, const struct state *state, const int64_t *numbers)
{
	const int64_t tick_ms = 1000 / state->ticks_per_second;

	scan_integer(scan, PARENT, numbers[F_PARENT]);
	scan_integer(scan, PGROUP, numbers[F_PGROUP]);
	give_product(scan, USER_TIME, numbers[F_USER], tick_ms);
	give_product(scan, SYSTEM_TIME, numbers[F_SYSTEM], tick_ms);
	scan_integer(scan, NICE, numbers[F_NICE]);
	scan_integer(scan, THREADS, numbers[F_THREADS]);
	give_start(scan, state, numbers[F_START]);
	scan_integer(scan, WIRED_SIZE, 0);
	if (numbers[F_SIZE] > 0) { // kernel threads and zombies have no memory
		scan_integer(scan, TOTAL_SIZE, numbers[F_SIZE]);
		give_product(scan, RESIDENT_SIZE, numbers[F_RESIDENT], state->page_bytes);
	}
}

// -ESRCH when the process is gone or the line makes no sense.
static int fetch_stat(struct scan *scan)
{
	const struct state *state = scan_state(scan);
	char text[1024];
	const char *name, *end;
	int64_t numbers[F_COUNT];

	if (read_small(state->walk.proc, process_file(&state->walk, "stat").text, text,
		    sizeof(text)) < 0)
		return -ESRCH;
	// the name may hold anything, also ") S 1"
	name = strchr(text, '(');
	end = strrchr(text, ')');
	if (!name || !end || end < name || end[1] != ' ' || end[2] == '\0' ||
		!split_numbers(end + 3, numbers))
		return -ESRCH;

	give_name(scan, name + 1, (size_t) (end - name - 1));
	scan_bytes(scan, STATE, end + 2, 1);
	give_stat(scan, state, numbers);
	return 0;
}

// ---- the other files ----

static int fetch_status(struct scan *scan)
{
	static const unsigned uid_columns[] = { UID, EUID, SUID },
			      gid_columns[] = { GID, EGID, SGID };
	const struct state *state = scan_state(scan);
	char text[4096];
	const char *uids, *gids;
	long long ids[3];

	if (read_small(state->walk.proc, process_file(&state->walk, "status").text, text,
		    sizeof(text)) < 0)
		return -ESRCH;
	uids = strstr(text, "\nUid:");
	gids = strstr(text, "\nGid:");
	if (uids && sscanf(uids + 5, "%lld %lld %lld", &ids[0], &ids[1], &ids[2]) == 3)
		for (int i = 0; i < 3; i++)
			scan_integer(scan, uid_columns[i], ids[i]);
	if (gids && sscanf(gids + 5, "%lld %lld %lld", &ids[0], &ids[1], &ids[2]) == 3)
		for (int i = 0; i < 3; i++)
			scan_integer(scan, gid_columns[i], ids[i]);
	return 0;
}

static void fetch_io(struct scan *scan)
{
	const struct state *state = scan_state(scan);
	char text[512];
	const char *read, *written, *cancelled;
	int64_t bytes;

	if (read_small(state->walk.proc, process_file(&state->walk, "io").text, text,
		    sizeof(text)) < 0)
		return;
	read = strstr(text, "\nread_bytes: ");
	written = strstr(text, "\nwrite_bytes: ");
	cancelled = strstr(text, "\ncancelled_write_bytes: ");
	if (read)
		scan_integer(scan, READ_BYTES, strtoll(read + strlen("\nread_bytes: "), NULL, 10));
	if (written && cancelled &&
		!__builtin_sub_overflow(strtoll(written + strlen("\nwrite_bytes: "), NULL, 10),
			strtoll(cancelled + strlen("\ncancelled_write_bytes: "), NULL, 10), &bytes))
		scan_integer(scan, WRITTEN_BYTES, bytes);
}

static void fetch_link(struct scan *scan, const char *file, unsigned column)
{
	const struct state *state = scan_state(scan);
	char target[PATH_MAX];

	if (process_link(&state->walk, file, target, sizeof(target)) >= 0)
		scan_text(scan, column, target);
}

// Whether the file of that name is the one the process runs: 1, 0, or -1 if that cannot be told.
static int is_mapped(struct scan *scan, const struct state *state, const struct stat *status)
{
	char *text = process_read(&state->walk, "maps", scan_row_arena(scan), NULL);
	unsigned long long inode;

	// the executable's own mapping comes first
	if (!text || sscanf(text, "%*s %*s %*s %*s %llu", &inode) != 1)
		return -1;
	return inode == status->st_ino;
}

// The kernel marks the link of a removed executable with " (deleted)", but a file may be called so.
static void fetch_executable(struct scan *scan)
{
	static const char mark[] = " (deleted)";
	const struct state *state = scan_state(scan);
	char path[PATH_MAX];
	ssize_t length = process_link(&state->walk, "exe", path, sizeof(path));
	struct stat status;
	bool exists;
	int on_disk;

	if (length <= 0) {
		scan_integer(scan, ON_DISK, -1);
		return;
	}
	exists = root_stat(scan_root(scan), path, &status, 0) == 0;
	on_disk = exists;
	if (text_ends(path, mark)) {
		on_disk = exists ? is_mapped(scan, state, &status) : 0;
		if (on_disk == 0)
			path[(size_t) length - strlen(mark)] = '\0';
	}
	scan_text(scan, PATH, path);
	scan_integer(scan, ON_DISK, on_disk);
}

static void fetch_command(struct scan *scan)
{
	const struct state *state = scan_state(scan);
	size_t length;
	char *text = process_read(&state->walk, "cmdline", scan_row_arena(scan), &length);

	if (!text)
		return;
	for (size_t i = 0; i < length; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	scan_text(scan, CMD, text_trim(text));
}

static void fetch_cgroup(struct scan *scan)
{
	const struct state *state = scan_state(scan);
	char *text = process_read(&state->walk, "cgroup", scan_row_arena(scan), NULL);
	char *line = text ? text_line(&text) : NULL;
	char *colon = line ? strchr(line, ':') : NULL;

	colon = colon ? strchr(colon + 1, ':') : NULL;
	if (colon)
		scan_text(scan, CGROUP_PATH, colon + 1);
}

static int fetch(struct scan *scan, unsigned group, struct fault *why)
{
	(void) why; // a process that is gone or not ours is an answer
	switch ((enum group) group) {
	case STAT:
		return fetch_stat(scan);
	case STATUS:
		return fetch_status(scan);
	case IO:
		fetch_io(scan);
		break;
	case EXE:
		fetch_executable(scan);
		break;
	case CWD:
		fetch_link(scan, "cwd", CURRENT);
		break;
	case ROOT:
		fetch_link(scan, "root", ROOT_PATH);
		break;
	case CMDLINE:
		fetch_command(scan);
		break;
	case CGROUP:
		fetch_cgroup(scan);
		break;
	}
	return 0;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	if (!process_walk_next(&state->walk))
		return END;
	scan_integer(scan, PID, state->walk.pid);
	// a process that vanished between the folder and its file is no row
	if (scan_fetch(scan, STAT, why) < 0 || scan_fetch(scan, STATUS, why) < 0)
		return SKIP;
	return ROW;
}

const struct table table_processes = {
	.name = "processes",
	.about = "Running processes.",
	COLUMNS(columns),
	EXAMPLES("SELECT pid, name, resident_size FROM processes ORDER BY resident_size DESC LIMIT "
		 "5",
		"SELECT name, path FROM processes WHERE on_disk = 0"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 300, .row = 20 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.fetch = fetch,
	.close = close_scan,
};
