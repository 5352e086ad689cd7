// SPDX-License-Identifier: Apache-2.0
#include "daemon/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/base.h"

enum {
	LAST_WAIT_MS = 5000, // for a process that was killed
	TRIES = 16, // to lock the file that stands at the path
	LOCKS_BYTES = 4 << 20, // of /proc/locks
};

// ---- who holds the lock ----

static pid_t parse_pid(const char *text)
{
	auto_free char *copy = must_dup(text);
	int64_t pid;

	if (text_integer(text_trim(copy), 10, &pid) < 0 || pid <= 1 || pid > INT32_MAX)
		return 0;
	return (pid_t) pid;
}

static pid_t read_pid(int fd)
{
	char text[32];
	ssize_t length = pread(fd, text, sizeof(text) - 1, 0);

	if (length <= 0)
		return 0;
	text[length] = '\0';
	return strlen(text) == (size_t) length ? parse_pid(text) : 0;
}

// A line of /proc/locks: "1: FLOCK  ADVISORY  WRITE 712 00:19:1051 0 EOF".
static bool is_lock(char *line, pid_t pid, uint64_t inode)
{
	static const char *const kind[] = { "FLOCK", "ADVISORY", "WRITE" };
	const char *colon, *word = text_word(&line, " ");
	uint64_t number;
	int64_t holder;

	for (size_t i = 0; i < 3; i++) {
		word = text_word(&line, " ");
		if (!word || strcmp(word, kind[i]) != 0)
			return false;
	}
	word = text_word(&line, " ");
	if (!word || text_integer(word, 10, &holder) < 0 || holder != pid)
		return false;
	// The device is that of the file system as a whole, which stat(2) does not always give
	// (btrfs, overlayfs): the inode has to do.
	word = text_word(&line, " ");
	colon = word ? strrchr(word, ':') : NULL;
	return colon && text_unsigned(colon + 1, 10, &number) == 0 && number == inode;
}

static bool holds_lock(pid_t pid, uint64_t inode)
{
	struct arena arena = { 0 };
	auto_close int fd = open("/proc/locks", O_RDONLY | O_CLOEXEC);
	size_t size;
	char *rest = fd >= 0 ? fd_read(fd, LOCKS_BYTES, &arena, &size) : NULL;
	char *line;
	bool found = false;

	while (rest && !found && (line = text_line(&rest)))
		found = is_lock(line, pid, inode);
	arena_done(&arena);
	return found;
}

static bool is_same_program(pid_t pid)
{
	struct stat ours, theirs;
	char path[48];

	(void) snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	return stat("/proc/self/exe", &ours) == 0 && stat(path, &theirs) == 0 &&
		ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

// By its name, or because it runs this very program.
static bool is_daemon(pid_t pid)
{
	char path[48], name[32];

	(void) snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	if (read_small(AT_FDCWD, path, name, sizeof(name)) < 0)
		return false;
	return strcmp(text_trim(name), "osqueryd") == 0 || is_same_program(pid);
}

// The file says who holds it; that is believed when the kernel says so as well, and that it is an
// osqueryd. The descriptor is opened before all of that, so that what was checked is what it is.
// 0 when nobody holds the file who can be told.
static pid_t find_holder(int file, const char *path, int *pidfd, struct fault *why)
{
	pid_t pid = read_pid(file);
	auto_close int process = -1;
	struct stat status;

	if (pid > 1)
		process = (int) syscall(SYS_pidfd_open, pid, 0);
	if (process < 0 || fstat(file, &status) < 0 || !holds_lock(pid, status.st_ino))
		return 0;
	if (!is_daemon(pid))
		return fail(
			why, -ESRCH, "%s is held by process %d, which is no osqueryd", path, pid);
	*pidfd = take_fd(&process);
	return pid;
}

// Does not try the lock, which would make a daemon that starts just now believe that it is taken.
pid_t pidfile_holder(const char *path, int *pidfd, struct fault *why)
{
	auto_close int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0)
		return fail(why, -errno, "pidfile %s: %m", path);
	return find_holder(fd, path, pidfd, why);
}

static bool is_gone(int pidfd, int64_t wait_ms)
{
	struct pollfd waiting = { .fd = pidfd, .events = POLLIN };

	return poll(&waiting, 1, wait_ms > INT32_MAX ? -1 : (int) wait_ms) > 0;
}

int pidfile_end(int pidfd, int64_t patience_ms)
{
	if (syscall(SYS_pidfd_send_signal, pidfd, SIGTERM, NULL, 0) < 0)
		return errno == ESRCH ? 0 : -errno;
	if (is_gone(pidfd, patience_ms))
		return 0;
	(void) syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	return is_gone(pidfd, LAST_WAIT_MS) ? 0 : -ETIME;
}

// ---- taking the file ----

static int open_file(const char *path, struct fault *why)
{
	auto_close int fd = open(
		path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	struct stat status;

	if (fd < 0)
		return fail(why, -errno, "pidfile %s: %m", path);
	if (fstat(fd, &status) < 0)
		return fail(why, -errno, "pidfile %s: %m", path);
	// what somebody laid there must not be written over: a device, a link to another file
	if (!S_ISREG(status.st_mode) || status.st_nlink > 1)
		return fail(why, -EINVAL, "pidfile %s is no file of its own", path);
	return take_fd(&fd);
}

// Whether the file is still the one at the path: a daemon that stops removes it.
static bool is_current(int fd, const char *path)
{
	struct stat opened, named;

	return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 &&
		opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

static int refuse_or_end(
	int file, const char *path, bool force, int64_t patience_ms, struct fault *why)
{
	auto_close int pidfd = -1;
	pid_t pid = find_holder(file, path, &pidfd, why);

	if (pid < 0)
		return pid;
	if (pid == 0)
		return fail(
			why, -EEXIST, "pidfile %s is held by a process that can't be told", path);
	if (!force)
		return fail(why, -EEXIST, "osqueryd (%d) is already running", pid);
	if (pidfile_end(pidfd, patience_ms) < 0)
		return fail(
			why, -EEXIST, "osqueryd (%d) is already running and can't be ended", pid);
	return 0;
}

static int write_pid(int fd, const char *path, struct fault *why)
{
	char text[16];
	int length = snprintf(text, sizeof(text), "%d\n", getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t) length, 0) != length)
		return fail(why, errno ? -errno : -EIO, "pidfile %s: %m", path);
	return 0;
}

int pidfile_open(struct pidfile *pidfile, const char *path, bool force, int64_t patience_ms,
	struct fault *why)
{
	for (int i = 0; i < TRIES; i++) {
		auto_close int fd = open_file(path, why);
		int r;

		if (fd < 0)
			return fd;
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			r = refuse_or_end(fd, path, force, patience_ms, why);
			if (r < 0)
				return r;
			continue;
		}
		if (!is_current(fd, path))
			continue;
		r = write_pid(fd, path, why);
		if (r < 0)
			return r;
		*pidfile = (struct pidfile){ .fd = take_fd(&fd), .path = must_dup(path) };
		return 0;
	}
	return fail(why, -EBUSY, "pidfile %s changes all the time", path);
}

void pidfile_leave(struct pidfile *pidfile)
{
	if (pidfile->fd >= 0)
		(void) close(pidfile->fd);
	free(pidfile->path);
	*pidfile = (struct pidfile){ .fd = -1 };
}

void pidfile_close(struct pidfile *pidfile)
{
	if (pidfile->fd >= 0 && is_current(pidfile->fd, pidfile->path))
		(void) unlink(pidfile->path);
	pidfile_leave(pidfile);
}
