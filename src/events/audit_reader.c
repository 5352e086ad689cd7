// SPDX-License-Identifier: Apache-2.0
// Joins the records of one event by their serial number. The first of a call says what it is; when
// that does not matter, the others are not kept. Calls overlap, as several processors write.
#include "events/audit_reader.h"

#include <errno.h>
#include <linux/audit.h>
#include <signal.h>
#include <string.h>

#include "base/base.h"
#include "events/audit_group.h"
#include "events/process.h"

enum {
	GROUP_AGE_MS = 3000, // the records of a call come at once; some may be lost
	SPARE_BYTES = 32 << 10, // that a group keeps for the next one
	ALIVE_MS = 5000,
};

struct audit_reader *audit_reader_new(const struct audit_reader_settings *settings)
{
	struct audit_reader *reader = must_alloc(sizeof(*reader));

	memset(reader, 0, sizeof(*reader));
	reader->settings = *settings;
	reader->own_path = settings->own_path ? must_dup(settings->own_path) : NULL;
	reader->files = audit_files_new();
	audit_calls_init(&reader->calls);
	return reader;
}

static void free_group(struct audit_group *group)
{
	text_done(&group->text);
	free(group->exe);
	free(group);
}

void audit_reader_free(struct audit_reader *reader)
{
	if (!reader)
		return;
	for (size_t i = 0; i < reader->n_groups; i++)
		free_group(reader->groups[i]);
	for (size_t i = 0; i < reader->n_spare; i++)
		free_group(reader->spare[i]);
	audit_files_free(reader->files);
	arena_done(&reader->arena);
	free(reader->alive);
	free(reader->own_path);
	free(reader);
}

void audit_reader_want(struct audit_reader *reader, uint32_t kinds)
{
	reader->settings.kinds = kinds;
}

const struct audit_reader_counts *audit_reader_counts(const struct audit_reader *reader)
{
	return &reader->counts;
}

bool audit_reader_waits(const struct audit_reader *reader)
{
	return reader->n_groups > 0 || audit_files_n(reader->files) > 0;
}

// ---- groups ----

static struct audit_group *begin_group(struct audit_reader *reader)
{
	struct audit_group *group;

	if (reader->n_spare > 0)
		return reader->spare[--reader->n_spare];
	group = must_alloc(sizeof(*group));
	memset(group, 0, sizeof(*group));
	return group;
}

static void end_group(struct audit_reader *reader, struct audit_group *group)
{
	if (reader->n_spare == AUDIT_GROUPS || group->text.room > SPARE_BYTES ||
		group->exe_room > SPARE_BYTES) {
		free_group(group);
		return;
	}
	text_clear(&group->text);
	group->n_parts = 0;
	group->lost_parts = 0;
	reader->spare[reader->n_spare++] = group;
}

static size_t find_group(const struct audit_reader *reader, uint64_t serial)
{
	for (size_t i = reader->n_groups; i-- > 0;)
		if (reader->groups[i]->stamp.serial == serial)
			return i;
	return SIZE_MAX;
}

static void make_events(struct audit_reader *reader, const struct audit_group *group)
{
	if (reader->n_unsure > 0)
		audit_settle_fork(reader, group->call.pid);
	switch (group->kind->class) {
	case CALL_NONE:
		break;
	case CALL_EXEC:
		audit_make_exec(reader, group);
		break;
	case CALL_FORK:
		audit_make_fork(reader, group);
		break;
	case CALL_KILL:
		audit_make_kill(reader, group);
		break;
	case CALL_SOCKET:
		audit_make_socket(reader, group);
		break;
	default:
		audit_make_file(reader, group);
		break;
	}
	arena_reset(&reader->arena);
}

static void give_group(struct audit_reader *reader, size_t position)
{
	struct audit_group *group = reader->groups[position];

	reader->n_groups--;
	memmove(reader->groups + position, reader->groups + position + 1,
		(reader->n_groups - position) * sizeof(*reader->groups));
	make_events(reader, group);
	if (group->lost_parts > 0)
		reader->counts.dropped++; // a part of what it would have told
	end_group(reader, group);
}

static void add_part(struct audit_group *group, int type, struct audit_text record)
{
	if (group->n_parts == AUDIT_GROUP_RECORDS ||
		record.length > AUDIT_GROUP_BYTES - group->text.length) {
		group->lost_parts++;
		return;
	}
	group->parts[group->n_parts++] = (struct audit_part){
		.type = type,
		.at = (uint32_t) group->text.length,
		.length = (uint32_t) record.length,
	};
	text_add(&group->text, record.bytes, record.length);
}

bool audit_group_next(
	const struct audit_group *group, int type, size_t *from, struct audit_text *record)
{
	for (; *from < group->n_parts; (*from)++) {
		const struct audit_part *part = &group->parts[*from];

		if (part->type == type) {
			(*from)++;
			*record = (struct audit_text){ group->text.bytes + part->at, part->length };
			return true;
		}
	}
	return false;
}

// ---- records ----

