// SPDX-License-Identifier: Apache-2.0
// Programs that were started, in the columns of the older table of that name.
#include <string.h>

#include "base/json.h"
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
	CWD,
	CMDLINE,
	DURATION,
	JSON_CMDLINE,
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
	[CWD] = { "cwd", TEXT, "Working directory." },
	[CMDLINE] = { "cmdline", TEXT, "Arguments, joined by blanks." },
	[DURATION] = { "duration", INTEGER,
		"Nanoseconds spent in the system call, where they are known." },
	[JSON_CMDLINE] = { "json_cmdline", TEXT, "The command line as a JSON array of one text.",
		HIDDEN },
	[NTIME] = { "ntime", TEXT, "When it happened, in nanoseconds since boot." },
	[TIME] = { "time", BIGINT, "When it happened, in seconds since 1970.",
		ADDITIONAL | HIDDEN },
	[EID] = { "eid", INTEGER, "Number of the row, which grows.", HIDDEN | ADDITIONAL },
	[PROCESS] = STORED_PROCESS,
	[OUTCOME] = STORED_OUTCOME,
};

static uint32_t wanted(const struct flags *flags)
{
	return flags_bool(flags, "enable_bpf_events")
		? EVENT_BIT(EVENT_EXEC) | EVENT_BIT(EVENT_FORK)
		: 0;
}

static void write_cmdline(struct event_writer *writer, const char *cmdline)
{
	auto_text struct text json = { 0 };

	event_row_string(writer, CMDLINE, cmdline);
	text_add_char(&json, '[');
	json_add_string(&json, cmdline, strlen(cmdline));
	text_add_char(&json, ']');
	event_row_text(writer, JSON_CMDLINE, json.bytes, json.length);
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
	if (event->duration_ns >= 0)
		event_row_integer(writer, DURATION, event->duration_ns);
	(void) snprintf(number, sizeof(number), "%lld", (long long) event->uptime_ns);
	event_row_string(writer, NTIME, number);
	if (process) {
		event_row_string(writer, PATH, process->path);
		event_row_string(writer, CWD, event->cwd ? event->cwd : process->cwd);
		write_cmdline(writer, process->cmdline);
	}
	stored_write_process(writer, context, process, PROCESS);
	stored_write_outcome(writer, event, OUTCOME);
}

static const struct event_table listening = {
	.source = "bpf",
	.kinds = EVENT_BIT(EVENT_EXEC) | EVENT_BIT(EVENT_FORK),
	.wanted = wanted,
	.hear = hear,
};

const struct table table_bpf_process_events = {
	.name = "bpf_process_events",
	.about = "Programs that were started and forks, as kernel programs (BPF) tell of them.",
	COLUMNS(columns),
	EXAMPLES("SELECT ntime, pid, path, cmdline FROM bpf_process_events"),
	STORED_ROWS,
	.event = &listening,
};
