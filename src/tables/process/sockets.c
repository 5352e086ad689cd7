// SPDX-License-Identifier: Apache-2.0
// Order matters: the links are read first, so that what is found in the files later mostly has its
// owner, and within a namespace the Unix sockets come last, because a path with a newline can
// forge a line there. Each owner is given once, which also covers sockets that the kernel lists
// twice while its tables change.
#include "tables/process/sockets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

struct socket_owner {
	int64_t inode; // 0: this place is free
	int64_t pid, fd;
	bool met;
};

// A namespace is known by the inode of its link. Where we may not read the link, the inode of its
// file net/dev does as well: each namespace has a file of its own there, all its processes share.
struct net_namespace {
	int64_t pids[2]; // the first and the last seen in it; 0: ourselves
	ino_t file;
	char name[24];
};

// ---- owners ----

static struct socket_owner *owner_place(struct socket_owner *owners, size_t room, int64_t inode)
{
	size_t at = (uint64_t) inode * 0x9e3779b97f4a7c15u >> 20 & (room - 1);

	while (owners[at].inode != 0 && owners[at].inode != inode)
		at = (at + 1) & (room - 1);
	return &owners[at];
}

static void grow_owners(struct socket_walk *walk)
{
	size_t room = walk->owners_room ? walk->owners_room * 2 : 1024;
	struct socket_owner *owners = must_alloc(room * sizeof(*owners));

	memset(owners, 0, room * sizeof(*owners));
	for (size_t i = 0; i < walk->owners_room; i++)
		if (walk->owners[i].inode != 0)
			*owner_place(owners, room, walk->owners[i].inode) = walk->owners[i];
	free(walk->owners);
	walk->owners = owners;
	walk->owners_room = room;
}

// Of several owners the last process is kept, and its last descriptor.
static void add_owner(struct socket_walk *walk, int64_t inode)
{
	int64_t pid = walk->processes.pid, fd = walk->fds.fd;
	struct socket_owner *owner;

	if (walk->n_owners * 2 >= walk->owners_room)
		grow_owners(walk);
	owner = owner_place(walk->owners, walk->owners_room, inode);
	walk->n_owners += owner->inode == 0;
	if (owner->inode == 0 || pid > owner->pid || (pid == owner->pid && fd > owner->fd))
		*owner = (struct socket_owner){ .inode = inode, .pid = pid, .fd = fd };
}

static struct socket_owner *find_owner(const struct socket_walk *walk, int64_t inode)
{
	struct socket_owner *owner;

	if (inode == 0 || walk->n_owners == 0)
		return NULL;
	owner = owner_place(walk->owners, walk->owners_room, inode);
	return owner->inode == 0 ? NULL : owner;
}

static void add_owners(struct socket_walk *walk)
{
	(void) fd_walk_open(&walk->fds, &walk->processes);
	while (fd_walk_next(&walk->fds)) {
		int64_t inode = fd_walk_inode(&walk->fds, "socket:[");

		if (inode > 0)
			add_owner(walk, inode);
	}
}

// ---- namespaces ----

static struct net_namespace *find_namespace(struct socket_walk *walk, const char *name, ino_t file)
{
	for (size_t i = 0; i < walk->n_namespaces; i++) {
		struct net_namespace *net = &walk->namespaces[i];

		if (file == 0 ? strcmp(net->name, name) == 0
			      : net->file == file && (!*name || !net->name[0]))
			return net;
	}
	return NULL;
}

static struct net_namespace *new_namespace(struct socket_walk *walk)
{
	if (walk->n_namespaces == walk->namespaces_room) {
		walk->namespaces_room = walk->namespaces_room ? walk->namespaces_room * 2 : 8;
		walk->namespaces = must_resize(
			walk->namespaces, walk->namespaces_room * sizeof(*walk->namespaces));
	}
	return memset(&walk->namespaces[walk->n_namespaces++], 0, sizeof(*walk->namespaces));
}

