// SPDX-License-Identifier: Apache-2.0
#include "base/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/auto.h"

int root_open(struct root *root, const char *path, struct fault *why)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return fail(why, -errno, "root: %s: %m", path);
	root->fd = fd;
	root->moved = strcmp(path, "/") != 0;
	return 0;
}

void root_close(struct root *root)
{
	if (root->fd >= 0)
		(void) close(root->fd);
	root->fd = -1;
}

static const char *below(const char *path)
{
	while (*path == '/')
		path++;
	return *path ? path : ".";
}

int root_openat(const struct root *root, const char *path, int flags)
{
	struct open_how how = { .flags = (unsigned) flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };

	if (!root->moved)
		return openat(root->fd, below(path), flags | O_CLOEXEC);
	return (int) syscall(SYS_openat2, root->fd, below(path), &how, sizeof(how));
}

FILE *root_fopen(const struct root *root, const char *path)
{
	auto_close int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	FILE *file;

	if (fd < 0 || fstat(fd, &status) < 0)
		return NULL;
	if (!S_ISREG(status.st_mode)) { // a device may never end
		errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		return NULL;
	}
	file = fdopen(fd, "re");
	if (file)
		(void) take_fd(&fd); // the file closes it
	return file;
}

int root_parent(const struct root *root, const char *path, const char **last)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash ? (size_t) (slash - path) : 0;

	if (length >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(folder, path, length);
	folder[length] = '\0';
	*last = slash ? slash + 1 : path;
	if (**last == '\0' || strcmp(*last, "..") == 0)
		*last = ".";
	return root_openat(root, folder, O_PATH | O_DIRECTORY);
}

ssize_t root_readlink(const struct root *root, const char *path, char *target, size_t size)
{
	auto_close int parent = -1;
	const char *last;
	ssize_t length;

	if (!root->moved) {
		length = readlinkat(root->fd, below(path), target, size - 1);
	} else {
		parent = root_parent(root, path, &last);
		if (parent < 0)
			return -1;
		length = readlinkat(parent, last, target, size - 1);
	}
	if (length >= 0)
		target[length] = '\0';
	return length;
}

int root_stat(const struct root *root, const char *path, struct stat *status, int flags)
{
	auto_close int fd = -1;
	const char *last;

	if (!root->moved)
		return fstatat(root->fd, below(path), status, flags);
	if (flags & AT_SYMLINK_NOFOLLOW) {
		fd = root_parent(root, path, &last);
		return fd < 0 ? -1 : fstatat(fd, last, status, flags);
	}
	fd = root_openat(root, path, O_PATH);
	return fd < 0 ? -1 : fstat(fd, status);
}

// A NUL would hide all that follows from whoever reads the bytes as text.
static void hide_nul(char *bytes, size_t length)
{
	char *nul;

	while ((nul = memchr(bytes, '\0', length))) {
		*nul = ' ';
		length -= (size_t) (nul + 1 - bytes);
		bytes = nul + 1;
	}
}

// Files of /proc and /sys say that they are empty or one page long, so the size only is a first
// guess.
char *fd_read(int fd, size_t limit_bytes, struct arena *arena, size_t *size_bytes)
{
	enum { LEAST = 4096 };
	struct stat status;
	size_t room, length = 0;
	char *bytes;

	if (fstat(fd, &status) < 0)
		return NULL;
	if (!S_ISREG(status.st_mode)) {
		errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		return NULL;
	}
	if (status.st_size > 0 && (size_t) status.st_size > limit_bytes) {
		errno = EFBIG;
		return NULL;
	}
	room = status.st_size > LEAST ? (size_t) status.st_size + 1 : LEAST;
	bytes = arena_alloc(arena, room);

	for (;;) {
		ssize_t got = read(fd, bytes + length, room - length - 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return NULL;
		if (got == 0)
			break;
		length += (size_t) got;
		if (length > limit_bytes) {
			errno = EFBIG;
			return NULL;
		}
		if (room - length - 1 == 0) {
			char *larger = arena_alloc(arena, room * 2);

			memcpy(larger, bytes, length);
			bytes = larger;
			room *= 2;
		}
	}
	bytes[length] = '\0';
	if (size_bytes)
		*size_bytes = length;
	else
		hide_nul(bytes, length);
	return bytes;
}

char *root_read(const struct root *root, const char *path, size_t limit_bytes, struct arena *arena,
	size_t *size_bytes)
{
	auto_close int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);

	return fd < 0 ? NULL : fd_read(fd, limit_bytes, arena, size_bytes);
}

ssize_t read_small(int folder, const char *path, char *buffer, size_t size)
{
	int fd = openat(folder, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t length;
	int error;

	if (fd < 0)
		return -1;
	do {
		length = read(fd, buffer, size - 1);
	} while (length < 0 && errno == EINTR);
	error = errno;
	(void) close(fd);
	buffer[length < 0 ? 0 : length] = '\0';
	errno = error;
	return length;
}
