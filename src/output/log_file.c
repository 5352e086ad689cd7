// SPDX-License-Identifier: Apache-2.0
#include "output/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/module.h"
#include "modules/zstd/zstd.h"

enum { NAME_ROOM = PATH_MAX + 40 }; // with a number and an ending

static int make_folders(const char *path, struct fault *why)
{
	char folder[PATH_MAX];
	char *slash = folder;

	if (strlen(path) >= sizeof(folder))
		return fail(why, -ENAMETOOLONG, "%.100s…: the path is too long", path);
	(void) snprintf(folder, sizeof(folder), "%s", path);
	while ((slash = strchr(slash + 1, '/'))) {
		*slash = '\0';
		if (mkdir(folder, 0755) < 0 && errno != EEXIST)
			return fail(why, -errno, "%s: %m", folder);
		*slash = '/';
	}
	return 0;
}

int log_file_open(const char *path, mode_t mode, struct fault *why)
{
	const int flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
		O_CLOEXEC;
	auto_close int fd = open(path, flags, mode);
	struct stat status;
	int r;

	if (fd < 0 && errno == ENOENT) {
		r = make_folders(path, why);
		if (r < 0)
			return r;
		fd = open(path, flags, mode);
	}
	if (fd < 0 && errno == ELOOP)
		return fail(why, -ELOOP, "%s: is a symbolic link, which is not followed", path);
	if (fd < 0 || fstat(fd, &status) < 0)
		return fail(why, -errno, "%s: %m", path);
	if (!S_ISREG(status.st_mode))
		return fail(why, -EINVAL, "%s: is no regular file", path);
	if ((status.st_mode & 07777) != mode)
		(void) fchmod(fd, mode);
	return take_fd(&fd);
}

ssize_t log_file_append(
	int fd, const char *path, const char *bytes, size_t length, struct fault *why)
{
	ssize_t written;

	do {
		written = write(fd, bytes, length);
	} while (written < 0 && errno == EINTR);
	if (written < 0)
		return fail(why, -errno, "%s: %m", path);
	if (written == 0 && length > 0)
		return fail(why, -EIO, "%s: takes no bytes", path);
	return written;
}

// ---- rotation ----

static void name_old(char name[NAME_ROOM], const char *path, uint64_t number, const char *ending)
{
	(void) snprintf(name, NAME_ROOM, "%s.%llu%s", path, (unsigned long long) number, ending);
}

static bool exists(const char *path, uint64_t number, const char *ending)
{
	char name[NAME_ROOM];
	struct stat status;

	name_old(name, path, number, ending);
	return lstat(name, &status) == 0;
}

static int move_on(
	const char *path, uint64_t number, uint64_t most, const char *ending, struct fault *why)
{
	char from[NAME_ROOM], to[NAME_ROOM];

	name_old(from, path, number, ending);
	name_old(to, path, number + 1, ending);
	if ((number < most ? rename(from, to) : unlink(from)) < 0 && errno != ENOENT)
		return fail(why, -errno, "%s: %m", from);
	return 0;
}

static int compress(const char *from, const char *to, mode_t mode, struct fault *why)
{
	const struct zstd_library *zstd = module_open("zstd", why);
	auto_close int in = -1, out = -1;
	int r;

	if (!zstd)
		return why->code;
	in = open(from, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (in < 0)
		return fail(why, -errno, "%s: %m", from);
	(void) unlink(to);
	out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
	if (out < 0)
		return fail(why, -errno, "%s: %m", to);
	(void) fchmod(out, mode);
	r = zstd->compress_file(out, in);
	if (r < 0)
		return fail(why, r, "%s: %s", to, strerror(-r));
	return 0;
}

// PATH.N becomes PATH.N.zst. Until that is whole it has another name.
static bool pack(const char *path, uint64_t number, mode_t mode)
{
	char plain[NAME_ROOM], part[NAME_ROOM], packed[NAME_ROOM];
	struct fault why;
	int r;

	name_old(plain, path, number, "");
	name_old(part, path, number, ".zst.part");
	name_old(packed, path, number, ".zst");
	r = compress(plain, part, mode, &why);
	if (r == 0 && rename(part, packed) < 0)
		r = fail(&why, -errno, "%s: %m", packed);
	if (r == 0) {
		(void) unlink(plain);
		return true;
	}
	(void) unlink(part);
	log_warning("%s stays as it is, it could not be compressed: %s", plain, why.text);
	return false;
}

int log_file_rotate(const char *path, uint64_t most, mode_t mode, struct fault *why)
{
	char first[NAME_ROOM];
	uint64_t n = 0;
	bool good = true;
	int r = 0;

	if (most == 0)
		most = 1;
	while (exists(path, n + 1, "") || exists(path, n + 1, ".zst"))
		n++;
	// the last ones first: a crash leaves a gap, but no two of a number; of a file and what a
	// crash has left of it after it was compressed, one is enough
	for (uint64_t i = n; r == 0 && i > 0; i--) {
		bool packed = exists(path, i, ".zst");

		r = move_on(path, i, packed ? 0 : most, "", why);
		if (r == 0 && packed)
			r = move_on(path, i, most, ".zst", why);
	}
	if (r < 0)
		return r;
	for (uint64_t i = 2; good && i <= n + 1; i++)
		good = !exists(path, i, "") || pack(path, i, mode);
	name_old(first, path, 1, "");
	if (rename(path, first) < 0)
		return fail(why, -errno, "%s: %m", path);
	return 0;
}
