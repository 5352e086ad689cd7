// SPDX-License-Identifier: Apache-2.0
#pragma once
// The sockets of all network namespaces and the processes that hold them: what /proc/<pid>/net/*
// lists, joined with the links in /proc/<pid>/fd. Not a table.

#include "tables/process/fds.h"

struct socket {
	int64_t pid, fd; // who holds it, -1 if that is not known
	int64_t inode; // 0: nobody's any more
	int family; // AF_INET, AF_INET6, AF_UNIX or AF_PACKET
	int protocol; // IPPROTO_…; of AF_PACKET the ETH_P_…
	unsigned char local[16], remote[16]; // as on the wire: 4 bytes of AF_INET
	unsigned local_port, remote_port;
	unsigned state; // TCP_… of TCP, else 0
	const char *path; // of AF_UNIX, may be empty; '@' stands for NUL
	const char *net_namespace; // its inode as text, empty if we may not see it
};

struct socket_owner;
struct net_namespace;

struct socket_walk {
	struct process_walk processes;
	struct fd_walk fds;
	bool filtered; // only of named processes
	bool listening; // TCP that does not listen may be left out
	bool searched; // every namespace is known
	struct socket_owner *owners; // by inode, open addressing
	size_t n_owners, owners_room; // the room is a power of two
	size_t n_wanted; // owners whose socket was not met yet
	struct net_namespace *namespaces;
	size_t n_namespaces, namespaces_room;
	size_t current, source; // what is read: which file of which namespace
	char counters[1024]; // sockets of each kind in the current namespace
	int file; // -1 when none is open
	bool ended; // there is nothing behind what is in the buffer
	size_t at, end; // what is unread in the buffer
	char buffer[16384];
};

// Begins a walk. `column` is the table's pid column, or -1 if it cannot be constrained. With
// `listening` connections of TCP may be left out, which saves reading them.
//
// A socket comes once: one that several descriptors share belongs to the last of them. All zero but
// for socket_walk_begin is closed too.
void socket_walk_begin(struct socket_walk *walk);
int socket_walk_open(
	struct socket_walk *walk, struct scan *scan, int column, bool listening, struct fault *why);

// ROW, SKIP or END. What the socket points to stays until the next call.
int socket_walk_next(struct socket_walk *walk, struct scan *scan, struct socket *socket);

void socket_walk_close(struct socket_walk *walk);

// Gives the text of an address of AF_INET or AF_INET6; others have none.
void socket_give_address(
	struct scan *scan, unsigned column, int family, const unsigned char address[16]);
