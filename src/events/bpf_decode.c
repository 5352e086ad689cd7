// SPDX-License-Identifier: Apache-2.0
#include "events/bpf_decode.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static_assert(WIRE_KIND_EXEC == (int) EVENT_EXEC && WIRE_KIND_FORK == (int) EVENT_FORK &&
		WIRE_KIND_EXIT == (int) EVENT_EXIT && WIRE_KIND_OPEN == (int) EVENT_OPEN &&
		WIRE_KIND_CREATE == (int) EVENT_CREATE && WIRE_KIND_WRITE == (int) EVENT_WRITE,
	"both sides name kinds alike");
static_assert((int) N_EVENT_KINDS <= (int) WIRE_COUNTERS, "each kind is counted");
static_assert(sizeof(struct credentials) == WIRE_IDS * sizeof(uint32_t), "ids are in one order");

// What is left of the record.
struct rest {
	const char *bytes;
	size_t length;
};

// The next bytes, or NULL when there are not so many.
static const void *cut(struct rest *rest, size_t length)
{
	const char *bytes = rest->bytes;

	if (length > rest->length)
		return NULL;
	rest->bytes += length;
	rest->length -= length;
	return bytes;
}

static bool cut_names(struct rest *rest, struct wire_slice *slice, const struct wire_names *about)
{
	slice->about = about;
	slice->names = cut(rest, about->length);
	return slice->names && (about->length == 0 || slice->names[about->length - 1] == '\0');
}

static bool decode_file(struct wire_view *view, struct rest *rest)
{
	view->file.part = cut(rest, sizeof(struct wire_file));
	return view->file.part && cut_names(rest, &view->file.names, &view->file.part->names);
}

static bool decode_paths(struct wire_view *view, struct rest *rest)
{
	const struct wire_paths *part = cut(rest, sizeof(struct wire_paths));

	view->paths.part = part;
	for (size_t i = 0; part && i < 2; i++) {
		if (!cut_names(rest, &view->paths.folders[i], &part->paths[i].folder))
			return false;
		view->paths.strings[i] = cut(rest, part->paths[i].length);
		if (!view->paths.strings[i] ||
			memchr(view->paths.strings[i], '\0', part->paths[i].length))
			return false;
	}
	return part;
}

static bool decode_exec(struct wire_view *view, struct rest *rest)
{
	const struct wire_exec *part = cut(rest, sizeof(struct wire_exec));

	view->exec.part = part;
	if (!part || !cut_names(rest, &view->exec.cwd, &part->cwd) ||
		!cut_names(rest, &view->exec.executable, &part->executable) ||
		!cut_names(rest, &view->exec.cgroup, &part->cgroup))
		return false;
	view->exec.arguments = cut(rest, part->arguments);
	return view->exec.arguments;
}

static bool decode_socket(struct wire_view *view, struct rest *rest)
{
	const struct wire_socket *part = cut(rest, sizeof(struct wire_socket));

	view->socket = part;
	return part && part->local_length <= WIRE_ADDRESS && part->remote_length <= WIRE_ADDRESS;
}

static bool decode_form(struct wire_view *view, struct rest *rest)
{
	switch (view->record->form) {
	case WIRE_FILE:
		return decode_file(view, rest);
	case WIRE_PATHS:
		return decode_paths(view, rest);
	case WIRE_EXEC:
		return decode_exec(view, rest);
	case WIRE_FORK:
		view->fork = cut(rest, sizeof(struct wire_fork));
		return view->fork;
	case WIRE_EXIT:
		view->exit = cut(rest, sizeof(struct wire_exit));
		return view->exit;
	case WIRE_KILL:
		view->kill = cut(rest, sizeof(struct wire_kill));
		return view->kill;
	case WIRE_SOCKET:
		return decode_socket(view, rest);
	case WIRE_FOLDER:
		view->folder.part = cut(rest, sizeof(struct wire_folder));
		return view->folder.part &&
			cut_names(rest, &view->folder.names, &view->folder.part->names);
	default:
		return false;
	}
}

// Whether such a kind can be told in such a form.
static bool is_fitting(unsigned kind, unsigned form)
{
	uint32_t kinds[] = {
		[WIRE_FILE] = EVENTS_FILE,
		[WIRE_PATHS] = EVENTS_FILE,
		[WIRE_EXEC] = EVENT_BIT(EVENT_EXEC),
		[WIRE_FORK] = EVENT_BIT(EVENT_FORK),
		[WIRE_EXIT] = EVENT_BIT(EVENT_EXIT),
		[WIRE_KILL] = EVENT_BIT(EVENT_KILL),
		[WIRE_SOCKET] = EVENTS_SOCKET,
		[WIRE_FOLDER] = EVENT_BIT(EVENT_EXEC),
	};

	return kind < 32 && form < sizeof(kinds) / sizeof(kinds[0]) &&
		kinds[form] & EVENT_BIT(kind);
}

int wire_decode(struct wire_view *view, const void *bytes, size_t length)
{
	struct rest rest = { bytes, length };

	view->record = cut(&rest, sizeof(struct wire_record));
	if (!view->record || view->record->size != length ||
		!is_fitting(view->record->kind, view->record->form) || !decode_form(view, &rest))
		return -EINVAL;
	return rest.length == 0 ? 0 : -EINVAL;
}

ssize_t wire_join(char *to, size_t room, const char *base, const struct wire_slice *slice)
{
	size_t start = strlen(base), left = slice->about->length, end;
	const char *name = slice->names;

	if (start > 0 && base[start - 1] == '/')
		start--;
	end = start + left;
	if (end + 2 > room)
		return -ENAMETOOLONG;
	if (end == 0)
		to[end++] = '/';
	to[end] = '\0';
	memcpy(to, base, start);
	for (size_t at = end; left > 0;) {
		size_t length = strlen(name) + 1; // the last name is terminated, too

		at -= length;
		to[at] = '/';
		memcpy(to + at + 1, name, length - 1);
		name += length;
		left -= length;
	}
	return (ssize_t) end;
}

uint64_t wire_ticks(uint64_t start_ns)
{
	return start_ns / (UINT64_C(1000000000) / 100); // USER_HZ is 100 everywhere
}

uint64_t wire_device(uint32_t device)
{
	return makedev(device >> 20, device & 0xfffff);
}

void wire_event(struct event *event, const struct wire_record *record, int64_t offset_ns)
{
	memset(event, 0, sizeof(*event));
	event->kind = record->kind;
	event->error = record->result < 0 && record->result > -4096 ? (int) -record->result : 0;
	event->time_ns = (int64_t) (record->time_ns + (uint64_t) offset_ns);
	event->uptime_ns = (int64_t) record->time_ns;
	event->duration_ns = -1;
	event->result = record->result;
	event->pid = record->pid;
	event->tid = record->tid;
	event->ppid = record->ppid;
	event->cgroup = record->cgroup;
	event->fd = -1;
	memcpy(&event->ids, record->ids, sizeof(event->ids));
}
