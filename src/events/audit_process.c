// SPDX-License-Identifier: Apache-2.0
// Events of processes and sockets from the records of their calls.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/audit.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/base.h"
#include "events/audit_group.h"
#include "events/process.h"

enum {
	CMDLINE_BYTES = 64 << 10, // that are kept
	MOST_ERRNO = 4095, // of the kernel
	TARGETS = 16, // of a signal to a group
	NS_PER_TICK = 10000000, // of what userland is told: USER_HZ is 100 everywhere
};

// ---- common ----

static int error_of(const struct audit_call *call)
{
	if (call->succeeded || call->result >= 0)
		return 0;
	return call->result >= -MOST_ERRNO ? (int) -call->result : EIO;
}

void audit_event_init(const struct audit_reader *reader, const struct audit_group *group,
	enum event_kind kind, struct event *event)
{
	const struct audit_call *call = &group->call;

	*event = (struct event){
		.kind = kind,
		.error = error_of(call),
		.time_ns = group->stamp.time_ns,
		.uptime_ns = group->stamp.time_ns - reader->settings.boot_ns,
		.duration_ns = -1,
		.result = call->result,
		.pid = call->pid,
		.tid = call->pid,
		.ppid = call->ppid,
		.fd = -1,
		.syscall = group->kind->name,
		.ids = call->ids,
	};
}

bool audit_wants(const struct audit_reader *reader, enum event_kind kind)
{
	return reader->settings.kinds & EVENT_BIT(kind);
}

void audit_give(struct audit_reader *reader, struct event *event)
{
	struct processes *processes = reader->settings.processes;

	if (!audit_wants(reader, event->kind)) {
		reader->counts.filtered++;
		return;
	}
	if (!event->process && processes && event->pid)
		event->process = processes_find(processes, event->pid, 0);
	reader->settings.give(reader->settings.context, event);
}

char *audit_decoded(struct audit_reader *reader, struct audit_text record, const char *name)
{
	struct audit_pair pair;

	return audit_find(record, name, &pair) ? audit_decode(&pair, &reader->arena, NULL) : NULL;
}

char *audit_group_cwd(struct audit_reader *reader, const struct audit_group *group)
{
	struct audit_text record;
	size_t from = 0;

	return audit_group_next(group, AUDIT_CWD, &from, &record)
		? audit_decoded(reader, record, "cwd")
		: NULL;
}

// ---- what /proc knows of a process that may be gone ----

static bool read_stat(uint32_t pid, uint32_t *parent, uint64_t *start_ticks)
{
	char path[32], stat[1024], *rest;
	unsigned field = 2;

	if (kill((pid_t) pid, 0) < 0 && errno == ESRCH)
		return false; // cheaper than to look for a folder that is not there
	(void) snprintf(path, sizeof(path), "/proc/%" PRIu32 "/stat", pid);
	if (read_small(AT_FDCWD, path, stat, sizeof(stat)) <= 0)
		return false;
	rest = strrchr(stat, ')'); // its name may hold anything
	if (!rest)
		return false;
	rest++;
	for (char *word; (word = text_word(&rest, " "));) {
		field++;
		if (field == 4)
			*parent = (uint32_t) strtoul(word, NULL, 10);
		if (field == 22) {
			*start_ticks = strtoull(word, NULL, 10);
			return true;
		}
	}
	return false;
}

static bool is_thread_of(uint32_t pid, uint32_t tid)
{
	char path[64];

	(void) snprintf(path, sizeof(path), "/proc/%" PRIu32 "/task/%" PRIu32, pid, tid);
	return access(path, F_OK) == 0;
}

static void remember_alive(struct audit_reader *reader, uint32_t pid)
{
	if (!reader->settings.live)
		return;
	if (reader->n_alive == reader->alive_room) {
		reader->alive_room = reader->alive_room * 2 + 256;
		reader->alive = must_resize(
			reader->alive, reader->alive_room * sizeof(*reader->alive));
	}
	reader->alive[reader->n_alive++] = pid;
}

// One that is gone already has the time of the event as its start: the same for what follows of it,
// and not that of another process.
static uint64_t start_of(const struct audit_reader *reader, const struct event *event)
{
	const struct process *known;
	uint32_t parent;
	uint64_t start_ticks;

	if (reader->settings.live && read_stat(event->pid, &parent, &start_ticks))
		return start_ticks;
	if (audit_wants(reader, EVENT_FORK)) {
		known = processes_find(reader->settings.processes, event->pid, 0);
		if (known && !known->exited)
			return known->start_ticks;
	}
	return event->uptime_ns > 0 ? (uint64_t) event->uptime_ns / NS_PER_TICK : 0;
}

// ---- execve ----

// "a12", "a12_len", "a12[3]": the number of the argument; -1 for other names. `*is_length`: it
// tells a length.
static int argument_number(const struct audit_pair *pair, bool *is_length)
{
	int number = 0;
	size_t i = 1;

	if (pair->name.length < 2 || pair->name.length > 16 || pair->name.bytes[0] != 'a')
		return -1;
	for (; i < pair->name.length && i <= 8 && pair->name.bytes[i] >= '0' &&
		pair->name.bytes[i] <= '9';
		i++)
		number = number * 10 + pair->name.bytes[i] - '0';
	if (i == 1 || i > 8)
		return -1;
	*is_length = i < pair->name.length && pair->name.bytes[i] == '_';
	return i == pair->name.length || *is_length || pair->name.bytes[i] == '[' ? number : -1;
}

