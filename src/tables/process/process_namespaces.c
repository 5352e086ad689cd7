// SPDX-License-Identifier: Apache-2.0
// The namespaces that processes live in, from the links in /proc/<pid>/ns (namespaces(7)).
#include <string.h>

#include "sql/table.h"
#include "tables/process/walk.h"

enum {
	PID,
	CGROUP_NAMESPACE,
	IPC_NAMESPACE,
	MNT_NAMESPACE,
	NET_NAMESPACE,
	PID_NAMESPACE,
	USER_NAMESPACE,
	UTS_NAMESPACE,
};

// Each column is a group of its own: one link.
static const struct column columns[] = {
	[PID] = { "pid", INTEGER, "Process id.", INDEX | OPTIMIZED },
	[CGROUP_NAMESPACE] = { "cgroup_namespace", TEXT, "Inode of its control group namespace.", 0,
		CGROUP_NAMESPACE },
	[IPC_NAMESPACE] = { "ipc_namespace", TEXT, "Inode of its System V IPC namespace.", 0,
		IPC_NAMESPACE },
	[MNT_NAMESPACE] = { "mnt_namespace", TEXT, "Inode of its mount namespace.", 0,
		MNT_NAMESPACE },
	[NET_NAMESPACE] = { "net_namespace", TEXT, "Inode of its network namespace.", 0,
		NET_NAMESPACE },
	[PID_NAMESPACE] = { "pid_namespace", TEXT, "Inode of its process id namespace.", 0,
		PID_NAMESPACE },
	[USER_NAMESPACE] = { "user_namespace", TEXT, "Inode of its user namespace.", 0,
		USER_NAMESPACE },
	[UTS_NAMESPACE] = { "uts_namespace", TEXT, "Inode of its host name namespace.", 0,
		UTS_NAMESPACE },
};

static int open_scan(struct scan *scan, struct fault *why)
{
	return process_walk_open(scan_state(scan), scan, PID, why);
}

static void close_scan(struct scan *scan)
{
	process_walk_close(scan_state(scan));
}

static int next(struct scan *scan, struct fault *why)
{
	struct process_walk *walk = scan_state(scan);

	(void) why;
	if (!process_walk_next(walk))
		return END;
	scan_integer(scan, PID, walk->pid);
	return ROW;
}

// A link is "net:[4026531840]".
static int fetch(struct scan *scan, unsigned group, struct fault *why)
{
	static const char *const links[] = {
		[CGROUP_NAMESPACE] = "ns/cgroup",
		[IPC_NAMESPACE] = "ns/ipc",
		[MNT_NAMESPACE] = "ns/mnt",
		[NET_NAMESPACE] = "ns/net",
		[PID_NAMESPACE] = "ns/pid",
		[USER_NAMESPACE] = "ns/user",
		[UTS_NAMESPACE] = "ns/uts",
	};
	char inode[24];

	(void) why; // a process that is gone or not ours is an answer
	if (process_namespace(scan_state(scan), links[group], inode))
		scan_text(scan, group, inode);
	return 0;
}

const struct table table_process_namespaces = {
	.name = "process_namespaces",
	.about = "Namespaces that processes live in.",
	COLUMNS(columns),
	EXAMPLES("SELECT pid, name FROM processes JOIN process_namespaces USING (pid) WHERE "
		 "pid_namespace != (SELECT pid_namespace FROM process_namespaces WHERE pid = 1)"),
	.estimate = { .rows = 300, .row = 8 },
	.state_bytes = sizeof(struct process_walk),
	.open = open_scan,
	.next = next,
	.fetch = fetch,
	.close = close_scan,
};
