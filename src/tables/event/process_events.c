// SPDX-License-Identifier: Apache-2.0
// Programs that were started, and on request forks and signals.
#include <string.h>

#include "tables/event/content.h"
#include "tables/event/stored.h"

enum group { HASH = 1 };

enum {
	PID,
	PATH,
	MODE,
	CMDLINE,
	CMDLINE_SIZE,
	ENV,
	ENV_COUNT,
	ENV_SIZE,
	CWD,
	AUID,
	UID,
	EUID,
	GID,
	EGID,
	OWNER_UID,
	OWNER_GID,
	ATIME,
	MTIME,
	CTIME,
	BTIME,
	OVERFLOWS,
	PARENT,
	TIME,
	UPTIME,
	EID,
	STATUS,
	FSUID,
	SUID,
	FSGID,
	SGID,
	SYSCALL,
	PROCESS,
	OUTCOME = PROCESS + STORED_PROCESS_COLUMNS,
	INODE = OUTCOME + STORED_OUTCOME_COLUMNS,
	SHA256,
};

static const struct column columns[] = {
	[PID] = { "pid", BIGINT, "Process id." },
	[PATH] = { "path", TEXT, "Path of the executable." },
	[MODE] = { "mode", TEXT, "Its mode, in octal." },
	[CMDLINE] = { "cmdline", TEXT, "Arguments, joined by blanks." },
	[CMDLINE_SIZE] = { "cmdline_size", BIGINT,
		"Bytes of all arguments, of which cmdline may hold a part.", HIDDEN },
	[ENV] = { "env", TEXT, "Not filled on Linux.", HIDDEN, .alias = "environment" },
	[ENV_COUNT] = { "env_count", BIGINT, "Number of environment variables.", HIDDEN,
		.alias = "environment_count" },
	[ENV_SIZE] = { "env_size", BIGINT, "Bytes of the environment.", HIDDEN,
		.alias = "environment_size" },
	[CWD] = { "cwd", TEXT, "Working directory." },
	[AUID] = { "auid", BIGINT, "User id of the login, 4294967295 without one." },
	[UID] = { "uid", BIGINT, "Real user id." },
	[EUID] = { "euid", BIGINT, "Effective user id." },
	[GID] = { "gid", BIGINT, "Real group id." },
	[EGID] = { "egid", BIGINT, "Effective group id." },
	[OWNER_UID] = { "owner_uid", BIGINT, "User that owns the executable." },
	[OWNER_GID] = { "owner_gid", BIGINT, "Group that owns the executable." },
	[ATIME] = { "atime", BIGINT, "Last access of the executable, in seconds since 1970.",
		.alias = "access_time" },
	[MTIME] = { "mtime", BIGINT, "Last change of its content, in seconds since 1970.",
		.alias = "modify_time" },
	[CTIME] = { "ctime", BIGINT, "Last change of its inode, in seconds since 1970.",
		.alias = "change_time" },
	[BTIME] = { "btime", BIGINT, "Always 0 on Linux.", .alias = "create_time" },
	[OVERFLOWS] = { "overflows", TEXT, "Which columns were cut: cmdline.", HIDDEN },
	[PARENT] = { "parent", BIGINT, "Process id of the parent." },
	[TIME] = STORED_TIME,
	[UPTIME] = STORED_UPTIME,
	[EID] = STORED_EID,
	[STATUS] = ELSEWHERE("status", BIGINT),
	[FSUID] = { "fsuid", BIGINT, "User id for file accesses." },
	[SUID] = { "suid", BIGINT, "Saved user id." },
	[FSGID] = { "fsgid", BIGINT, "Group id for file accesses." },
	[SGID] = { "sgid", BIGINT, "Saved group id." },
	[SYSCALL] = { "syscall", TEXT,
		"System call: execve, execveat, fork, vfork, clone or kill." },
	[PROCESS] = STORED_PROCESS,
	[OUTCOME] = STORED_OUTCOME,
	[INODE] = { "inode", BIGINT, "Inode of the executable.", HIDDEN },
	[SHA256] = { "sha256", TEXT,
		"SHA-256 of the executable, computed when it is asked for, if the file is still "
		"the one that was run.",
		HIDDEN, HASH },
};

// ---- listening ----

