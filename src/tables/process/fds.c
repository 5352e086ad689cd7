// SPDX-License-Identifier: Apache-2.0
#include "tables/process/fds.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

void fd_walk_begin(struct fd_walk *walk)
{
	walk->folder = -1;
	walk->at = walk->end = 0;
}

bool fd_walk_open(struct fd_walk *walk, const struct process_walk *process)
{
	fd_walk_close(walk);
	walk->folder = openat(process->proc, process_file(process, "fd").text,
		O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return walk->folder >= 0;
}

void fd_walk_close(struct fd_walk *walk)
{
	if (walk->folder >= 0)
		(void) close(walk->folder);
	fd_walk_begin(walk);
}

// By hand: text_integer asks for more than is needed some ten thousand times in a scan.
static bool parse_fd(const char *name, int64_t *fd)
{
	*fd = 0;
	for (const char *at = name; *at; at++) {
		if (*at < '0' || *at > '9' || at - name > 9)
			return false;
		*fd = *fd * 10 + (*at - '0');
	}
	return *name != '\0';
}

static bool read_target(struct fd_walk *walk)
{
	ssize_t length = readlinkat(
		walk->folder, walk->name, walk->target, sizeof(walk->target) - 1);

	if (length < 0)
		return false;
	walk->length = (size_t) length;
	walk->target[length] = '\0';
	return true;
}

// getdents64(2) itself: opendir(3) would take 32 KiB from malloc for every process.
static bool fill(struct fd_walk *walk)
{
	ssize_t got;

	if (walk->folder < 0)
		return false;
	got = getdents64(walk->folder, walk->entries, sizeof(walk->entries));
	walk->at = 0;
	walk->end = got > 0 ? (size_t) got : 0;
	return walk->end > 0;
}

int fd_walk_next(struct fd_walk *walk)
{
	while (walk->at < walk->end || fill(walk)) {
		const struct dirent64 *entry = (const struct dirent64 *) (walk->entries + walk->at);

		walk->at += entry->d_reclen;
		walk->name = entry->d_name;
		if (parse_fd(walk->name, &walk->fd) && read_target(walk))
			return 1;
	}
	return 0;
}

int64_t fd_walk_inode(const struct fd_walk *walk, const char *prefix)
{
	size_t length = strlen(prefix);
	int64_t inode = 0;
	const char *at = walk->target + length;

	if (strncmp(walk->target, prefix, length) != 0 || *at == ']')
		return -1;
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(inode, 10, &inode) ||
			__builtin_add_overflow(inode, *at - '0', &inode))
			return -1;
	return strcmp(at, "]") == 0 ? inode : -1;
}
