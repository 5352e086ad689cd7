// SPDX-License-Identifier: Apache-2.0
// Results, snapshots and status lines in files of the folder logger_path.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "output/log_file.h"
#include "output/output.h"
#include "output/status_files.h"

struct channel_file {
	char path[PATH_MAX];
	int fd; // -1: not open
	bool in_line; // its last byte does not end a line
	bool stuck; // it could not be rotated, and that was said
};

struct filesystem {
	char folder[PATH_MAX];
	mode_t mode;
	bool rotate;
	uint64_t rotate_bytes, most_files;
	struct channel_file files[N_CHANNELS];
	struct status_files status;
};

static int read_mode(const struct flags *flags, mode_t *mode, struct fault *why)
{
	const char *text = flags_string(flags, "logger_mode");
	int64_t value;

	if (strlen(text) > 5 || text[strspn(text, "01234567")] ||
		text_integer(text, 8, &value) < 0 || value < 1 || value > 07777)
		return fail(why, -EINVAL,
			"logger_mode is \"%s\": an octal mode from 1 to 7777 is wanted", text);
	*mode = (mode_t) value;
	return 0;
}

static int begin(void *state, const struct flags *flags, struct fault *why)
{
	static const char *const names[] = { [CHANNEL_RESULTS] = "osqueryd.results.log",
		[CHANNEL_SNAPSHOTS] = "osqueryd.snapshots.log" };
	struct filesystem *filesystem = state;
	const char *folder = flags_string(flags, "logger_path");
	size_t length = strlen(folder);
	int64_t megabytes = flags_integer(flags, "max_log_size");
	int r = read_mode(flags, &filesystem->mode, why);

	if (r < 0)
		return r;
	while (length > 1 && folder[length - 1] == '/')
		length--;
	if (length == 0 || length >= sizeof(filesystem->folder))
		return fail(why, -EINVAL, "logger_path: \"%.100s\" is no folder", folder);
	(void) snprintf(
		filesystem->folder, sizeof(filesystem->folder), "%.*s", (int) length, folder);
	filesystem->rotate = flags_bool(flags, "logger_rotate");
	filesystem->rotate_bytes = (uint64_t) flags_integer(flags, "logger_rotate_size");
	filesystem->most_files = (uint64_t) flags_integer(flags, "logger_rotate_max_files");
	for (int i = 0; i < N_CHANNELS; i++) {
		struct channel_file *file = &filesystem->files[i];

		file->fd = -1;
		if ((size_t) snprintf(file->path, sizeof(file->path), "%s/%s", filesystem->folder,
			    names[i]) >= sizeof(file->path))
			return fail(why, -ENAMETOOLONG, "logger_path is too long");
	}
	status_files_init(&filesystem->status, filesystem->folder, "osqueryd", filesystem->mode,
		(uint64_t) (megabytes > 0 ? megabytes : 1) << 20);
	return 0;
}

static void close_file(struct channel_file *file)
{
	if (file->fd >= 0)
		(void) close(file->fd);
	file->fd = -1;
}

static void end(void *state)
{
	struct filesystem *filesystem = state;

	for (int i = 0; i < N_CHANNELS; i++)
		close_file(&filesystem->files[i]);
	status_files_done(&filesystem->status);
}

// ---- the file of a channel ----

// Whether the path still leads to the open file, which logrotate may have moved away.
static bool is_there(const struct channel_file *file)
{
	struct stat there, ours;

	return file->fd >= 0 && lstat(file->path, &there) == 0 && fstat(file->fd, &ours) == 0 &&
		there.st_ino == ours.st_ino && there.st_dev == ours.st_dev;
}

static int open_file(struct channel_file *file, mode_t mode, struct fault *why)
{
	struct stat status;
	char last;
	int fd = log_file_open(file->path, mode, why);

	if (fd < 0)
		return fd;
	close_file(file);
	file->fd = fd;
	file->in_line = fstat(fd, &status) == 0 && status.st_size > 0 &&
		pread(fd, &last, 1, status.st_size - 1) == 1 && last != '\n';
	return 0;
}