// Notes the namespace of the current process, unless that is gone.
static void add_namespace(struct socket_walk *walk)
{
	struct process_walk *process = &walk->processes;
	struct net_namespace *net = NULL;
	struct stat status = { 0 };
	char name[24] = "";

	if (process_namespace(process, "ns/net", name))
		net = find_namespace(walk, name, 0);
	if (!net) {
		if (fstatat(process->proc, process_file(process, "net/dev").text, &status, 0) < 0 &&
			!*name)
			return;
		if (status.st_ino != 0)
			net = find_namespace(walk, name, status.st_ino);
	}
	if (!net) {
		net = new_namespace(walk);
		net->pids[0] = process->pid;
		net->file = status.st_ino;
	}
	net->pids[1] = process->pid;
	if (*name)
		memcpy(net->name, name, sizeof(name));
}

// A process can hold sockets of a namespace that it does not live in: when some of the named ones
// were not met, all the others are looked through.
static void search_namespaces(struct socket_walk *walk, struct scan *scan)
{
	walk->searched = true;
	process_walk_close(&walk->processes);
	if (process_walk_open(&walk->processes, scan, -1, NULL) < 0)
		return;
	while (process_walk_next(&walk->processes) && !scan_cancelled(scan))
		add_namespace(walk);
}

// ---- lines ----

static const char *skip_fields(const char *at, unsigned n)
{
	for (; n > 0; n--) {
		at += strspn(at, " ");
		at += strcspn(at, " ");
	}
	return at + strspn(at, " ");
}

// Exactly n digits.
static bool parse_hex(const char **at, unsigned n, unsigned *value)
{
	*value = 0;
	for (; n > 0; n--, (*at)++) {
		unsigned char c = (unsigned char) **at;
		unsigned digit = c - '0';

		if (digit > 9) {
			digit = (c | 0x20u) - 'a' + 10;
			if (digit < 10 || digit > 15)
				return false;
		}
		*value = *value << 4 | digit;
	}
	return true;
}

static bool parse_inode(const char *at, int64_t *inode)
{
	*inode = 0;
	if (*at < '0' || *at > '9')
		return false;
	for (; *at >= '0' && *at <= '9'; at++)
		if (__builtin_mul_overflow(*inode, 10, inode) ||
			__builtin_add_overflow(*inode, *at - '0', inode))
			return false;
	return *at == ' ' || *at == '\0';
}

// An address is one word of AF_INET or four of AF_INET6, each the number that its bytes are in
// memory, then a colon and the port.
static bool parse_address(const char **at, int family, unsigned char address[16], unsigned *port)
{
	for (unsigned i = 0; i < (family == AF_INET ? 1u : 4u); i++) {
		unsigned word;

		if (!parse_hex(at, 8, &word))
			return false;
		memcpy(address + 4 * i, &word, 4);
	}
	return *(*at)++ == ':' && parse_hex(at, 4, port);
}

// sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode …
static bool parse_inet(const char *line, struct socket *socket)
{
	const char *at = skip_fields(line, 1);

	if (!parse_address(&at, socket->family, socket->local, &socket->local_port) ||
		*at++ != ' ' ||
		!parse_address(&at, socket->family, socket->remote, &socket->remote_port) ||
		*at++ != ' ' || !parse_hex(&at, 2, &socket->state))
		return false;
	if (socket->protocol != IPPROTO_TCP)
		socket->state = 0;
	return parse_inode(skip_fields(at, 5), &socket->inode);
}

// Num RefCount Protocol Flags Type St Inode [Path, all the rest of the line]
static bool parse_unix(const char *line, struct socket *socket)
{
	const char *at = skip_fields(line, 6);

	if (!parse_inode(at, &socket->inode))
		return false;
	at += strcspn(at, " ");
	socket->path = *at == ' ' ? at + 1 : at;
	return true;
}

// sk RefCnt Type Proto Iface R Rmem User Inode
static bool parse_packet(const char *line, struct socket *socket)
{
	const char *at = skip_fields(line, 3);
	unsigned protocol;

	if (!parse_hex(&at, 4, &protocol))
		return false;
	socket->protocol = (int) protocol;
	return parse_inode(skip_fields(at, 4), &socket->inode);
}

// sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
static bool parse_netlink(const char *line, struct socket *socket)
{
	return parse_inode(skip_fields(line, 9), &socket->inode);
}

