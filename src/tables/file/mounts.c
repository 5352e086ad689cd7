// SPDX-License-Identifier: Apache-2.0
// Mounted file systems, from /proc/mounts (proc_pid_mounts(5)); their sizes, by statfs(2), only if
// a query asks for them, because that waits for servers that are gone.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <sys/statfs.h>

#include "base/log.h"
#include "sql/table.h"

enum group { ALIAS = 1, SIZES };

enum {
	DEVICE,
	DEVICE_ALIAS,
	PATH,
	TYPE,
	BLOCKS_SIZE,
	BLOCKS,
	BLOCKS_FREE,
	BLOCKS_AVAILABLE,
	INODES,
	INODES_FREE,
	FLAGS
};

static const struct column columns[] = {
	[DEVICE] = { "device", TEXT, "What is mounted, as it was named." },
	[DEVICE_ALIAS] = { "device_alias", TEXT, "Its path with all links followed.", 0, ALIAS },
	[PATH] = { "path", TEXT, "Where it is mounted." },
	[TYPE] = { "type", TEXT, "Type of the file system." },
	[BLOCKS_SIZE] = { "blocks_size", BIGINT, "Bytes of a block.", 0, SIZES },
	[BLOCKS] = { "blocks", BIGINT, "Number of blocks.", 0, SIZES },
	[BLOCKS_FREE] = { "blocks_free", BIGINT, "Blocks that are free.", 0, SIZES },
	[BLOCKS_AVAILABLE] = { "blocks_available", BIGINT,
		"Blocks that are free for users other than root.", 0, SIZES },
	[INODES] = { "inodes", BIGINT, "Number of inodes.", 0, SIZES },
	[INODES_FREE] = { "inodes_free", BIGINT, "Inodes that are free.", 0, SIZES },
	[FLAGS] = { "flags", TEXT, "Options it is mounted with, joined by commas." },
};

struct state {
	FILE *file;
	char *line;
	size_t line_size;
	const char *device, *path, *type; // of the current row, within its line
};

static int open_scan(struct scan *scan, struct fault *why)
{
	enum { BUFFER_BYTES = 64 << 10 }; // by default the C library reads 1 KiB at once here
	struct state *state = scan_state(scan);
	struct stat status;

	state->file = scan_open(scan, "proc/mounts");
	if (!state->file)
		return fail(why, -errno, "mounts: /proc/mounts: %m");
	// a file that is not the kernel's could be one endless line
	if (fstat(fileno(state->file), &status) < 0 || status.st_size > scan_flag(scan, "read_max"))
		return fail(why, -EFBIG, "mounts: /proc/mounts is larger than --read_max");
	(void) setvbuf(state->file, NULL, _IOFBF, BUFFER_BYTES);
	return 0;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	if (state->file)
		(void) fclose(state->file);
	free(state->line);
}

static bool is_octal(const char *text)
{
	return text[0] >= '0' && text[0] <= '3' && text[1] >= '0' && text[1] <= '7' &&
		text[2] >= '0' && text[2] <= '7';
}

// The kernel writes blanks, line ends and backslashes as \ooo.
static void decode(char *text)
{
	char *to = strchr(text, '\\');

	if (!to)
		return;
	for (const char *from = to; *from; to++) {
		if (*from == '\\' && is_octal(from + 1)) {
			*to = (char) ((from[1] - '0') << 6 | (from[2] - '0') << 3 |
				(from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	char *rest, *device, *path, *type, *flags;

	if (getline(&state->line, &state->line_size, state->file) < 0)
		return ferror(state->file) ? fail(why, -errno, "mounts: /proc/mounts: %m") : END;
	rest = state->line;
	rest[strcspn(rest, "\n")] = '\0';
	// a name may be empty: not by text_word
	device = strsep(&rest, " ");
	path = strsep(&rest, " ");
	type = strsep(&rest, " ");
	flags = strsep(&rest, " ");
	if (!flags)
		return SKIP;
	decode(device);
	decode(path);
	decode(type);
	decode(flags);

	state->device = device;
	state->path = path;
	state->type = type;
	scan_text(scan, DEVICE, device);
	scan_text(scan, PATH, path);
	scan_text(scan, TYPE, type);
	scan_text(scan, FLAGS, flags);
	return ROW;
}

// The path that an open descriptor has, below the root.
static void fetch_alias(struct scan *scan)
{
	const struct state *state = scan_state(scan);
	const struct root *root = scan_root(scan);
	char link[64], target[PATH_MAX], base[PATH_MAX];
	auto_close int fd = -1;
	ssize_t length, skip = 0;

	if (*state->device != '/')
		return;
	fd = root_openat(root, state->device, O_PATH);
	(void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = fd < 0 ? -1 : readlink(link, target, sizeof(target));
	if (length <= 0)
		return;
	if (root->moved) {
		(void) snprintf(link, sizeof(link), "/proc/self/fd/%d", root->fd);
		skip = readlink(link, base, sizeof(base));
		if (skip < 0 || skip > length || memcmp(base, target, (size_t) skip) != 0)
			return;
		skip = skip == 1 ? 0 : skip; // "/"
	}
	scan_bytes(scan, DEVICE_ALIAS, target + skip, (size_t) (length - skip));
}

static void fetch_sizes(struct scan *scan)
{
	const struct state *state = scan_state(scan);
	struct statfs sizes = { 0 };

	if (scan_root(scan)->moved)
		return; // what is mounted there is not what is mounted here
	// an automount point is not worth a mount
	if (strcmp(state->type, "autofs") != 0 && statfs(state->path, &sizes) < 0) {
		log_verbose("mounts: %s: %s", state->path, strerror(errno));
		sizes = (struct statfs){ 0 };
	}
	scan_integer(scan, BLOCKS_SIZE, (int64_t) sizes.f_bsize);
	scan_integer(scan, BLOCKS, (int64_t) sizes.f_blocks);
	scan_integer(scan, BLOCKS_FREE, (int64_t) sizes.f_bfree);
	scan_integer(scan, BLOCKS_AVAILABLE, (int64_t) sizes.f_bavail);
	scan_integer(scan, INODES, (int64_t) sizes.f_files);
	scan_integer(scan, INODES_FREE, (int64_t) sizes.f_ffree);
}

static int fetch(struct scan *scan, unsigned group, struct fault *why)
{
	(void) why; // what cannot be asked is missing
	if (group == ALIAS)
		fetch_alias(scan);
	else
		fetch_sizes(scan);
	return 0;
}

const struct table table_mounts = {
	.name = "mounts",
	.about = "Mounted file systems.",
	COLUMNS(columns),
	EXAMPLES("SELECT device, path, type, flags FROM mounts",
		"SELECT path, blocks_available * blocks_size AS bytes FROM mounts WHERE type IN "
		"('ext4', 'xfs', 'btrfs')"),
	.estimate = { .rows = 50, .start = 5, .row = 2 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.fetch = fetch,
	.close = close_scan,
};