// Where that is not possible lines still go to the file as it is.
static int rotate(struct filesystem *filesystem, struct channel_file *file, struct fault *why)
{
	struct fault reason;
	int r = log_file_rotate(file->path, filesystem->most_files, filesystem->mode, &reason);

	if (r < 0 && !file->stuck)
		log_warning("%s was not rotated: %s", file->path, reason.text);
	file->stuck = r < 0;
	return is_there(file) ? 0 : open_file(file, filesystem->mode, why);
}

// A line is not torn: its rest goes where it began, and then comes the new file.
static int find_mark(void *state, enum channel channel, struct outbox_mark *mark, struct fault *why)
{
	struct filesystem *filesystem = state;
	struct channel_file *file = &filesystem->files[channel];
	struct stat status;
	int r = 0;

	if (file->fd < 0 || (!file->in_line && !is_there(file)))
		r = open_file(file, filesystem->mode, why);
	if (r < 0)
		return r;
	if (fstat(file->fd, &status) < 0)
		return fail(why, -errno, "%s: %m", file->path);
	if (filesystem->rotate && !file->in_line && status.st_size > 0 &&
		(uint64_t) status.st_size >= filesystem->rotate_bytes) {
		r = rotate(filesystem, file, why);
		if (r < 0)
			return r;
		if (fstat(file->fd, &status) < 0)
			return fail(why, -errno, "%s: %m", file->path);
	}
	*mark = (struct outbox_mark){ status.st_ino, (uint64_t) status.st_size };
	return 0;
}

static ssize_t put(
	void *state, enum channel channel, const char *bytes, size_t length, struct fault *why)
{
	struct filesystem *filesystem = state;
	struct channel_file *file = &filesystem->files[channel];
	ssize_t written;

	if (file->fd < 0)
		return fail(why, -EBADF, "%s: is not open", file->path);
	written = log_file_append(file->fd, file->path, bytes, length, why);
	if (written > 0)
		file->in_line = bytes[written - 1] != '\n';
	return written;
}

// ---- after a crash ----

// How many of the bytes stand in the file from `position` to its end. If it goes on otherwise, what
// stands there is not ours.
static size_t count_there(int fd, uint64_t position, const char *bytes, size_t length)
{
	char there[16 * 1024];
	size_t count = 0;

	while (count < length) {
		size_t rest = length - count;
		size_t size = rest < sizeof(there) ? rest : sizeof(there);
		ssize_t got = pread(fd, there, size, (off_t) (position + count));

		if (got < 0)
			return 0;
		if (got == 0)
			break;
		if (memcmp(there, bytes + count, (size_t) got) != 0)
			return 0;
		count += (size_t) got;
	}
	return count;
}

// The file of the mark is that of the channel, or the one before it, if it was rotated meanwhile.
static size_t find_already(void *state, enum channel channel, const struct outbox_mark *mark,
	const char *bytes, size_t length)
{
	struct filesystem *filesystem = state;
	char path[PATH_MAX + 2];

	for (int i = 0; i < 2; i++) {
		auto_close int fd = -1;
		struct stat status;

		(void) snprintf(
			path, sizeof(path), "%s%s", filesystem->files[channel].path, i ? ".1" : "");
		fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) &&
			status.st_ino == mark->file && mark->position <= INT64_MAX)
			return count_there(fd, mark->position, bytes, length);
	}
	return 0;
}

static void put_status(void *state, const struct log_entry *entry)
{
	struct filesystem *filesystem = state;

	status_files_write(&filesystem->status, entry);
}

const struct output output_filesystem = {
	.name = "filesystem",
	.about = "Files in the folder logger_path.",
	.state_bytes = sizeof(struct filesystem),
	.open = begin,
	.close = end,
	.mark = find_mark,
	.already = find_already,
	.write = put,
	.status = put_status,
};
