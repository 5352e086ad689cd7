// SPDX-License-Identifier: Apache-2.0
// Records that are an event by themselves: what programs tell of users, SELinux, AppArmor, seccomp.
#include <linux/audit.h>
#include <string.h>

#include "base/base.h"
#include "events/audit_group.h"

enum { FIELDS = 64 };

// Whose values the kernel or libaudit writes as digits of bytes where they hold more than plain
// characters. Of other names digits are numbers.
static bool is_encoded(const struct audit_pair *pair)
{
	static const char *const names[] = { "acct", "cmd", "comm", "cwd", "data", "exe", "file",
		"info", "label", "name", "namespace", "path", "peer", "profile", "proctitle",
		"target", "terminal", "vm" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (audit_name_is(pair, names[i]))
			return true;
	return false;
}

static void set_ids(struct event *event, const struct audit_pair *pair)
{
	uint32_t number = (uint32_t) audit_decimal(pair);

	if (audit_name_is(pair, "pid"))
		event->pid = number;
	else if (audit_name_is(pair, "uid"))
		event->ids.uid = number;
	else if (audit_name_is(pair, "gid"))
		event->ids.gid = number;
	else if (audit_name_is(pair, "auid"))
		event->ids.auid = number;
	else if (audit_name_is(pair, "ses"))
		event->ids.session = number;
	else if (audit_name_is(pair, "fsuid"))
		event->ids.fsuid = number;
}

struct fields {
	struct event_field list[FIELDS + 1];
	size_t n;
};

static bool has_field(const struct fields *fields, const struct audit_pair *pair)
{
	for (size_t i = 0; i < fields->n; i++)
		if (audit_name_is(pair, fields->list[i].name))
			return true;
	return false;
}

// What stands first of a name counts: the kernel writes before the program, which may write
// anything.
static void add_fields(struct audit_reader *reader, struct audit_text text, struct event *event,
	struct fields *fields)
{
	struct audit_pair pair;

	while (fields->n < FIELDS && audit_next_pair(&text, &pair)) {
		if (has_field(fields, &pair))
			continue;
		if (event)
			set_ids(event, &pair);
		fields->list[fields->n++] = (struct event_field){
			.name = arena_copy(&reader->arena, pair.name.bytes, pair.name.length),
			.value = is_encoded(&pair)
				? audit_decode(&pair, &reader->arena, NULL)
				: arena_copy(&reader->arena, pair.value.bytes, pair.value.length),
		};
		if (event && pair.quote == '\'') // what a program says: pairs again
			add_fields(reader, pair.value, NULL, fields);
	}
}

static enum event_kind kind_of(int type, const struct fields *fields)
{
	if (type == AUDIT_SECCOMP)
		return EVENT_SECCOMP;
	if (type >= AUDIT_FIRST_USER_MSG && type <= AUDIT_LAST_USER_MSG)
		return EVENT_USER;
	for (size_t i = 0; i < fields->n; i++)
		if (strcmp(fields->list[i].name, "apparmor") == 0)
			return EVENT_APPARMOR;
	return EVENT_SELINUX;
}

void audit_make_record(struct audit_reader *reader, const struct audit_stamp *stamp, int type,
	struct audit_text record)
{
	struct fields fields = { .n = 0 };
	struct event event = {
		.time_ns = stamp->time_ns,
		.uptime_ns = stamp->time_ns - reader->settings.boot_ns,
		.duration_ns = -1,
		.fd = -1,
		.ids = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
			UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX },
	};

	add_fields(reader, record, &event, &fields);
	fields.list[fields.n] = (struct event_field){ NULL, NULL };
	event.kind = kind_of(type, &fields);
	event.tid = event.pid;
	event.record.type = type;
	event.record.message = arena_copy(&reader->arena, record.bytes, record.length);
	event.record.fields = fields.list;
	audit_give(reader, &event);
}