static const struct source {
	const char *file;
	int family, protocol;
	bool (*parse)(const char *line, struct socket *socket);
	const char *idle; // the line of the counters that says there are none
} sources[] = {
	{ "net/tcp", AF_INET, IPPROTO_TCP, parse_inet, "\nTCP: inuse 0" },
	{ "net/tcp6", AF_INET6, IPPROTO_TCP, parse_inet, "\nTCP6: inuse 0" },
	{ "net/udp", AF_INET, IPPROTO_UDP, parse_inet, "\nUDP: inuse 0" },
	{ "net/udp6", AF_INET6, IPPROTO_UDP, parse_inet, "\nUDP6: inuse 0" },
	{ "net/udplite", AF_INET, IPPROTO_UDPLITE, parse_inet, "\nUDPLITE: inuse 0" },
	{ "net/udplite6", AF_INET6, IPPROTO_UDPLITE, parse_inet, "\nUDPLITE6: inuse 0" },
	{ "net/icmp", AF_INET, IPPROTO_ICMP, parse_inet },
	{ "net/icmp6", AF_INET6, IPPROTO_ICMPV6, parse_inet },
	{ "net/raw", AF_INET, IPPROTO_RAW, parse_inet, "\nRAW: inuse 0" },
	{ "net/raw6", AF_INET6, IPPROTO_RAW, parse_inet, "\nRAW6: inuse 0" },
	{ "net/packet", AF_PACKET, 0, parse_packet },
	{ "net/unix", AF_UNIX, 0, parse_unix },
	// no rows: many processes hold one, which else would have to be searched for everywhere
	{ "net/netlink", AF_NETLINK, 0, parse_netlink },
};
enum { N_SOURCES = sizeof(sources) / sizeof(sources[0]) };

// ---- the walk ----

void socket_walk_begin(struct socket_walk *walk)
{
	walk->file = -1;
	fd_walk_begin(&walk->fds);
}

int socket_walk_open(
	struct socket_walk *walk, struct scan *scan, int column, bool listening, struct fault *why)
{
	int r = process_walk_open(&walk->processes, scan, column, why);

	if (r < 0)
		return r;
	walk->listening = listening;
	walk->filtered = walk->processes.pids != NULL;
	while (process_walk_next(&walk->processes) && !scan_cancelled(scan)) {
		size_t before = walk->n_owners;

		add_owners(walk);
		if (!walk->filtered || walk->n_owners > before)
			add_namespace(walk);
	}
	if (walk->n_namespaces == 0 && !walk->filtered)
		(void) new_namespace(walk);
	walk->n_wanted = walk->n_owners;
	return 0;
}

void socket_walk_close(struct socket_walk *walk)
{
	if (walk->file >= 0)
		(void) close(walk->file);
	free(walk->owners);
	free(walk->namespaces);
	fd_walk_close(&walk->fds);
	process_walk_close(&walk->processes);
}

static int open_of(const struct socket_walk *walk, int64_t pid, const char *file)
{
	char path[64];

	if (pid == 0)
		(void) snprintf(path, sizeof(path), "%s%s", walk->processes.prefix, file);
	else
		(void) snprintf(
			path, sizeof(path), "%s%" PRId64 "/%s", walk->processes.prefix, pid, file);
	return openat(walk->processes.proc, path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
}

static int open_in(const struct socket_walk *walk, const char *file)
{
	const struct net_namespace *net = &walk->namespaces[walk->current];
	int fd = open_of(walk, net->pids[0], file);

	if (fd < 0 && net->pids[1] != net->pids[0])
		fd = open_of(walk, net->pids[1], file);
	return fd;
}

static void read_counters(struct socket_walk *walk)
{
	static const char *const files[] = { "net/sockstat", "net/sockstat6" };
	size_t length = 1;

	walk->counters[0] = '\n';
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		auto_close int fd = open_in(walk, files[i]);
		ssize_t got = fd < 0
			? 0
			: read(fd, walk->counters + length, sizeof(walk->counters) - 1 - length);

		length += got > 0 ? (size_t) got : 0;
	}
	walk->counters[length] = '\0';
}

// To find a file empty the kernel walks through a table of up to some hundred thousand places. Of
// TCP the counters leave out connections that nobody holds any more.
static bool is_idle(const struct socket_walk *walk, const struct source *source)
{
	const char *line;

	if (!source->idle ||
		(source->protocol == IPPROTO_TCP && !walk->listening && !walk->filtered))
		return false;
	line = strstr(walk->counters, source->idle);
	return line && strchr(" \n", line[strlen(source->idle)]);
}

