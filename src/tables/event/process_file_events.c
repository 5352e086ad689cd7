// SPDX-License-Identifier: Apache-2.0
// What processes did to the files of file_paths.
#include "tables/event/stored.h"

enum {
	OPERATION,
	PID,
	PPID,
	TIME,
	EXECUTABLE,
	PARTIAL,
	CWD,
	PATH,
	DEST_PATH,
	UID,
	GID,
	AUID,
	EUID,
	EGID,
	FSUID,
	FSGID,
	SUID,
	SGID,
	UPTIME,
	EID,
	PROCESS,
	OUTCOME = PROCESS + STORED_PROCESS_COLUMNS,
	CMDLINE = OUTCOME + STORED_OUTCOME_COLUMNS,
	INODE,
	SYSCALL,
};

static const struct column columns[] = {
	[OPERATION] = { "operation", TEXT,
		"create, open, write (closed after writing), truncate, rename, unlink, link, "
		"symlink, mkdir, rmdir, or the call that changed attributes." },
	[PID] = { "pid", BIGINT, "Process id." },
	[PPID] = { "ppid", BIGINT, "Process id of the parent." },
	[TIME] = STORED_TIME,
	[EXECUTABLE] = { "executable", TEXT, "Path of its executable." },
	[PARTIAL] = { "partial", TEXT, "true if something about it is not known." },
	[CWD] = { "cwd", TEXT, "Its working directory." },
	[PATH] = { "path", TEXT, "Path of the file." },
	[DEST_PATH] = { "dest_path", TEXT, "New path, of a rename or a link." },
	[UID] = { "uid", TEXT, "Real user id." },
	[GID] = { "gid", TEXT, "Real group id." },
	[AUID] = { "auid", TEXT, "User id of the login, 4294967295 without one." },
	[EUID] = { "euid", TEXT, "Effective user id." },
	[EGID] = { "egid", TEXT, "Effective group id." },
	[FSUID] = { "fsuid", TEXT, "User id for file accesses." },
	[FSGID] = { "fsgid", TEXT, "Group id for file accesses." },
	[SUID] = { "suid", TEXT, "Saved user id." },
	[SGID] = { "sgid", TEXT, "Saved group id." },
	[UPTIME] = STORED_UPTIME,
	[EID] = STORED_EID,
	[PROCESS] = STORED_PROCESS,
	[OUTCOME] = STORED_OUTCOME,
	[CMDLINE] = { "cmdline", TEXT, "Arguments of the process, joined by blanks.", HIDDEN },
	[INODE] = { "inode", BIGINT, "Inode of the file.", HIDDEN },
	[SYSCALL] = { "syscall", TEXT, "System call.", HIDDEN },
};

static uint32_t wanted(const struct flags *flags)
{
	return stored_is_on(flags) && flags_bool(flags, "audit_allow_fim_events")
		? (uint32_t) EVENTS_FILE
		: 0;
}

static void write_ids(struct event_writer *writer, const struct credentials *ids)
{
	if (ids->uid == UINT32_MAX)
		return;
	event_row_integer(writer, UID, ids->uid);
	event_row_integer(writer, GID, ids->gid);
	event_row_integer(writer, AUID, ids->auid);
	event_row_integer(writer, EUID, ids->euid);
	event_row_integer(writer, EGID, ids->egid);
	event_row_integer(writer, FSUID, ids->fsuid);
	event_row_integer(writer, FSGID, ids->fsgid);
	event_row_integer(writer, SUID, ids->suid);
	event_row_integer(writer, SGID, ids->sgid);
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	const struct process *process = event->process;
	bool attributes = event->kind == EVENT_ATTRIBUTES && event->syscall;

	(void) event_row_begin(writer, event->time_ns / 1000000000);
	event_row_string(
		writer, OPERATION, attributes ? event->syscall : event_kind_name(event->kind));
	event_row_integer(writer, PID, event->pid);
	event_row_integer(writer, PPID, event->ppid);
	event_row_string(writer, PATH, event->file.path);
	event_row_string(writer, DEST_PATH, event->file.new_path);
	write_ids(writer, &event->ids);
	event_row_integer(writer, UPTIME, event->uptime_ns / 1000000000);
	event_row_string(writer, SYSCALL, event->syscall);
	if (event->file.inode)
		event_row_integer(writer, INODE, (int64_t) event->file.inode);
	event_row_string(writer, PARTIAL, process ? "false" : "true");
	if (process) {
		event_row_string(writer, EXECUTABLE, process->path);
		event_row_string(writer, CWD, event->cwd ? event->cwd : process->cwd);
		event_row_string(writer, CMDLINE, process->cmdline);
	}
	stored_write_process(writer, context, process, PROCESS);
	stored_write_outcome(writer, event, OUTCOME);
}

static const struct event_table listening = {
	.source = "auditeventpublisher",
	.kinds = EVENTS_FILE,
	.wanted = wanted,
	.hear = hear,
};

const struct table table_process_file_events = {
	.name = "process_file_events",
	.about = "What processes did to the files that the configuration names in file_paths.",
	COLUMNS(columns),
	EXAMPLES("SELECT time, operation, path, executable, uid FROM process_file_events",
		"SELECT executable, count(*) AS n FROM process_file_events "
		"WHERE operation = 'write' GROUP BY executable ORDER BY n DESC"),
	STORED_ROWS,
	.event = &listening,
};
