// SPDX-License-Identifier: Apache-2.0
#include "events/recorded.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "base/json.h"
#include "base/module.h"
#include "modules/json/json.h"

enum type { INT, INT32, UINT32, INT64, UINT64, STRING, ADDRESS };

// A member of struct event or struct process_image and its name in the line.
struct member {
	const char *name;
	enum type type;
	size_t offset;
	uint32_t kinds; // that have it; 0: all
};

#define OF(type, name) type, offsetof(struct event, name)

static const struct member members[] = {
	{ "error", OF(INT, error) },
	{ "time_ns", OF(INT64, time_ns) },
	{ "uptime_ns", OF(INT64, uptime_ns) },
	{ "duration_ns", OF(INT64, duration_ns) },
	{ "result", OF(INT64, result) },
	{ "pid", OF(UINT32, pid) },
	{ "tid", OF(UINT32, tid) },
	{ "ppid", OF(UINT32, ppid) },
	{ "cgroup", OF(UINT64, cgroup) },
	{ "fd", OF(INT, fd) },
	{ "syscall", OF(STRING, syscall) },
	{ "cwd", OF(STRING, cwd) },
	{ "uid", OF(UINT32, ids.uid) },
	{ "gid", OF(UINT32, ids.gid) },
	{ "euid", OF(UINT32, ids.euid) },
	{ "egid", OF(UINT32, ids.egid) },
	{ "suid", OF(UINT32, ids.suid) },
	{ "sgid", OF(UINT32, ids.sgid) },
	{ "fsuid", OF(UINT32, ids.fsuid) },
	{ "fsgid", OF(UINT32, ids.fsgid) },
	{ "auid", OF(UINT32, ids.auid) },
	{ "session", OF(UINT32, ids.session) },

	{ "mode", OF(UINT32, exec.mode), EVENT_BIT(EVENT_EXEC) },
	{ "owner_uid", OF(UINT32, exec.owner_uid), EVENT_BIT(EVENT_EXEC) },
	{ "owner_gid", OF(UINT32, exec.owner_gid), EVENT_BIT(EVENT_EXEC) },
	{ "inode", OF(UINT64, exec.inode), EVENT_BIT(EVENT_EXEC) },
	{ "device", OF(UINT64, exec.device), EVENT_BIT(EVENT_EXEC) },
	{ "atime", OF(INT64, exec.atime), EVENT_BIT(EVENT_EXEC) },
	{ "mtime", OF(INT64, exec.mtime), EVENT_BIT(EVENT_EXEC) },
	{ "ctime", OF(INT64, exec.ctime), EVENT_BIT(EVENT_EXEC) },
	{ "cmdline_bytes", OF(UINT64, exec.cmdline_bytes), EVENT_BIT(EVENT_EXEC) },
	{ "env_bytes", OF(UINT64, exec.env_bytes), EVENT_BIT(EVENT_EXEC) },
	{ "env_count", OF(INT64, exec.env_count), EVENT_BIT(EVENT_EXEC) },
	{ "child", OF(UINT32, fork.child), EVENT_BIT(EVENT_FORK) },
	{ "child_start_ticks", OF(UINT64, fork.start_ticks), EVENT_BIT(EVENT_FORK) },
	{ "status", OF(INT, exit.status), EVENT_BIT(EVENT_EXIT) },
	{ "target", OF(UINT32, kill.target), EVENT_BIT(EVENT_KILL) },
	{ "signal", OF(INT, kill.signal), EVENT_BIT(EVENT_KILL) },

	{ "path", OF(STRING, file.path), EVENTS_FILE },
	{ "new_path", OF(STRING, file.new_path), EVENTS_FILE },
	{ "inode", OF(UINT64, file.inode), EVENTS_FILE },
	{ "device", OF(UINT64, file.device), EVENTS_FILE },
	{ "mode", OF(UINT32, file.mode), EVENTS_FILE },
	{ "owner_uid", OF(UINT32, file.uid), EVENTS_FILE },
	{ "owner_gid", OF(UINT32, file.gid), EVENTS_FILE },
	{ "size", OF(INT64, file.size), EVENTS_FILE },
	{ "atime", OF(INT64, file.atime), EVENTS_FILE },
	{ "mtime", OF(INT64, file.mtime), EVENTS_FILE },
	{ "ctime", OF(INT64, file.ctime), EVENTS_FILE },
	{ "flags", OF(UINT32, file.flags), EVENTS_FILE },
	{ "cookie", OF(UINT64, file.cookie), EVENTS_FILE },

	{ "family", OF(INT, socket.family), EVENTS_SOCKET },
	{ "type", OF(INT, socket.type), EVENTS_SOCKET },
	{ "protocol", OF(INT, socket.protocol), EVENTS_SOCKET },
	{ "local", OF(ADDRESS, socket.local), EVENTS_SOCKET },
	{ "remote", OF(ADDRESS, socket.remote), EVENTS_SOCKET },

	{ "type", OF(INT, record.type), EVENTS_RECORD },
	{ "message", OF(STRING, record.message), EVENTS_RECORD },
};

