// SPDX-License-Identifier: Apache-2.0
// Sockets that were bound, connected and accepted.
#include <errno.h>
#include <string.h>

#include "tables/event/address.h"
#include "tables/event/stored.h"

enum {
	ACTION,
	PID,
	PATH,
	FD,
	AUID,
	FAMILY,
	PROTOCOL,
	LOCAL_ADDRESS,
	REMOTE_ADDRESS,
	LOCAL_PORT,
	REMOTE_PORT,
	SOCKET,
	TIME,
	UPTIME,
	EID,
	SUCCESS,
	STATUS,
	PROCESS,
	ERRNO = PROCESS + STORED_PROCESS_COLUMNS,
	UID,
	CMDLINE,
};

static const struct column columns[] = {
	[ACTION] = { "action", TEXT, "bind, connect, accept or accept4." },
	[PID] = { "pid", BIGINT, "Process id." },
	[PATH] = { "path", TEXT, "Path of the executable." },
	[FD] = { "fd", TEXT, "File descriptor of the socket, hexadecimal." },
	[AUID] = { "auid", BIGINT, "User id of the login, 4294967295 without one." },
	[FAMILY] = { "family", INTEGER, "Address family: 1 Unix, 2 IPv4, 10 IPv6." },
	[PROTOCOL] = { "protocol", INTEGER, "Protocol number: 6 TCP, 17 UDP.", HIDDEN },
	[LOCAL_ADDRESS] = { "local_address", TEXT, "Own address." },
	[REMOTE_ADDRESS] = { "remote_address", TEXT, "Address of the other side." },
	[LOCAL_PORT] = { "local_port", INTEGER, "Own port." },
	[REMOTE_PORT] = { "remote_port", INTEGER, "Port of the other side." },
	[SOCKET] = { "socket", TEXT, "Name of a Unix socket.", HIDDEN },
	[TIME] = STORED_TIME,
	[UPTIME] = STORED_UPTIME,
	[EID] = STORED_EID,
	[SUCCESS] = { "success", INTEGER, "1 if the call succeeded, else 0.", HIDDEN },
	[STATUS] = { "status", TEXT,
		"succeeded, failed, in_progress (will connect later), no_client (none waited)." },
	[PROCESS] = STORED_PROCESS,
	[ERRNO] = { "errno", INTEGER, "Why it failed (errno(3)), 0 if it did not.", HIDDEN },
	[UID] = { "uid", BIGINT, "Real user id of the process.", HIDDEN },
	[CMDLINE] = { "cmdline", TEXT, "Arguments of the process, joined by blanks.", HIDDEN },
};

static uint32_t wanted(const struct flags *flags)
{
	if (!stored_is_on(flags) || !flags_bool(flags, "audit_allow_sockets"))
		return 0;
	return EVENT_BIT(EVENT_CONNECT) | EVENT_BIT(EVENT_BIND) |
		(flags_bool(flags, "audit_allow_accept_socket_events") ? EVENT_BIT(EVENT_ACCEPT)
								       : 0);
}

static const char *status_of(const struct event *event)
{
	if (event->error == 0)
		return "succeeded";
	if (event->error == EINPROGRESS)
		return "in_progress";
	if (event->kind == EVENT_ACCEPT && event->error == EAGAIN)
		return "no_client";
	return "failed";
}

static bool is_shown(const struct flags *flags, const struct event *event)
{
	int family = event->socket.family;

	if (family == AF_UNIX ? !flags_bool(flags, "audit_allow_unix")
			      : family != AF_INET && family != AF_INET6)
		return false;
	if (event->error == 0 || event->error == EINPROGRESS)
		return true;
	if (event->kind == EVENT_ACCEPT && event->error == EAGAIN)
		return flags_bool(flags, "audit_allow_null_accept_socket_events");
	return flags_bool(flags, "audit_allow_failed_socket_events");
}

static void write_address(struct event_writer *writer, const struct event_address *address,
	unsigned address_column, unsigned port_column)
{
	char text[ADDRESS_TEXT];

	if (!address_text(address, text))
		return;
	if (address->any.sa_family == AF_UNIX) {
		event_row_string(writer, SOCKET, text);
		return;
	}
	event_row_string(writer, address_column, text);
	event_row_integer(writer, port_column, address_port(address));
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	const struct process *process = event->process;
	char fd[16];

	if (!is_shown(context->flags, event))
		return;
	(void) event_row_begin(writer, event->time_ns / 1000000000);
	event_row_string(
		writer, ACTION, event->syscall ? event->syscall : event_kind_name(event->kind));
	event_row_integer(writer, PID, event->pid);
	(void) snprintf(fd, sizeof(fd), "%x", (unsigned) event->fd);
	event_row_string(writer, FD, fd);
	if (event->ids.uid != UINT32_MAX) {
		event_row_integer(writer, AUID, event->ids.auid);
		event_row_integer(writer, UID, event->ids.uid);
	}
	event_row_integer(writer, FAMILY, event->socket.family);
	event_row_integer(writer, PROTOCOL, event->socket.protocol);
	write_address(writer, &event->socket.local, LOCAL_ADDRESS, LOCAL_PORT);
	write_address(writer, &event->socket.remote, REMOTE_ADDRESS, REMOTE_PORT);
	event_row_integer(writer, UPTIME, event->uptime_ns / 1000000000);
	event_row_string(writer, STATUS, status_of(event));
	event_row_integer(writer, SUCCESS, event->error == 0);
	event_row_integer(writer, ERRNO, event->error);
	if (process) {
		event_row_string(writer, PATH, process->path);
		event_row_string(writer, CMDLINE, process->cmdline);
	}
	stored_write_process(writer, context, process, PROCESS);
}

static const struct event_table listening = {
	.source = "auditeventpublisher",
	.kinds = EVENT_BIT(EVENT_CONNECT) | EVENT_BIT(EVENT_BIND) | EVENT_BIT(EVENT_ACCEPT),
	.wanted = wanted,
	.hear = hear,
};

const struct table table_socket_events = {
	.name = "socket_events",
	.about = "Sockets that were bound, connected and accepted, as it happens.",
	COLUMNS(columns),
	EXAMPLES("SELECT time, action, pid, path, remote_address, remote_port FROM socket_events",
		"SELECT path, remote_address, count(*) AS n FROM socket_events "
		"WHERE action = 'connect' AND time > unixepoch() - 3600 GROUP BY 1, 2"),
	STORED_ROWS,
	.event = &listening,
};