static void open_source(struct socket_walk *walk)
{
	const struct source *source = &sources[walk->source];

	if (walk->source == 0)
		read_counters(walk);
	walk->file = is_idle(walk, source) ? -1 : open_in(walk, source->file);
	walk->at = walk->end = 0;
	walk->ended = false;
}

// Reads on behind the line that has begun. The kernel fills at least a page, so where there was
// room for one more line there is none: to ask once more would make it walk through its whole table
// of connections again, which takes longer than all the rest.
static void fill(struct socket_walk *walk)
{
	enum { PAGE = 4096, LONGEST_LINE = 512 };
	ssize_t got, room;

	memmove(walk->buffer, walk->buffer + walk->at, walk->end - walk->at);
	walk->end -= walk->at;
	walk->at = 0;
	if (walk->end == sizeof(walk->buffer) - 1)
		walk->end = 0; // no line of the kernel's is that long
	room = (ssize_t) (sizeof(walk->buffer) - 1 - walk->end);
	do {
		got = read(walk->file, walk->buffer + walk->end, (size_t) room);
	} while (got < 0 && errno == EINTR);
	walk->end += got > 0 ? (size_t) got : 0;
	walk->ended = got <= 0 || (got < room && got < PAGE - LONGEST_LINE);
}

static char *next_line(struct socket_walk *walk)
{
	for (;;) {
		char *line = walk->buffer + walk->at;
		char *newline = memchr(line, '\n', walk->end - walk->at);

		if (newline) {
			*newline = '\0';
			walk->at = (size_t) (newline + 1 - walk->buffer);
			return line;
		}
		if (walk->ended) {
			walk->buffer[walk->end] = '\0';
			walk->at = walk->end;
			return *line ? line : NULL;
		}
		fill(walk);
	}
}

static void close_source(struct socket_walk *walk)
{
	const size_t n = walk->filtered ? N_SOURCES : N_SOURCES - 1;

	if (walk->file >= 0)
		(void) close(walk->file);
	walk->file = -1;
	if (++walk->source == n) {
		walk->source = 0;
		walk->current++;
	}
}

static int next_source(struct socket_walk *walk, struct scan *scan)
{
	if (walk->current == walk->n_namespaces && walk->filtered && !walk->searched)
		search_namespaces(walk, scan);
	if (walk->current == walk->n_namespaces)
		return END;
	open_source(walk);
	if (walk->file < 0)
		close_source(walk);
	return SKIP;
}

// Finds the owner; false if the socket is not to be given.
static bool own(struct socket_walk *walk, struct socket *socket)
{
	struct socket_owner *owner = find_owner(walk, socket->inode);

	if (!owner || owner->met)
		return !owner && !walk->filtered;
	owner->met = true;
	walk->n_wanted--;
	socket->pid = owner->pid;
	socket->fd = owner->fd;
	return socket->family != AF_NETLINK;
}

int socket_walk_next(struct socket_walk *walk, struct scan *scan, struct socket *socket)
{
	const struct source *source = &sources[walk->source];
	char *line;

	if (walk->filtered && walk->n_wanted == 0)
		return END;
	if (walk->file < 0)
		return next_source(walk, scan);
	line = next_line(walk);
	if (!line) {
		close_source(walk);
		return SKIP;
	}

	*socket = (struct socket){ .pid = -1,
		.fd = -1,
		.family = source->family,
		.protocol = source->protocol,
		.path = "",
		.net_namespace = walk->namespaces[walk->current].name };
	if (!source->parse(line, socket))
		return SKIP; // the heading
	if (walk->listening && source->protocol == IPPROTO_TCP && socket->state != TCP_LISTEN) {
		close_source(walk); // the kernel lists what listens first
		return SKIP;
	}
	return own(walk, socket) ? ROW : SKIP;
}

void socket_give_address(
	struct scan *scan, unsigned column, int family, const unsigned char address[16])
{
	char text[INET6_ADDRSTRLEN];

	if ((family == AF_INET || family == AF_INET6) && scan_wants(scan, column) &&
		inet_ntop(family, address, text, sizeof(text)))
		scan_text(scan, column, text);
}
