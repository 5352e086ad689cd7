// SPDX-License-Identifier: Apache-2.0
// Results and status lines for the system's log: a datagram for each line (RFC 3164), on a socket
// of our own, because syslog(3) may wait for ever and cannot say that a line was lost.
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "output/output.h"
#include "output/status.h"

enum {
	LINE_BYTES = 1 << 20, // kernels take some 200 KB in a datagram
	WARNING_S = 60, // between two warnings of lines that are too long
};

// Of RFC 3164; <syslog.h> gives them the names of our own severities.
enum { PRIORITY_ERROR = 3, PRIORITY_WARNING = 4, PRIORITY_INFO = 6, FACILITIES = 24 };

struct system_log {
	int fd; // -1: not connected
	struct sockaddr_un address;
	int facility;
	bool cee;
	bool in_long; // within a line whose beginning was left out
	uint64_t n_long; // lines left out that nobody was told of yet
	size_t longest;
	int64_t warned_s;
	struct text datagram;
};

static int begin(void *state, const struct flags *flags, struct fault *why)
{
	struct system_log *log = state;
	const char *path = flags_string(flags, "logger_syslog_socket");
	int64_t facility = flags_integer(flags, "logger_syslog_facility");

	log->fd = -1;
	if (facility < 0 || facility >= FACILITIES)
		return fail(why, -EINVAL, "logger_syslog_facility is %lld: 0 to %d are wanted",
			(long long) facility, FACILITIES - 1);
	if (strlen(path) >= sizeof(log->address.sun_path))
		return fail(why, -ENAMETOOLONG, "logger_syslog_socket: %s: is too long", path);
	log->address.sun_family = AF_UNIX;
	memcpy(log->address.sun_path, path, strlen(path) + 1);
	log->facility = (int) facility;
	log->cee = flags_bool(flags, "logger_syslog_prepend_cee");
	return 0;
}

static void disconnect(struct system_log *log)
{
	if (log->fd >= 0)
		(void) close(log->fd);
	log->fd = -1;
}

static void end(void *state)
{
	struct system_log *log = state;

	disconnect(log);
	text_done(&log->datagram);
}

static int connect_log(struct system_log *log)
{
	int fd;

	if (log->fd >= 0)
		return 0;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	log->fd = fd;
	if (connect(fd, (const struct sockaddr *) &log->address, sizeof(log->address)) == 0)
		return 0;
	fd = -errno;
	disconnect(log);
	return fd;
}

// <PRI>Mon dd hh:mm:ss osqueryd[pid]:
static void begin_datagram(struct system_log *log, int severity)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = time(NULL);
	struct tm day;

	(void) localtime_r(&now, &day);
	text_clear(&log->datagram);
	text_printf(&log->datagram, "<%d>%.3s %2d %02d:%02d:%02d osqueryd[%d]: %s",
		log->facility << 3 | severity, months + 3 * day.tm_mon, day.tm_mday, day.tm_hour,
		day.tm_min, day.tm_sec, getpid(), log->cee ? "@cee: " : "");
}

// 1 when the datagram was taken, 0 when that would have to wait, or a negative errno. A log that
// was started anew has another socket: it is looked for once.
static int send_datagram(struct system_log *log)
{
	for (int attempt = 0;; attempt++) {
		int r = connect_log(log);

		if (r < 0)
			return r;
		if (send(log->fd, log->datagram.bytes, log->datagram.length, MSG_NOSIGNAL) >= 0)
			return 1;
		r = -errno;
		if (r == -EAGAIN || r == -EINTR)
			return 0;
		if (r == -EMSGSIZE)
			return r;
		disconnect(log);
		if (attempt > 0)
			return r;
	}
}

// A line that no datagram can hold would block all others for ever, and its beginning alone is no
// document: it is left out, and counted.
static void leave_out(struct system_log *log, size_t length)
{
	struct timespec now;

	log->n_long++;
	if (length > log->longest)
		log->longest = length;
	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	if (log->warned_s && now.tv_sec - log->warned_s < WARNING_S)
		return;
	log_warning("output syslog: %llu lines were left out, as they are too long for a datagram; "
		    "the longest has %zu bytes",
		(unsigned long long) log->n_long, log->longest);
	log->warned_s = now.tv_sec;
	log->n_long = 0;
	log->longest = 0;
}

// As send_datagram, with 1 also for lines that are left out.
static int send_line(struct system_log *log, const char *bytes, size_t length)
{
	int r;

	// the rest of a line whose beginning was delivered before the program was started
	if (length == 0 || *bytes != '{')
		return 1;
	if (length > LINE_BYTES) {
		leave_out(log, length);
		return 1;
	}
	begin_datagram(log, PRIORITY_INFO);
	text_add(&log->datagram, bytes, length);
	r = send_datagram(log);
	if (r != -EMSGSIZE)
		return r;
	leave_out(log, length);
	return 1;
}

// Entries end with lines, but for lines that are longer than an entry: those are too long here.
static ssize_t put(
	void *state, enum channel channel, const char *bytes, size_t length, struct fault *why)
{
	struct system_log *log = state;
	size_t taken = 0;

	(void) channel;
	while (taken < length) {
		const char *line = bytes + taken;
		const char *newline = memchr(line, '\n', length - taken);
		size_t size = newline ? (size_t) (newline - line) : length - taken;
		int r = 1;

		if (!newline && !log->in_long)
			leave_out(log, size);
		else if (!log->in_long)
			r = send_line(log, line, size);
		if (r < 0 && taken == 0)
			return fail(why, r, "%s: %s", log->address.sun_path, strerror(-r));
		if (r <= 0)
			break;
		log->in_long = !newline;
		taken += size + (newline != NULL);
	}
	return (ssize_t) taken;
}

static void put_status(void *state, const struct log_entry *entry)
{
	static const int severities[] = { PRIORITY_INFO, PRIORITY_INFO, PRIORITY_WARNING,
		PRIORITY_ERROR };
	struct system_log *log = state;

	begin_datagram(log, severities[entry->severity + 1]);
	status_add_text(&log->datagram, entry);
	(void) send_datagram(log);
}

const struct output output_syslog = {
	.name = "syslog",
	.about = "The system's log, by its socket /dev/log.",
	.state_bytes = sizeof(struct system_log),
	.open = begin,
	.close = end,
	.write = put,
	.status = put_status,
};
