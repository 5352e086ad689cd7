// SPDX-License-Identifier: Apache-2.0
// A pipe to which a log daemon (rsyslog) writes lines. What is beyond the rate stays in the pipe,
// where the daemon notices it.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "events/pace.h"
#include "events/source.h"
#include "events/syslog_line.h"

enum {
	LINE_BYTES = 32 << 10, // what is longer is cut
	PIECE_BYTES = 4096, // read at once: what a crash loses, and what goes beyond the rate
	PASS_MS = 200,
	READ_MS = 5,
	MOST_ERRORS = 10, // in a row
	MODE = 0460, // the log daemon's group writes
};

struct state {
	int fd;
	struct pace pace;
	bool opened;
	bool cutting; // the rest of a line that was too long is passed over
	unsigned errors;
	bool warned;
	size_t length;
	char bytes[LINE_BYTES + 1];
};

static bool is_wanted(const struct event_settings *settings, uint32_t kinds)
{
	return kinds != 0 && flags_bool(settings->flags, "enable_syslog");
}

// ---- opening ----

static void admit_log_daemon(int fd, const char *path)
{
	const struct group *group = getgrnam("syslog");

	if (fchmod(fd, MODE) < 0 || (group && fchown(fd, (uid_t) -1, group->gr_gid) < 0))
		log_warning("syslog: %s: the log daemon may not be able to write to it: %s", path,
			strerror(errno));
}

// Opened for writing as well, it has no end when the log daemon closes its side.
static int open_pipe(const char *path, struct fault *why)
{
	bool made = mkfifo(path, MODE) == 0;
	auto_close int fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	struct stat status;

	if (fd < 0 && errno == EACCES)
		fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &status) < 0)
		return fail(why, -errno, "syslog: %s: %m", path);
	if (!S_ISFIFO(status.st_mode))
		return fail(why, -EINVAL, "syslog: %s is no pipe", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fail(why, -errno, "syslog: another process reads %s", path);
	if (made)
		admit_log_daemon(fd, path);
	return take_fd(&fd);
}

static int open_source(struct source *source, const char *position, struct fault *why)
{
	struct state *state = source->state;
	const char *path = flags_string(source->settings->flags, "syslog_pipe_path");
	int r;

	(void) position; // a pipe has none
	state->fd = open_pipe(path, why);
	if (state->fd < 0)
		return state->fd;
	r = pace_open(&state->pace, why);
	if (r == 0)
		r = pace_watch(&state->pace, state->fd, why);
	if (r < 0) {
		pace_close(&state->pace);
		(void) close(state->fd);
		return r;
	}
	state->opened = true;
	source->fd = state->pace.ready;
	(void) snprintf(source->choice, sizeof(source->choice), "reads %s", path);
	return 0;
}

// ---- reading ----

static void give_line(struct source *source, struct state *state, char *line)
{
	const char *fields[N_SYSLOG_FIELDS];
	struct event_field named[N_SYSLOG_FIELDS + 1] = { { NULL, NULL } };
	struct event event = {
		.kind = EVENT_SYSLOG,
		.time_ns = clock_read_ms(CLOCK_REALTIME) * 1000000,
		.uptime_ns = clock_read_ms(CLOCK_BOOTTIME) * 1000000,
		.duration_ns = -1,
		.fd = -1,
		.record.message = "",
		.record.fields = named,
	};

	if (!syslog_line_read(line, fields)) {
		source->counts.received++;
		source->counts.dropped_queue++;
		state->errors++;
		if (!state->warned)
			log_warning("syslog: a line does not have the %d fields of CSV",
				N_SYSLOG_FIELDS);
		state->warned = true;
		return;
	}
	state->errors = 0;
	for (int i = 0; i < N_SYSLOG_FIELDS; i++)
		named[i] = (struct event_field){ syslog_field_names[i], fields[i] };
	source_give(source, &event);
}

// Gives up to `most` of the lines that were read. How many.
static uint64_t give_lines(struct source *source, struct state *state, uint64_t most)
{
	char *start = state->bytes, *end = state->bytes + state->length;
	uint64_t lines = 0;

	while (lines < most && start < end) {
		char *newline = memchr(start, '\n', (size_t) (end - start));
		bool full = start == state->bytes && state->length == LINE_BYTES;

		if (!newline && !full)
			break;
		if (newline)
			*newline = '\0';
		else
			*end = '\0';
		if (!state->cutting) {
			give_line(source, state, start);
			lines++;
			source->counts.dropped_queue += !newline; // a part of it
		}
		state->cutting = !newline;
		start = newline ? newline + 1 : end;
	}
	state->length = (size_t) (end - start);
	memmove(state->bytes, start, state->length);
	return lines;
}

// What one read(2) gives; 0 when there is nothing, or nobody who writes.
static ssize_t read_piece(struct state *state, struct fault *why)
{
	size_t room = LINE_BYTES - state->length;
	ssize_t length = read(
		state->fd, state->bytes + state->length, room < PIECE_BYTES ? room : PIECE_BYTES);

	if (length < 0)
		return errno == EAGAIN || errno == EINTR
			? 0
			: fail(why, -errno, "syslog: cannot read the pipe: %m");
	state->length += (size_t) length;
	return length;
}

static int read_source(struct source *source, struct fault *why)
{
	struct state *state = source->state;
	int64_t limit = flags_integer(source->settings->flags, "syslog_rate_limit");
	uint64_t most = limit > 0 ? (uint64_t) limit : UINT64_MAX;
	int64_t end_ms = clock_ms() + READ_MS;
	ssize_t length;

	pace_woken(&state->pace);
	do {
		most -= give_lines(source, state, most);
		if (state->errors > MOST_ERRORS)
			return fail(why, -EPROTO,
				"syslog: more than %d lines in a row are not as they should be",
				MOST_ERRORS);
		if (most == 0) {
			pace_sleep(&state->pace, PASS_MS);
			return 0;
		}
		length = read_piece(state, why);
		if (length < 0)
			return (int) length;
		if (clock_ms() >= end_ms && length > 0)
			return 1;
	} while (length > 0);
	pace_wait(&state->pace, 0);
	return 0;
}

static void close_source(struct source *source, bool keep)
{
	struct state *state = source->state;

	(void) keep;
	if (!state->opened)
		return;
	// those beyond the rate; what else there is stays in the pipe
	for (size_t i = 0; i < state->length; i++)
		source->counts.dropped_queue += state->bytes[i] == '\n';
	pace_close(&state->pace);
	(void) close(state->fd);
}

const struct event_source event_source_syslog = {
	.name = "syslog",
	.about = "Lines that a log daemon writes to a pipe.",
	.order = 10,
	.kinds = EVENT_BIT(EVENT_SYSLOG),
	.state_bytes = sizeof(struct state),
	.is_wanted = is_wanted,
	.open = open_source,
	.read = read_source,
	.close = close_source,
};