// Adds what an EXECVE record holds. Long arguments come in pieces, over several records.
static void add_arguments(struct audit_reader *reader, struct audit_text record, struct text *line,
	uint64_t *bytes, int *last)
{
	struct audit_pair pair;

	while (audit_next_pair(&record, &pair)) {
		bool is_length;
		int number = argument_number(&pair, &is_length);
		size_t length;
		const char *text;

		if (number < 0 || is_length)
			continue;
		text = audit_decode(&pair, &reader->arena, &length);
		if (number != *last && *last >= 0) {
			text_add_char(line, ' ');
			(*bytes)++;
		}
		*last = number;
		*bytes += length;
		if (line->length < CMDLINE_BYTES)
			text_add(line, text,
				length < CMDLINE_BYTES - line->length
					? length
					: CMDLINE_BYTES - line->length);
	}
}

static uint64_t device_of(const struct audit_pair *pair)
{
	const char *colon = memchr(pair->value.bytes, ':', pair->value.length);
	struct audit_pair minor = *pair;

	if (!colon)
		return 0;
	minor.value.bytes = colon + 1;
	minor.value.length = pair->value.length - (size_t) (minor.value.bytes - pair->value.bytes);
	return makedev((unsigned) audit_hexadecimal(pair), (unsigned) audit_hexadecimal(&minor));
}

// The first PATH record is what was asked for: of a script not the interpreter.
static void describe_file(const struct audit_group *group, struct event_exec *exec)
{
	struct audit_text record;
	struct audit_pair pair;
	size_t from = 0;

	if (!audit_group_next(group, AUDIT_PATH, &from, &record))
		return;
	while (audit_next_pair(&record, &pair)) {
		if (audit_name_is(&pair, "inode"))
			exec->inode = (uint64_t) audit_decimal(&pair);
		else if (audit_name_is(&pair, "dev"))
			exec->device = device_of(&pair);
		else if (audit_name_is(&pair, "mode"))
			exec->mode = (uint32_t) audit_octal(&pair);
		else if (audit_name_is(&pair, "ouid"))
			exec->owner_uid = (uint32_t) audit_decimal(&pair);
		else if (audit_name_is(&pair, "ogid"))
			exec->owner_gid = (uint32_t) audit_decimal(&pair);
	}
}

static void look_at_file(
	const struct audit_reader *reader, const char *path, struct event_exec *exec)
{
	struct stat status;

	if (!reader->settings.live || stat(path, &status) < 0)
		return;
	exec->atime = status.st_atime;
	exec->mtime = status.st_mtime;
	exec->ctime = status.st_ctime;
}

static const struct process *tell_exec(struct audit_reader *reader, const struct event *event,
	const struct audit_group *group, const char *cmdline)
{
	struct processes *processes = reader->settings.processes;
	struct process_image image = {
		.pid = event->pid,
		.ppid = event->ppid,
		.path = group->exe,
		.cmdline = cmdline,
		.cwd = event->cwd,
		.ids = &event->ids,
	};

	if (!processes || !reader->settings.tells_processes)
		return NULL;
	image.start_ticks = start_of(reader, event);
	// what it has of its parent, for nobody may have told of the fork
	(void) processes_fork(processes, event->ppid, event->pid, image.start_ticks, NULL);
	remember_alive(reader, event->pid);
	return processes_exec(processes, &image);
}

void audit_make_exec(struct audit_reader *reader, const struct audit_group *group)
{
	auto_text struct text line = { 0 };
	struct audit_text record;
	struct event event;
	size_t from = 0;
	int last = -1;

	audit_event_init(reader, group, EVENT_EXEC, &event);
	event.cwd = audit_group_cwd(reader, group);
	event.exec.env_count = -1;
	while (audit_group_next(group, AUDIT_EXECVE, &from, &record))
		add_arguments(reader, record, &line, &event.exec.cmdline_bytes, &last);
	describe_file(group, &event.exec);
	look_at_file(reader, group->exe, &event.exec);
	if (event.error == 0)
		event.process = tell_exec(reader, &event, group, line.bytes ? line.bytes : "");
	audit_give(reader, &event);
}

// ---- fork ----

// The flags of clone3 are not in its record, so the new one is looked at. 1: a process, 0: a
// thread, -1: gone and unknown.
static int is_process(struct audit_reader *reader, const struct audit_call *call, uint32_t child,
	uint64_t *start_ticks)
{
	struct processes *processes = reader->settings.processes;
	const struct process *known;
	uint32_t parent;

	if (!reader->settings.live)
		return 1;
	if (read_stat(child, &parent, start_ticks))
		return parent == call->pid || !is_thread_of(call->pid, child);
	// vfork(2) and posix_spawn(3) return after the execution, which was told already
	known = processes ? processes_find(processes, child, 0) : NULL;
	if (!known || known->exited || known->ppid != call->pid)
		return -1;
	*start_ticks = known->start_ticks;
	return 1;
}

