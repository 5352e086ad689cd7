// SPDX-License-Identifier: Apache-2.0
#include "tables/process/walk.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

enum { FILE_LIMIT_BYTES = 64 << 20 };

int process_walk_open(struct process_walk *walk, struct scan *scan, int column, struct fault *why)
{
	auto_close int fd = -1;

	walk->folder = NULL;
	walk->pids = column < 0 ? NULL : scan_given(scan, (unsigned) column);
	walk->at = 0;
	walk->sure = false;
	if (walk->pids && !scan_root(scan)->moved) {
		// a join looks up one process after another: /proc need not be opened for each
		walk->proc = scan_root(scan)->fd;
		walk->prefix = "proc/";
		return 0;
	}
	walk->prefix = "";
	walk->proc = root_openat(scan_root(scan), "proc", O_RDONLY | O_DIRECTORY);
	if (walk->proc < 0)
		return fail(why, -errno, "/proc: %m");
	if (walk->pids)
		return 0;

	fd = openat(walk->proc, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	walk->folder = fd < 0 ? NULL : fdopendir(fd);
	if (!walk->folder)
		return fail(why, -errno, "/proc: %m");
	(void) take_fd(&fd); // the folder closes it
	return 0;
}

static int next_given(struct process_walk *walk)
{
	while (walk->at < walk->pids->count) {
		walk->pid = walk->pids->values[walk->at++].integer;
		if (walk->pid <= 0)
			continue;
		(void) snprintf(
			walk->name, sizeof(walk->name), "%s%" PRId64, walk->prefix, walk->pid);
		if (walk->sure || faccessat(walk->proc, walk->name, F_OK, 0) == 0)
			return 1;
	}
	return 0;
}

int process_walk_next(struct process_walk *walk)
{
	struct dirent *entry;

	if (!walk->folder)
		return next_given(walk);
	while ((entry = readdir(walk->folder))) {
		size_t length = strlen(entry->d_name);

		if (!isdigit((unsigned char) entry->d_name[0]) || length >= sizeof(walk->name) ||
			text_integer(entry->d_name, 10, &walk->pid) < 0)
			continue;
		memcpy(walk->name, entry->d_name, length + 1);
		return 1;
	}
	return 0;
}

void process_walk_close(struct process_walk *walk)
{
	if (walk->folder)
		(void) closedir(walk->folder);
	if (walk->proc > 0 && *walk->prefix == '\0')
		(void) close(walk->proc);
	walk->folder = NULL;
	walk->proc = -1;
}

struct process_path process_file(const struct process_walk *walk, const char *file)
{
	struct process_path path;
	size_t length = strlen(walk->name), rest = strlen(file);

	// by hand: this runs several times for every process there is
	if (length + 1 + rest >= sizeof(path.text))
		rest = sizeof(path.text) - length - 2;
	memcpy(path.text, walk->name, length);
	path.text[length] = '/';
	memcpy(path.text + length + 1, file, rest);
	path.text[length + 1 + rest] = '\0';
	return path;
}

ssize_t process_link(const struct process_walk *walk, const char *file, char *target, size_t size)
{
	ssize_t length = readlinkat(walk->proc, process_file(walk, file).text, target, size - 1);

	if (length >= 0)
		target[length] = '\0';
	return length;
}

bool process_namespace(const struct process_walk *walk, const char *file, char inode[24])
{
	char target[64];
	const char *digits;
	size_t length;

	if (process_link(walk, file, target, sizeof(target)) < 0)
		return false;
	digits = strchr(target, '[');
	length = digits ? strspn(digits + 1, "0123456789") : 0;
	if (length == 0 || length >= 24 || digits[1 + length] != ']') {
		errno = EBADMSG;
		return false;
	}
	memcpy(inode, digits + 1, length);
	inode[length] = '\0';
	return true;
}

FILE *process_open(const struct process_walk *walk, const char *file)
{
	auto_close int fd = openat(
		walk->proc, process_file(walk, file).text, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	FILE *opened = fd < 0 ? NULL : fdopen(fd, "re");

	if (opened)
		(void) take_fd(&fd); // the file closes it
	return opened;
}

char *process_read(
	const struct process_walk *walk, const char *file, struct arena *arena, size_t *size_bytes)
{
	auto_close int fd = openat(
		walk->proc, process_file(walk, file).text, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	return fd < 0 ? NULL : fd_read(fd, FILE_LIMIT_BYTES, arena, size_bytes);
}
