// SPDX-License-Identifier: Apache-2.0
// Sockets and the processes that hold them, in all network namespaces (see sockets.h).
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "sql/table.h"
#include "tables/process/sockets.h"

enum {
	PID,
	FD,
	SOCKET,
	FAMILY,
	PROTOCOL,
	LOCAL_ADDRESS,
	REMOTE_ADDRESS,
	LOCAL_PORT,
	REMOTE_PORT,
	PATH,
	STATE,
	NET_NAMESPACE,
};

static const struct column columns[] = {
	[PID] = { "pid", INTEGER, "Process that holds the socket, -1 if unknown.", ADDITIONAL },
	[FD] = { "fd", BIGINT, "Its descriptor, -1 if unknown." },
	[SOCKET] = { "socket", BIGINT, "Inode of the socket, 0 once its process closed it." },
	[FAMILY] = { "family", INTEGER, "1 Unix, 2 IPv4, 10 IPv6, 17 packet." },
	[PROTOCOL] = { "protocol", INTEGER,
		"Number of the IP protocol: 6 TCP, 17 UDP; of packet sockets the Ethernet type." },
	[LOCAL_ADDRESS] = { "local_address", TEXT, "Address on this side." },
	[REMOTE_ADDRESS] = { "remote_address", TEXT, "Address of the other side." },
	[LOCAL_PORT] = { "local_port", INTEGER, "Port on this side; of raw sockets the protocol." },
	[REMOTE_PORT] = { "remote_port", INTEGER, "Port of the other side, 0 if there is none." },
	[PATH] = { "path", TEXT, "Path of a Unix socket; @ begins one that is no file." },
	[STATE] = { "state", TEXT, "State of TCP, as ESTABLISHED or LISTEN." },
	[NET_NAMESPACE] = { "net_namespace", TEXT,
		"Inode of the network namespace it belongs to." },
};

// A filter on processes leaves out the sockets that no process is known for.
static bool wants_unowned(struct scan *scan)
{
	const struct given *pids = scan_given(scan, PID);

	for (size_t i = 0; pids && i < pids->count; i++)
		if (pids->values[i].integer == -1)
			return true;
	return false;
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct socket_walk *walk = scan_state(scan);

	socket_walk_begin(walk);
	return socket_walk_open(walk, scan, wants_unowned(scan) ? -1 : PID, false, why);
}

static void close_scan(struct scan *scan)
{
	socket_walk_close(scan_state(scan));
}

static const char *state_name(unsigned state)
{
	static const char *const names[] = {
		[0] = "",
		[TCP_ESTABLISHED] = "ESTABLISHED",
		[TCP_SYN_SENT] = "SYN_SENT",
		[TCP_SYN_RECV] = "SYN_RECV",
		[TCP_FIN_WAIT1] = "FIN_WAIT1",
		[TCP_FIN_WAIT2] = "FIN_WAIT2",
		[TCP_TIME_WAIT] = "TIME_WAIT",
		[TCP_CLOSE] = "CLOSED",
		[TCP_CLOSE_WAIT] = "CLOSE_WAIT",
		[TCP_LAST_ACK] = "LAST_ACK",
		[TCP_LISTEN] = "LISTEN",
		[TCP_CLOSING] = "CLOSING",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "UNKNOWN";
}

static int next(struct scan *scan, struct fault *why)
{
	struct socket socket;
	int r = socket_walk_next(scan_state(scan), scan, &socket);

	(void) why;
	if (r != ROW)
		return r;
	scan_integer(scan, PID, socket.pid);
	scan_integer(scan, FD, socket.fd);
	scan_integer(scan, SOCKET, socket.inode);
	scan_integer(scan, FAMILY, socket.family);
	scan_integer(scan, PROTOCOL, socket.protocol);
	socket_give_address(scan, LOCAL_ADDRESS, socket.family, socket.local);
	socket_give_address(scan, REMOTE_ADDRESS, socket.family, socket.remote);
	scan_integer(scan, LOCAL_PORT, socket.local_port);
	scan_integer(scan, REMOTE_PORT, socket.remote_port);
	scan_text(scan, PATH, socket.path);
	scan_text(scan, STATE, state_name(socket.state));
	scan_text(scan, NET_NAMESPACE, socket.net_namespace);
	return ROW;
}

const struct table table_process_open_sockets = {
	.name = "process_open_sockets",
	.about = "Sockets and the processes that hold them, in all network namespaces.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, remote_address, remote_port FROM process_open_sockets JOIN "
		 "processes USING (pid) WHERE remote_port != 0",
		"SELECT state, count(*) FROM process_open_sockets WHERE protocol = 6 GROUP BY "
		"state"),
	.estimate = { .rows = 500, .per_key = 10, .start = 3000 },
	.state_bytes = sizeof(struct socket_walk),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
