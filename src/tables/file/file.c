// SPDX-License-Identifier: Apache-2.0
// What the file system says of a path: lstat(2) of the path itself, stat(2) of what it leads to.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "sql/table.h"
#include "tables/file/paths.h"

enum group { STATUS = 1, TARGET, BIRTH };

enum {
	PATH,
	DIRECTORY,
	FILENAME,
	INODE,
	UID,
	GID,
	MODE,
	DEVICE,
	SIZE,
	BLOCK_SIZE,
	ATIME,
	MTIME,
	CTIME,
	BTIME,
	HARD_LINKS,
	SYMLINK,
	TYPE,
	SYMLINK_TARGET_PATH,
	PID_WITH_NAMESPACE = 31,
	MOUNT_NAMESPACE_ID
};

static const struct column columns[] = {
	[PATH] = { "path", TEXT, "Path; a folder that a pattern found ends in '/'.",
		INDEX | OPTIMIZED | REQUIRED | PATTERN },
	[DIRECTORY] = { "directory", TEXT, "Folder that holds it.", OPTIMIZED | REQUIRED },
	[FILENAME] = { "filename", TEXT, "Last part of the path." },
	[INODE] = { "inode", BIGINT, "Inode number.", 0, STATUS },
	[UID] = { "uid", BIGINT, "Owning user.", 0, STATUS },
	[GID] = { "gid", BIGINT, "Owning group.", 0, STATUS },
	[MODE] = { "mode", TEXT, "Permission bits, four octal digits.", 0, STATUS },
	[DEVICE] = { "device", BIGINT, "Device number, if it is a device.", 0, STATUS },
	[SIZE] = { "size", BIGINT, "Length in bytes.", 0, STATUS },
	[BLOCK_SIZE] = { "block_size", INTEGER, "Bytes that are best read at once.", 0, STATUS },
	[ATIME] = { "atime", BIGINT, "Last access, in seconds since 1970.", 0, STATUS },
	[MTIME] = { "mtime", BIGINT, "Last change of the content.", 0, STATUS },
	[CTIME] = { "ctime", BIGINT, "Last change of the inode.", 0, STATUS },
	[BTIME] = { "btime", BIGINT, "Creation, 0 where the file system does not keep it.", 0,
		BIRTH },
	[HARD_LINKS] = { "hard_links", INTEGER, "Number of names.", 0, STATUS },
	[SYMLINK] = { "symlink", INTEGER, "1 if the path is a symbolic link, else 0.", 0, STATUS },
	[TYPE] = { "type", TEXT,
		"regular, directory, symlink, block, character, fifo, socket or unknown.", 0,
		STATUS },
	[SYMLINK_TARGET_PATH] = { "symlink_target_path", TEXT, "Text of the symbolic link.", 0,
		TARGET },
	ELSEWHERE("attributes", TEXT),
	ELSEWHERE("volume_serial", TEXT),
	ELSEWHERE("file_id", TEXT),
	{ "file_version", TEXT, "Not filled on Linux.", HIDDEN | VERSION },
	{ "product_version", TEXT, "Not filled on Linux.", HIDDEN | VERSION },
	ELSEWHERE("original_filename", TEXT),
	ELSEWHERE("shortcut_target_path", TEXT),
	ELSEWHERE("shortcut_target_type", TEXT),
	ELSEWHERE("shortcut_target_location", TEXT),
	ELSEWHERE("shortcut_start_in", TEXT),
	ELSEWHERE("shortcut_run", TEXT),
	ELSEWHERE("shortcut_comment", TEXT),
	ELSEWHERE("bsd_flags", TEXT),
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
	[MOUNT_NAMESPACE_ID] = NAMESPACE_MOUNT,
};

static int open_scan(struct scan *scan, struct fault *why)
{
	(void) why;
	paths_open(scan_state(scan), scan, PATH, DIRECTORY);
	return 0;
}

static void close_scan(struct scan *scan)
{
	paths_close(scan_state(scan));
}

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "regular";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFBLK:
		return "block";
	case S_IFCHR:
		return "character";
	case S_IFIFO:
		return "fifo";
	case S_IFSOCK:
		return "socket";
	default:
		return "unknown";
	}
}