static void give_fork(
	struct audit_reader *reader, const struct audit_group *group, uint64_t start_ticks)
{
	struct processes *processes = reader->settings.processes;
	const struct audit_call *call = &group->call;
	bool as_sibling = group->kind->flags != NO_ARGUMENT &&
		call->arguments[group->kind->flags] & CLONE_PARENT;
	struct event event;

	audit_event_init(reader, group, EVENT_FORK, &event);
	event.fork.child = (uint32_t) call->result;
	if (start_ticks == 0 && event.uptime_ns > 0)
		start_ticks = (uint64_t) event.uptime_ns / NS_PER_TICK;
	event.fork.start_ticks = start_ticks;
	if (processes && reader->settings.tells_processes) {
		(void) processes_fork(processes, as_sibling ? call->ppid : call->pid,
			event.fork.child, start_ticks, &event.ids);
		remember_alive(reader, event.fork.child);
	}
	audit_give(reader, &event);
}

static void remember_unsure(struct audit_reader *reader, const struct audit_group *group)
{
	reader->unsure[reader->next_unsure] = (struct audit_fork){
		.stamp = group->stamp,
		.kind = group->kind,
		.call = group->call,
	};
	reader->next_unsure = (reader->next_unsure + 1) % AUDIT_UNSURE_FORKS;
	if (reader->n_unsure < AUDIT_UNSURE_FORKS)
		reader->n_unsure++;
}

void audit_settle_fork(struct audit_reader *reader, uint32_t pid)
{
	for (size_t i = 0; i < reader->n_unsure; i++) {
		struct audit_fork *fork = &reader->unsure[i];
		struct audit_group group;

		if (fork->call.result != pid)
			continue;
		memset(&group, 0, sizeof(group));
		group.stamp = fork->stamp;
		group.kind = fork->kind;
		group.call = fork->call;
		fork->call.result = 0; // no process has it
		reader->counts.filtered--; // it was counted as one
		give_fork(reader, &group, 0);
		return;
	}
}

void audit_make_fork(struct audit_reader *reader, const struct audit_group *group)
{
	const struct audit_call *call = &group->call;
	uint64_t flags = group->kind->flags != NO_ARGUMENT // clone's first argument
		? call->arguments[group->kind->flags]
		: 0;
	uint64_t start_ticks = 0;
	int process;

	if (call->result <= 0 || call->result > UINT32_MAX || flags & CLONE_THREAD) {
		reader->counts.filtered++;
		return;
	}
	process = is_process(reader, call, (uint32_t) call->result, &start_ticks);
	if (process != 0 && (process > 0 || strcmp(group->kind->name, "clone3") != 0)) {
		give_fork(reader, group, start_ticks);
		return;
	}
	reader->counts.filtered++;
	if (process < 0)
		remember_unsure(reader, group);
}

// ---- kill ----

void audit_make_kill(struct audit_reader *reader, const struct audit_group *group)
{
	const struct audit_call *call = &group->call;
	bool tgkill = strcmp(group->kind->name, "tgkill") == 0;
	struct audit_text record;
	struct audit_pair pair;
	struct event event;
	size_t from = 0;
	unsigned targets = 0;

	audit_event_init(reader, group, EVENT_KILL, &event);
	event.kill.signal = (int) call->arguments[tgkill ? 2 : 1];
	event.kill.target = (uint32_t) call->arguments[0];
	// whom it reached, by the ids of the host, not of the caller's namespace
	while (targets < TARGETS && audit_group_next(group, AUDIT_OBJ_PID, &from, &record))
		if (audit_find(record, "opid", &pair)) {
			event.kill.target = (uint32_t) audit_decimal(&pair);
			audit_give(reader, &event);
			targets++;
		}
	if (targets == 0)
		audit_give(reader, &event);
}

// ---- sockets ----

void audit_make_socket(struct audit_reader *reader, const struct audit_group *group)
{
	enum event_kind kind = group->kind->kinds & EVENT_BIT(EVENT_BIND) ? EVENT_BIND
		: group->kind->kinds & EVENT_BIT(EVENT_CONNECT)           ? EVENT_CONNECT
									  : EVENT_ACCEPT;
	struct event_address *address;
	struct audit_text record;
	struct audit_pair pair;
	struct event event;
	size_t from = 0;

	audit_event_init(reader, group, kind, &event);
	event.fd = (int) group->call.arguments[0];
	address = kind == EVENT_BIND ? &event.socket.local : &event.socket.remote;
	if (audit_group_next(group, AUDIT_SOCKADDR, &from, &record) &&
		audit_find(record, "saddr", &pair))
		address->length = (socklen_t) audit_unhex(
			pair.value, &address->storage, sizeof(address->storage));
	if (address->length >= sizeof(sa_family_t))
		event.socket.family = address->any.sa_family;
	else
		address->length = 0;
	audit_give(reader, &event);
}