static uint32_t wanted(const struct flags *flags)
{
	uint32_t kinds = 0;

	if (!stored_is_on(flags))
		return 0;
	if (flags_bool(flags, "audit_allow_process_events"))
		kinds |= EVENT_BIT(EVENT_EXEC);
	if (flags_bool(flags, "audit_allow_fork_process_events"))
		kinds |= EVENT_BIT(EVENT_FORK);
	if (flags_bool(flags, "audit_allow_kill_process_events"))
		kinds |= EVENT_BIT(EVENT_KILL);
	return kinds;
}

static void write_ids(struct event_writer *writer, const struct credentials *ids)
{
	if (ids->uid == UINT32_MAX)
		return;
	event_row_integer(writer, AUID, ids->auid);
	event_row_integer(writer, UID, ids->uid);
	event_row_integer(writer, EUID, ids->euid);
	event_row_integer(writer, GID, ids->gid);
	event_row_integer(writer, EGID, ids->egid);
	event_row_integer(writer, FSUID, ids->fsuid);
	event_row_integer(writer, SUID, ids->suid);
	event_row_integer(writer, FSGID, ids->fsgid);
	event_row_integer(writer, SGID, ids->sgid);
}

static void write_exec(
	struct event_writer *writer, const struct event *event, const struct process *process)
{
	const struct event_exec *exec = &event->exec;
	char mode[16];

	event_row_integer(writer, CMDLINE_SIZE, (int64_t) exec->cmdline_bytes);
	event_row_integer(writer, ENV_SIZE, (int64_t) exec->env_bytes);
	if (exec->env_count >= 0)
		event_row_integer(writer, ENV_COUNT, exec->env_count);
	if (process && strlen(process->cmdline) + 1 < exec->cmdline_bytes)
		event_row_string(writer, OVERFLOWS, "cmdline");
	if (exec->mode == 0)
		return;
	(void) snprintf(mode, sizeof(mode), "0%o", exec->mode);
	event_row_string(writer, MODE, mode);
	event_row_integer(writer, OWNER_UID, exec->owner_uid);
	event_row_integer(writer, OWNER_GID, exec->owner_gid);
	event_row_integer(writer, INODE, (int64_t) exec->inode);
	event_row_integer(writer, ATIME, exec->atime);
	event_row_integer(writer, MTIME, exec->mtime);
	event_row_integer(writer, CTIME, exec->ctime);
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	const struct process *process = event->process;
	uint32_t pid = event->pid, parent = event->ppid;

	if (event->kind == EVENT_FORK) {
		pid = event->fork.child;
		parent = event->pid;
		process = processes_find(context->processes, pid, 0);
	}
	(void) event_row_begin(writer, event->time_ns / 1000000000);
	event_row_integer(writer, PID, pid);
	event_row_integer(writer, PARENT, parent);
	if (process) {
		event_row_string(writer, PATH, process->path);
		event_row_string(writer, CMDLINE, process->cmdline);
		event_row_string(writer, CWD, event->cwd ? event->cwd : process->cwd);
	}
	write_ids(writer, &event->ids);
	event_row_integer(writer, BTIME, 0);
	event_row_integer(writer, UPTIME, event->uptime_ns / 1000000000);
	event_row_string(writer, SYSCALL, event->syscall);
	if (event->kind == EVENT_EXEC)
		write_exec(writer, event, process);
	stored_write_process(writer, context, process, PROCESS);
	stored_write_outcome(writer, event, OUTCOME);
}

// ---- the digest ----

static int fetch(struct scan *scan, unsigned group, struct fault *why)
{
	const char *path = stored_text(scan, PATH);
	struct digest digest;
	int64_t inode, mtime;

	(void) group;
	(void) why;
	if (path && stored_integer(scan, INODE, &inode) && stored_integer(scan, MTIME, &mtime) &&
		content_digest(scan, path, inode, mtime, 1 << DIGEST_SHA256, &digest) == 0)
		scan_text(scan, SHA256, digest.hex[DIGEST_SHA256]);
	return 0;
}

static const struct event_table listening = {
	.source = "auditeventpublisher",
	.kinds = EVENT_BIT(EVENT_EXEC) | EVENT_BIT(EVENT_FORK) | EVENT_BIT(EVENT_KILL),
	.wanted = wanted,
	.hear = hear,
};

const struct table table_process_events = {
	.name = "process_events",
	.about = "Programs that were started, and on request forks and signals, as they happen.",
	COLUMNS(columns),
	EXAMPLES("SELECT time, pid, path, cmdline FROM process_events",
		"SELECT path, count(*) AS n FROM process_events "
		"WHERE time > unixepoch() - 3600 GROUP BY path ORDER BY n DESC"),
	STORED_ROWS,
	.fetch = fetch,
	.event = &listening,
};