static void give_mode(struct scan *scan, mode_t mode)
{
	char digits[] = "0000";

	for (int i = 3; i >= 0; i--, mode >>= 3)
		digits[i] = (char) ('0' + (mode & 7));
	scan_bytes(scan, MODE, digits, 4);
}

// Everything is that of a link's target, if it has one; -ENOENT when the path is gone.
static int fetch_status(struct scan *scan, const struct paths *paths)
{
	struct stat status, target;
	const char *type;

	if (fstatat(paths->parent, paths->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -ENOENT;
	type = type_name(status.st_mode);
	scan_integer(scan, SYMLINK, S_ISLNK(status.st_mode));
	if (S_ISLNK(status.st_mode)) {
		bool dangling = paths_stat(paths, &target) < 0;

		if (!dangling)
			status = target;
		type = dangling ? "unknown" : type_name(status.st_mode);
	}
	scan_text(scan, TYPE, type);
	scan_integer(scan, INODE, (int64_t) status.st_ino);
	scan_integer(scan, UID, status.st_uid);
	scan_integer(scan, GID, status.st_gid);
	give_mode(scan, status.st_mode);
	scan_integer(scan, DEVICE, (int64_t) status.st_rdev);
	scan_integer(scan, SIZE, status.st_size);
	scan_integer(scan, BLOCK_SIZE, status.st_blksize);
	scan_integer(scan, ATIME, status.st_atim.tv_sec);
	scan_integer(scan, MTIME, status.st_mtim.tv_sec);
	scan_integer(scan, CTIME, status.st_ctim.tv_sec);
	scan_integer(scan, HARD_LINKS, (int64_t) status.st_nlink);
	return 0;
}

static void fetch_target(struct scan *scan, const struct paths *paths)
{
	char target[PATH_MAX];
	ssize_t length;

	if (paths->type != DT_LNK && paths->type != DT_UNKNOWN)
		return;
	length = readlinkat(paths->parent, paths->name, target, sizeof(target));
	if (length >= 0)
		scan_bytes(scan, SYMLINK_TARGET_PATH, target, (size_t) length);
}

static void fetch_birth(struct scan *scan, const struct paths *paths)
{
	// below a moved root a link must not be followed by the kernel alone
	int flags = scan_root(scan)->moved ? AT_SYMLINK_NOFOLLOW : 0;
	struct statx status;

	if (statx(paths->parent, paths->name, flags, STATX_BTIME, &status) < 0 &&
		statx(paths->parent, paths->name, AT_SYMLINK_NOFOLLOW, STATX_BTIME, &status) < 0)
		return;
	scan_integer(scan, BTIME, status.stx_mask & STATX_BTIME ? status.stx_btime.tv_sec : 0);
}

static int fetch(struct scan *scan, unsigned group, struct fault *why)
{
	const struct paths *paths = scan_state(scan);

	(void) why;
	switch ((enum group) group) {
	case STATUS:
		return fetch_status(scan, paths);
	case TARGET:
		fetch_target(scan, paths);
		break;
	case BIRTH:
		fetch_birth(scan, paths);
		break;
	}
	return 0;
}

static int next(struct scan *scan, struct fault *why)
{
	struct paths *paths = scan_state(scan);

	if (!paths_next(paths))
		return END;
	paths_give(paths, PATH, DIRECTORY, FILENAME);
	// one that vanished since its folder was read is no row
	return scan_fetch(scan, STATUS, why) < 0 ? SKIP : ROW;
}

const struct table table_file = {
	.name = "file",
	.about = "Files, folders and whatever else has a path. LIKE patterns find paths: % within "
		 "one "
		 "folder, %% at the end also in all folders below.",
	COLUMNS(columns),
	EXAMPLES("SELECT path, size, mtime FROM file WHERE directory = '/etc'",
		"SELECT path, mode FROM file WHERE path LIKE '/etc/cron%/%'",
		"SELECT sum(size) FROM file WHERE path LIKE '/etc/%%' AND type = 'regular'"),
	.attributes = UTILITY,
	.estimate = { .rows = 100000, .per_key = 1, .start = 5, .row = 5 },
	.state_bytes = sizeof(struct paths),
	.open = open_scan,
	.next = next,
	.fetch = fetch,
	.close = close_scan,
};
