// SPDX-License-Identifier: Apache-2.0
#pragma once
// What happened on the host, as every source tells it and every event table hears it, whichever
// kernel interface it came from.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

struct process;

enum event_kind {
	// of processes
	EVENT_EXEC,
	EVENT_FORK, // not of threads
	EVENT_EXIT,
	EVENT_KILL,
	// of files
	EVENT_OPEN, // of one that was there
	EVENT_CREATE, // by open(2), mknod(2)
	EVENT_WRITE, // one that was open for writing was closed
	EVENT_TRUNCATE,
	EVENT_RENAME,
	EVENT_UNLINK,
	EVENT_LINK,
	EVENT_SYMLINK,
	EVENT_MKDIR,
	EVENT_RMDIR,
	EVENT_ATTRIBUTES, // mode, owner, times, extended attributes
	// of sockets
	EVENT_CONNECT,
	EVENT_ACCEPT,
	EVENT_BIND,
	EVENT_LISTEN,
	// records that others wrote
	EVENT_USER, // audit: logins, authentication, accounts
	EVENT_SELINUX,
	EVENT_APPARMOR,
	EVENT_SECCOMP,
	EVENT_DEVICE,
	EVENT_SYSLOG,
	N_EVENT_KINDS
};

// A set of kinds.
#define EVENT_BIT(kind) (UINT32_C(1) << (kind))
enum {
	EVENTS_PROCESS = EVENT_BIT(EVENT_EXEC) | EVENT_BIT(EVENT_FORK) | EVENT_BIT(EVENT_EXIT) |
		EVENT_BIT(EVENT_KILL),
	EVENTS_FILE = EVENT_BIT(EVENT_OPEN) | EVENT_BIT(EVENT_CREATE) | EVENT_BIT(EVENT_WRITE) |
		EVENT_BIT(EVENT_TRUNCATE) | EVENT_BIT(EVENT_RENAME) | EVENT_BIT(EVENT_UNLINK) |
		EVENT_BIT(EVENT_LINK) | EVENT_BIT(EVENT_SYMLINK) | EVENT_BIT(EVENT_MKDIR) |
		EVENT_BIT(EVENT_RMDIR) | EVENT_BIT(EVENT_ATTRIBUTES),
	EVENTS_SOCKET = EVENT_BIT(EVENT_CONNECT) | EVENT_BIT(EVENT_ACCEPT) | EVENT_BIT(EVENT_BIND) |
		EVENT_BIT(EVENT_LISTEN),
	EVENTS_RECORD = EVENT_BIT(EVENT_USER) | EVENT_BIT(EVENT_SELINUX) |
		EVENT_BIT(EVENT_APPARMOR) | EVENT_BIT(EVENT_SECCOMP) | EVENT_BIT(EVENT_DEVICE) |
		EVENT_BIT(EVENT_SYSLOG),
};

// Who somebody is for the kernel (credentials(7)). UINT32_MAX: not known, or (auid, session) not
// set.
struct credentials {
	uint32_t uid, gid, euid, egid, suid, sgid, fsuid, fsgid;
	uint32_t auid, session; // of the login
};

struct event_exec {
	// what was run, as it was then (the mode of 0 says that nothing is known)
	uint32_t mode, owner_uid, owner_gid;
	uint64_t inode, device;
	int64_t atime, mtime, ctime; // seconds since 1970
	uint64_t cmdline_bytes, env_bytes; // all of them, of which the process may hold a part
	int64_t env_count; // -1: not known
};

struct event_fork {
	uint32_t child;
	uint64_t start_ticks; // of the child; 0: not known
};

struct event_exit {
	int status; // as of wait(2)
};

struct event_kill {
	uint32_t target;
	int signal;
};

// A category of file_paths that has a pattern for the path.
struct event_category {
	const char *name;
	bool accesses; // it is among file_accesses
};

struct event_file {
	const char *path; // that of the configuration, without links and bind mounts
	const char *new_path; // of a rename and of links: the new name, else NULL
	uint64_t inode, device; // 0: not known
	uint32_t mode; // with its type; 0: not known
	uint32_t uid, gid; // its owner
	int64_t size; // -1: not known
	int64_t atime, mtime, ctime; // seconds since 1970; 0: not known
	uint32_t flags; // of open(2)
	uint64_t cookie; // that joins the halves of a rename, 0: none

	// what of the configuration the path and the new one match: filled by the collector
	const struct event_category *categories, *new_categories;
	size_t n_categories, n_new_categories;
};

struct event_address {
	union {
		struct sockaddr any;
		struct sockaddr_storage storage;
	};
	socklen_t length; // 0: not known
};

struct event_socket {
	int family, type, protocol;
	struct event_address local, remote;
};

// Named texts: what a record says.
struct event_field {
	const char *name, *value;
};

struct event_record {
	int type; // of audit records (linux/audit.h)
	const char *message; // of audit records: what follows the serial number
	const struct event_field *fields; // NULL-terminated by name
};

struct event {
	enum event_kind kind;
	int error; // errno of the call; 0: it succeeded
	int64_t time_ns; // since 1970
	int64_t uptime_ns; // CLOCK_BOOTTIME
	int64_t duration_ns; // of the call; -1: not known
	int64_t result; // what the call returned
	uint32_t pid, tid, ppid;
	uint64_t cgroup; // id in the unified hierarchy (cgroups(7)), 0: not known
	int fd; // that the call was about, -1: none
	const char *syscall; // its name, NULL: not known
	struct credentials ids;
	const struct process *process; // who did it; NULL: nobody, or not known
	const char *cwd; // its working directory, where the source tells it
	union {
		struct event_exec exec;
		struct event_fork fork;
		struct event_exit exit;
		struct event_kill kill;
		struct event_file file;
		struct event_socket socket;
		struct event_record record;
	};
};

// "exec", "open": for people.
const char *event_kind_name(enum event_kind kind);
