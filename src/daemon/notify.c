// SPDX-License-Identifier: Apache-2.0
#include "daemon/notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>

#include "base/base.h"

static void open_socket(struct notify *notify, const char *name)
{
	// a manager that hangs must not make the daemon hang
	struct timeval patience = { .tv_sec = 1 };
	size_t length = strlen(name);
	auto_close int fd = -1;

	if ((*name != '/' && *name != '@') || length < 2 ||
		length >= sizeof(notify->address.sun_path))
		return;
	notify->address.sun_family = AF_UNIX;
	memcpy(notify->address.sun_path, name, length);
	if (*name == '@')
		notify->address.sun_path[0] = '\0';
	notify->address_length = (socklen_t) (offsetof(struct sockaddr_un, sun_path) + length);
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0)
		notify->fd = take_fd(&fd);
}

static int64_t read_ping(void)
{
	const char *period = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	int64_t number;

	if (pid && (text_integer(pid, 10, &number) < 0 || number != getpid()))
		return 0;
	if (!period || text_integer(period, 10, &number) < 0 || number <= 0)
		return 0;
	return number < 4000 ? 1 : number / 2000; // half of it, in milliseconds
}

void notify_open(struct notify *notify)
{
	const char *name = getenv("NOTIFY_SOCKET");

	*notify = (struct notify){ .fd = -1 };
	if (name)
		open_socket(notify, name);
	if (notify->fd >= 0)
		notify->ping_ms = read_ping();
	(void) unsetenv("NOTIFY_SOCKET");
	(void) unsetenv("WATCHDOG_USEC");
	(void) unsetenv("WATCHDOG_PID");
}

void notify_close(struct notify *notify)
{
	if (notify->fd >= 0)
		(void) close(notify->fd);
	notify->fd = -1;
}

void notify_send(const struct notify *notify, const char *format, ...)
{
	char message[512];
	va_list arguments;
	int length;

	if (notify->fd < 0)
		return;
	va_start(arguments, format);
	length = vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	if (length > 0 && (size_t) length < sizeof(message))
		(void) sendto(notify->fd, message, (size_t) length, MSG_NOSIGNAL,
			(const struct sockaddr *) &notify->address, notify->address_length);
}