static void keep_exe(struct audit_reader *reader, struct audit_group *group)
{
	size_t length;
	const char *exe = audit_decode(&group->call.exe, &reader->arena, &length);

	if (length + 1 > group->exe_room) {
		group->exe_room = length + 64;
		group->exe = must_resize(group->exe, group->exe_room);
	}
	memcpy(group->exe, exe, length + 1);
	arena_reset(&reader->arena);
}

// Our own calls; executions of our program by others are none of them.
static bool is_own(const struct audit_reader *reader, const struct audit_group *group)
{
	if (reader->settings.own_pid && group->call.pid == reader->settings.own_pid)
		return true;
	return reader->own_path && group->kind->class != CALL_EXEC &&
		strcmp(group->exe, reader->own_path) == 0;
}

// The first record of a call.
static void take_call(struct audit_reader *reader, const struct audit_stamp *stamp,
	struct audit_text record, int64_t now_ms)
{
	struct audit_group *group = begin_group(reader);

	group->stamp = *stamp;
	group->begun_ms = now_ms;
	group->kind = NULL;
	if (audit_call_read(record, &group->call))
		group->kind = audit_calls_find(
			&reader->calls, group->call.arch, group->call.number);
	// (closing matters when there are files to be closed)
	if (!group->kind ||
		!(group->kind->kinds & reader->settings.kinds ||
			(group->kind->class == CALL_CLOSE && audit_files_n(reader->files) > 0))) {
		reader->counts.filtered++;
		end_group(reader, group);
		return;
	}
	keep_exe(reader, group);
	if (is_own(reader, group)) {
		reader->counts.filtered++;
		end_group(reader, group);
		return;
	}
	if (reader->n_groups == AUDIT_GROUPS)
		give_group(reader, 0); // its end was lost
	reader->groups[reader->n_groups++] = group;
}

// Whether a class of calls needs the type.
static bool needs(enum audit_class class, int type)
{
	switch (type) {
	case AUDIT_EXECVE:
		return class == CALL_EXEC;
	case AUDIT_CWD:
	case AUDIT_PATH:
		return class == CALL_EXEC || class >= CALL_OPEN;
	case AUDIT_SOCKADDR:
		return class == CALL_SOCKET;
	case AUDIT_OBJ_PID:
		return class == CALL_KILL;
	case AUDIT_OPENAT2:
		return class == CALL_OPEN;
	default:
		return false;
	}
}

static bool stands_alone(int type)
{
	return (type >= AUDIT_FIRST_USER_MSG && type <= AUDIT_LAST_USER_MSG) ||
		(type >= AUDIT_AVC && type <= AUDIT_MAC_CALIPSO_DEL) || type == AUDIT_SECCOMP;
}

void audit_reader_take(
	struct audit_reader *reader, int type, const char *bytes, size_t length, int64_t now_ms)
{
	struct audit_text record = { bytes, length };
	struct audit_stamp stamp;
	size_t position;

	if (type == AUDIT_PROCTITLE || type == AUDIT_BPRM_FCAPS)
		return; // of every call, and nothing that we need
	if (!audit_cut_stamp(&record, &stamp))
		return;
	if (stands_alone(type)) {
		audit_make_record(reader, &stamp, type, record);
		arena_reset(&reader->arena);
		return;
	}
	position = find_group(reader, stamp.serial);
	if (type == AUDIT_SYSCALL) {
		if (position == SIZE_MAX)
			take_call(reader, &stamp, record, now_ms);
		return;
	}
	if (position == SIZE_MAX)
		return;
	if (type == AUDIT_EOE)
		give_group(reader, position);
	else if (needs(reader->groups[position]->kind->class, type))
		add_part(reader->groups[position], type, record);
}

// ---- time ----

static int compare_ids(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *) a, right = *(const uint32_t *) b;

	return left < right ? -1 : left > right;
}

// Audit does not tell when a process ends: many do without a call.
static void look_for_ended(struct audit_reader *reader)
{
	size_t kept = 0;

	if (reader->n_alive == 0)
		return;
	qsort(reader->alive, reader->n_alive, sizeof(*reader->alive), compare_ids);
	for (size_t i = 0; i < reader->n_alive; i++) {
		if (i > 0 && reader->alive[i] == reader->alive[i - 1])
			continue; // it was told of twice
		if (kill((pid_t) reader->alive[i], 0) == 0 || errno != ESRCH)
			reader->alive[kept++] = reader->alive[i];
		else
			processes_exit(reader->settings.processes, reader->alive[i], 0);
	}
	reader->n_alive = kept;
}

void audit_reader_tick(struct audit_reader *reader, int64_t now_ms, int64_t boot_ns)
{
	reader->settings.boot_ns = boot_ns;
	while (reader->n_groups > 0 && now_ms - reader->groups[0]->begun_ms >= GROUP_AGE_MS)
		give_group(reader, 0);
	if (!reader->settings.live)
		return;
	audit_files_look(reader);
	if (now_ms - reader->looked_ms >= ALIVE_MS) {
		reader->looked_ms = now_ms;
		look_for_ended(reader);
	}
	arena_reset(&reader->arena);
}
