// SPDX-License-Identifier: Apache-2.0
// What was done with sockets, in the columns of the older table of that name.
#include "tables/event/address.h"
#include "tables/event/stored.h"

enum {
	TID,
	PID,
	PARENT,
	UID,
	GID,
	CID,
	EXIT_CODE,
	PROBE_ERROR,
	SYSCALL,
	PATH,
	FD,
	FAMILY,
	TYPE,
	PROTOCOL,
	LOCAL_ADDRESS,
	REMOTE_ADDRESS,
	LOCAL_PORT,
	REMOTE_PORT,
	DURATION,
	NTIME,
	TIME,
	EID,
	PROCESS,
	OUTCOME = PROCESS + STORED_PROCESS_COLUMNS,
};

static const struct column columns[] = {
	[TID] = { "tid", BIGINT, "Thread id." },
	[PID] = { "pid", BIGINT, "Process id." },
	[PARENT] = { "parent", BIGINT, "Process id of the parent." },
	[UID] = { "uid", BIGINT, "Real user id." },
	[GID] = { "gid", BIGINT, "Real group id." },
	[CID] = { "cid", INTEGER, "Id of the control group." },
	[EXIT_CODE] = { "exit_code", TEXT, "What the system call returned." },
	[PROBE_ERROR] = { "probe_error", INTEGER, "Always 0: what is cut says so elsewhere." },
	[SYSCALL] = { "syscall", TEXT, "System call." },
	[PATH] = { "path", TEXT, "Path of the executable." },
	[FD] = { "fd", TEXT, "File descriptor of the socket." },
	[FAMILY] = { "family", INTEGER, "Address family: 1 Unix, 2 IPv4, 10 IPv6." },
	[TYPE] = { "type", INTEGER, "Type of the socket: 1 stream, 2 datagram." },
	[PROTOCOL] = { "protocol", INTEGER, "Protocol number: 6 TCP, 17 UDP." },
	[LOCAL_ADDRESS] = { "local_address", TEXT, "Own address." },
	[REMOTE_ADDRESS] = { "remote_address", TEXT, "Address of the other side." },
	[LOCAL_PORT] = { "local_port", INTEGER, "Own port." },
	[REMOTE_PORT] = { "remote_port", INTEGER, "Port of the other side." },
	[DURATION] = { "duration", INTEGER,
		"Nanoseconds spent in the system call, where they are known." },
	[NTIME] = { "ntime", TEXT, "When it happened, in nanoseconds since boot." },
	[TIME] = { "time", BIGINT, "When it happened, in seconds since 1970.",
		ADDITIONAL | HIDDEN },
	[EID] = { "eid", INTEGER, "Number of the row, which grows.", HIDDEN | ADDITIONAL },
	[PROCESS] = STORED_PROCESS,
	[OUTCOME] = STORED_OUTCOME,
};

static uint32_t wanted(const struct flags *flags)
{
	return flags_bool(flags, "enable_bpf_events") ? (uint32_t) EVENTS_SOCKET : 0;
}

static void write_address(struct event_writer *writer, const struct event_address *address,
	unsigned address_column, unsigned port_column)
{
	char text[ADDRESS_TEXT];

	if (!address_text(address, text))
		return;
	event_row_string(writer, address_column, text);
	if (address_port(address) >= 0)
		event_row_integer(writer, port_column, address_port(address));
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	const struct process *process = event->process;
	char number[32];

	(void) event_row_begin(writer, event->time_ns / 1000000000);
	event_row_integer(writer, TID, event->tid);
	event_row_integer(writer, PID, event->pid);
	event_row_integer(writer, PARENT, event->ppid);
	if (event->ids.uid != UINT32_MAX) {
		event_row_integer(writer, UID, event->ids.uid);
		event_row_integer(writer, GID, event->ids.gid);
	}
	event_row_integer(writer, CID, (int64_t) event->cgroup);
	(void) snprintf(number, sizeof(number), "%lld", (long long) event->result);
	event_row_string(writer, EXIT_CODE, number);
	event_row_integer(writer, PROBE_ERROR, 0);
	event_row_string(writer, SYSCALL, event->syscall);
	if (process)
		event_row_string(writer, PATH, process->path);
	(void) snprintf(number, sizeof(number), "%d", event->fd);
	event_row_string(writer, FD, number);
	event_row_integer(writer, FAMILY, event->socket.family);
	event_row_integer(writer, TYPE, event->socket.type);
	event_row_integer(writer, PROTOCOL, event->socket.protocol);
	write_address(writer, &event->socket.local, LOCAL_ADDRESS, LOCAL_PORT);
	write_address(writer, &event->socket.remote, REMOTE_ADDRESS, REMOTE_PORT);
	if (event->duration_ns >= 0)
		event_row_integer(writer, DURATION, event->duration_ns);
	(void) snprintf(number, sizeof(number), "%lld", (long long) event->uptime_ns);
	event_row_string(writer, NTIME, number);
	stored_write_process(writer, context, process, PROCESS);
	stored_write_outcome(writer, event, OUTCOME);
}

static const struct event_table listening = {
	.source = "bpf",
	.kinds = EVENTS_SOCKET,
	.wanted = wanted,
	.hear = hear,
};

const struct table table_bpf_socket_events = {
	.name = "bpf_socket_events",
	.about = "What was done with sockets, as kernel programs (BPF) tell of it.",
	COLUMNS(columns),
	EXAMPLES("SELECT ntime, syscall, pid, path, remote_address FROM bpf_socket_events"),
	STORED_ROWS,
	.event = &listening,
};
