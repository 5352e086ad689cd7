// SPDX-License-Identifier: Apache-2.0
// Sockets that wait to be spoken to, and the processes that hold them (see sockets.h).
#include <netinet/in.h>
#include <string.h>

#include "sql/table.h"
#include "tables/process/sockets.h"

enum { PID, PORT, PROTOCOL, FAMILY, ADDRESS, FD, SOCKET, PATH, NET_NAMESPACE };

static const struct column columns[] = {
	[PID] = { "pid", INTEGER, "Process that holds the socket, -1 if unknown." },
	[PORT] = { "port", INTEGER, "Port, 0 of Unix and packet sockets." },
	[PROTOCOL] = { "protocol", INTEGER,
		"Number of the IP protocol: 6 TCP, 17 UDP; of packet sockets the Ethernet type." },
	[FAMILY] = { "family", INTEGER, "1 Unix, 2 IPv4, 10 IPv6, 17 packet." },
	[ADDRESS] = { "address", TEXT, "Address it is bound to." },
	[FD] = { "fd", BIGINT, "Its descriptor, -1 if unknown." },
	[SOCKET] = { "socket", BIGINT, "Inode of the socket, 0 of Unix sockets." },
	[PATH] = { "path", TEXT, "Path of a Unix socket; @ begins one that is no file." },
	[NET_NAMESPACE] = { "net_namespace", TEXT,
		"Inode of the network namespace it belongs to." },
};

// Whether anyone may send to it, as far as the files tell: what has no peer is open to all.
static bool is_listening(const struct socket *socket)
{
	switch (socket->family) {
	case AF_UNIX:
		return *socket->path != '\0';
	case AF_PACKET:
		return true;
	default:
		return socket->remote_port == 0;
	}
}

static bool give(struct scan *scan, const struct socket *socket)
{
	bool more = scan_row(scan);

	scan_integer(scan, PID, socket->pid);
	scan_integer(scan, FD, socket->fd);
	scan_integer(scan, PORT, socket->local_port);
	scan_integer(scan, PROTOCOL, socket->protocol);
	scan_integer(scan, FAMILY, socket->family);
	scan_integer(scan, SOCKET, socket->family == AF_UNIX ? 0 : socket->inode);
	socket_give_address(scan, ADDRESS, socket->family, socket->local);
	scan_text(scan, PATH, socket->path);
	scan_text(scan, NET_NAMESPACE, socket->net_namespace);
	return more;
}

static int generate(struct scan *scan, struct fault *why)
{
	struct socket_walk *walk = arena_zero(scan_arena(scan), sizeof(*walk));
	struct socket socket;
	int r, kind;

	socket_walk_begin(walk);
	r = socket_walk_open(walk, scan, -1, true, why);
	while (r == 0 && (kind = socket_walk_next(walk, scan, &socket)) != END) {
		if (kind == ROW && is_listening(&socket) && !give(scan, &socket))
			break;
		if (kind == SKIP && scan_cancelled(scan))
			break;
	}
	socket_walk_close(walk);
	return r;
}

const struct table table_listening_ports = {
	.name = "listening_ports",
	.about = "Sockets that wait for connections or messages.",
	COLUMNS(columns),
	EXAMPLES("SELECT p.name, l.address, l.port FROM listening_ports AS l JOIN processes AS p "
		 "USING (pid) WHERE l.protocol = 6",
		"SELECT * FROM listening_ports WHERE port != 0 AND address NOT IN ('127.0.0.1', "
		"'::1')"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 100, .start = 3000 },
	.generate = generate,
};
