// SPDX-License-Identifier: Apache-2.0
// Results and status lines on standard output, which may be a pipe that nobody reads: never waits.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "output/output.h"
#include "output/status.h"

enum { HELD_BYTES = 64 * 1024 };

struct standard_output {
	int fd; // that of a pipe or a terminal opened once more, so that only we do not wait
	bool opened; // `fd` is ours
	bool is_socket;
	bool polls; // it could not be opened once more: asked before each piece
	bool in_line; // results were taken up to the middle of a line
	struct text held; // status lines that wait for its end
};

static int begin(void *state, const struct flags *flags, struct fault *why)
{
	struct standard_output *output = state;
	struct stat status;

	(void) flags;
	(void) why;
	output->fd = STDOUT_FILENO;
	if (fstat(STDOUT_FILENO, &status) < 0)
		return 0; // writing says why
	output->is_socket = S_ISSOCK(status.st_mode);
	if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) {
		int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

		output->opened = fd >= 0;
		output->polls = fd < 0;
		output->fd = fd >= 0 ? fd : STDOUT_FILENO;
	}
	return 0;
}

static void end(void *state)
{
	struct standard_output *output = state;

	if (output->opened)
		(void) close(output->fd);
	text_done(&output->held);
}

// A pipe that says it is ready takes PIPE_BUF bytes at once, unless someone else is faster.
static ssize_t write_ready(int fd, const char *bytes, size_t length)
{
	struct pollfd ready = { .fd = fd, .events = POLLOUT };

	if (poll(&ready, 1, 0) < 0)
		return -1;
	if (ready.revents & (POLLERR | POLLNVAL)) {
		errno = ready.revents & POLLNVAL ? EBADF : EPIPE;
		return -1;
	}
	if (!(ready.revents & POLLOUT)) {
		errno = EAGAIN;
		return -1;
	}
	return write(fd, bytes, length < PIPE_BUF ? length : PIPE_BUF);
}

// How many bytes were taken, 0 when that would have to wait.
static ssize_t write_now(
	struct standard_output *output, const char *bytes, size_t length, struct fault *why)
{
	ssize_t written;

	do {
		if (output->is_socket)
			written = send(output->fd, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL);
		else if (output->polls)
			written = write_ready(output->fd, bytes, length);
		else
			written = write(output->fd, bytes, length);
	} while (written < 0 && errno == EINTR);
	if (written < 0 && errno == EAGAIN)
		return 0;
	return written < 0 ? fail(why, -errno, "standard output: %m") : written;
}

// What of the held lines is not taken is gone, but a line is not torn.
static void release_held(struct standard_output *output)
{
	const char *bytes = output->held.bytes;
	size_t rest = output->held.length;

	while (rest > 0) {
		size_t length = (size_t) ((char *) memchr(bytes, '\n', rest) + 1 - bytes);

		if (write_now(output, bytes, length, NULL) != (ssize_t) length)
			break;
		bytes += length;
		rest -= length;
	}
	text_clear(&output->held);
}

static ssize_t put(
	void *state, enum channel channel, const char *bytes, size_t length, struct fault *why)
{
	struct standard_output *output = state;
	ssize_t written = write_now(output, bytes, length, why);

	(void) channel;
	if (written > 0)
		output->in_line = bytes[written - 1] != '\n';
	if (written > 0 && !output->in_line)
		release_held(output);
	return written;
}

// A line of at most PIPE_BUF bytes is taken by a pipe as a whole or not at all.
static void put_status(void *state, const struct log_entry *entry)
{
	struct standard_output *output = state;
	auto_text struct text line = { 0 };

	status_add_text(&line, entry);
	if (line.length > PIPE_BUF - 1)
		line.length = PIPE_BUF - 1;
	text_add_char(&line, '\n');
	if (!output->in_line)
		(void) write_now(output, line.bytes, line.length, NULL);
	else if (output->held.length + line.length <= HELD_BYTES)
		text_add(&output->held, line.bytes, line.length);
}

const struct output output_stdout = {
	.name = "stdout",
	.about = "Standard output.",
	.state_bytes = sizeof(struct standard_output),
	.open = begin,
	.close = end,
	.write = put,
	.status = put_status,
};