#define OF_IMAGE(type, name) type, offsetof(struct process_image, name)

static const struct member image_members[] = {
	{ "pid", OF_IMAGE(UINT32, pid) },
	{ "ppid", OF_IMAGE(UINT32, ppid) },
	{ "start_ticks", OF_IMAGE(UINT64, start_ticks) },
	{ "path", OF_IMAGE(STRING, path) },
	{ "cmdline", OF_IMAGE(STRING, cmdline) },
	{ "cwd", OF_IMAGE(STRING, cwd) },
	{ "cgroup_path", OF_IMAGE(STRING, cgroup_path) },
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

// ---- writing ----

static void add_hex(struct text *text, const struct event_address *address)
{
	const unsigned char *bytes = (const unsigned char *) &address->storage;

	text_add_char(text, '"');
	for (socklen_t i = 0; i < address->length && i < sizeof(address->storage); i++)
		text_printf(text, "%02x", bytes[i]);
	text_add_char(text, '"');
}

static bool add_value(struct text *text, const struct member *member, const char *at)
{
	const char *string;

	switch (member->type) {
	case INT:
	case INT32:
		text_printf(text, "%d", *(const int *) at);
		return true;
	case UINT32:
		text_printf(text, "%" PRIu32, *(const uint32_t *) at);
		return true;
	case INT64:
		text_printf(text, "%" PRId64, *(const int64_t *) at);
		return true;
	case UINT64:
		text_printf(text, "%" PRId64, *(const int64_t *) at);
		return true;
	case STRING:
		string = *(const char *const *) at;
		if (string)
			json_add_string(text, string, strlen(string));
		return string;
	case ADDRESS:
		add_hex(text, (const struct event_address *) at);
		return true;
	}
	return false;
}

static void add_members(
	struct text *text, const struct member *list, size_t n, uint32_t kind, const void *base)
{
	for (size_t i = 0; i < n; i++) {
		size_t before = text->length;

		if (list[i].kinds && !(list[i].kinds & kind))
			continue;
		text_printf(text, ",\"%s\":", list[i].name);
		if (!add_value(text, &list[i], (const char *) base + list[i].offset))
			text->length = before;
	}
}

static void add_fields(struct text *text, const struct event_field *fields)
{
	const char *separator = "";

	text_add_string(text, ",\"fields\":{");
	for (; fields && fields->name; fields++) {
		text_add_string(text, separator);
		json_add_string(text, fields->name, strlen(fields->name));
		text_add_char(text, ':');
		json_add_string(text, fields->value, strlen(fields->value));
		separator = ",";
	}
	text_add_char(text, '}');
}

void recorded_add(struct text *text, const struct event *event)
{
	const struct process *process = event->process;

	text_printf(text, "{\"kind\":\"%s\"", event_kind_name(event->kind));
	add_members(text, members, COUNT(members), EVENT_BIT(event->kind), event);
	if (EVENT_BIT(event->kind) & EVENTS_RECORD)
		add_fields(text, event->record.fields);
	if (process) {
		struct process_image image = {
			.pid = process->pid,
			.ppid = process->ppid,
			.start_ticks = process->start_ticks,
			.path = process->path,
			.cmdline = process->cmdline,
			.cwd = process->cwd,
			.cgroup_path = process->cgroup_path,
		};

		text_add_string(text, ",\"process\":{\"known\":true");
		add_members(text, image_members, COUNT(image_members), 0, &image);
		text_add_char(text, '}');
	}
	text_add_string(text, "}\n");
}

// ---- reading ----

static int hex_digit(char digit)
{
	const char *digits = "0123456789abcdef", *at = digit ? strchr(digits, digit) : NULL;

	return at ? (int) (at - digits) : -1;
}

static bool take_address(const char *hex, size_t length, struct event_address *address)
{
	unsigned char *bytes = (unsigned char *) &address->storage;

	if (length % 2 || length / 2 > sizeof(address->storage))
		return false;
	for (size_t i = 0; i < length / 2; i++) {
		int high = hex_digit(hex[i * 2]), low = hex_digit(hex[i * 2 + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (unsigned char) (high << 4 | low);
	}
	address->length = (socklen_t) (length / 2);
	return true;
}

static bool put_integer(enum type type, int64_t integer, char *at)
{
	switch (type) {
	case INT:
	case INT32:
		if (integer < INT_MIN || integer > INT_MAX)
			return false;
		*(int *) at = (int) integer;
		return true;
	case UINT32:
		if (integer < 0 || integer > UINT32_MAX)
			return false;
		*(uint32_t *) at = (uint32_t) integer;
		return true;
	case INT64:
	case UINT64:
		*(int64_t *) at = integer;
		return true;
	default:
		return false;
	}
}

static bool take_value(const struct json_library *json, const struct member *member,
	const struct json_value *value, char *at, struct arena *arena)
{
	int64_t integer;
	size_t length;
	const char *string;

	if (member->type != STRING && member->type != ADDRESS)
		return json->integer(value, &integer) && put_integer(member->type, integer, at);
	string = json->text(value, &length);
	if (!string || strlen(string) != length)
		return false;
	if (member->type == ADDRESS)
		return take_address(string, length, (struct event_address *) at);
	*(const char **) at = arena_copy(arena, string, length);
	return true;
}

static int take_members(const struct json_library *json, const struct json_value *object,
	const struct member *list, size_t n, uint32_t kind, void *base, struct arena *arena,
	struct fault *why)
{
	for (size_t i = 0; i < n; i++) {
		const struct json_value *value;

		if (list[i].kinds && !(list[i].kinds & kind))
			continue;
		value = json->member(object, list[i].name);
		if (value &&
			!take_value(json, &list[i], value, (char *) base + list[i].offset, arena))
			return fail(why, -EINVAL, "\"%s\" has a value that it can't have",
				list[i].name);
	}
	return 0;
}

static bool take_kind(
	const struct json_library *json, const struct json_value *object, enum event_kind *kind)
{
	size_t length;
	const char *name = json->text(json->member(object, "kind"), &length);

	for (int i = 0; name && i < N_EVENT_KINDS; i++)
		if (strcmp(name, event_kind_name((enum event_kind) i)) == 0) {
			*kind = (enum event_kind) i;
			return true;
		}
	return false;
}

static void take_fields(const struct json_library *json, struct json_value *object,
	struct event_record *record, struct arena *arena)
{
	enum { MOST = 256 };
	struct event_field *fields = arena_zero(arena, (MOST + 1) * sizeof(*fields));
	struct json_value *value;
	void *place = NULL;
	const char *name;
	size_t n = 0;

	record->fields = fields;
	if (!json->is_object(object))
		return;
	while (n < MOST && (value = json->next(object, &place, &name))) {
		size_t length;
		const char *string = json->text(value, &length);

		if (string)
			fields[n++] = (struct event_field){ arena_copy(arena, name, strlen(name)),
				arena_copy(arena, string, length) };
	}
}

static int take_all(const struct json_library *json, const struct json_value *object,
	struct event *event, struct recorded_process *process, struct arena *arena,
	struct fault *why)
{
	struct json_value *who = json->member(object, "process");
	int r;

	if (!take_kind(json, object, &event->kind))
		return fail(why, -EINVAL, "\"kind\" is none that is known");
	r = take_members(
		json, object, members, COUNT(members), EVENT_BIT(event->kind), event, arena, why);
	if (r < 0)
		return r;
	if ((EVENT_BIT(event->kind) & EVENTS_FILE) && !event->file.path)
		return fail(why, -EINVAL, "\"path\" is missing");
	if (EVENT_BIT(event->kind) & EVENTS_RECORD)
		take_fields(json, json->member(object, "fields"), &event->record, arena);
	process->known = json->is_object(who);
	return process->known ? take_members(json, who, image_members, COUNT(image_members), 0,
					&process->image, arena, why)
			      : 0;
}

int recorded_read(const char *line, size_t length, struct event *event,
	struct recorded_process *process, struct arena *arena, struct fault *why)
{
	const struct json_library *json = module_open("json", why);
	struct json_mistake mistake;
	struct json_value *object;
	int r;

	*event = (struct event){ .fd = -1, .duration_ns = -1 };
	memset(&event->ids, 0xff, sizeof(event->ids));
	*process = (struct recorded_process){ .known = false };
	if (!json)
		return why->code;
	object = json->parse(line, length, 0, &mistake);
	if (!object)
		return fail(why, -EINVAL, "%s", mistake.text);
	r = json->is_object(object) ? take_all(json, object, event, process, arena, why)
				    : fail(why, -EINVAL, "it is no JSON object");
	json->free(object);
	return r;
}
