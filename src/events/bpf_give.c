// SPDX-License-Identifier: Apache-2.0
#include "events/bpf_give.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

enum {
	REMOVE_FOLDER = 0x200, // AT_REMOVEDIR
	KEEP_LINK = 0x100, // AT_SYMLINK_NOFOLLOW
};

static void give(struct source *source, struct event *event)
{
	if (source->kinds & EVENT_BIT(event->kind))
		source_give(source, event);
}

static void filter(struct source *source)
{
	source->counts.received++;
	source->counts.filtered++;
}

// ---- files ----

static void fill_inode(struct event_file *file, const struct wire_inode *inode)
{
	file->inode = inode->inode;
	file->device = wire_device(inode->device);
	file->mode = inode->mode;
	file->uid = inode->uid;
	file->gid = inode->gid;
	file->size = inode->size;
	file->atime = inode->atime;
	file->mtime = inode->mtime;
	file->ctime = inode->ctime;
}

// What the file is now.
static void fill_status(struct event_file *file, const char *path)
{
	struct stat status;

	if (fstatat(AT_FDCWD, path, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	file->inode = status.st_ino;
	file->device = status.st_dev;
	file->mode = status.st_mode;
	file->uid = status.st_uid;
	file->gid = status.st_gid;
	file->size = status.st_size;
	file->atime = status.st_atim.tv_sec;
	file->mtime = status.st_mtim.tv_sec;
	file->ctime = status.st_ctim.tv_sec;
}

static void give_file(struct source *source, struct event *event, const struct wire_view *view)
{
	struct bpf_state *state = source->state;
	const struct wire_file *part = view->file.part;
	const char *base = bpf_watches_path(&state->watches, part->names.watch);

	if (!base || part->names.base != WIRE_BASE_WATCH ||
		wire_join(state->path, sizeof(state->path), base, &view->file.names) < 0) {
		filter(source);
		return;
	}
	event->fd = part->fd;
	if (event->kind != EVENT_OPEN && event->kind != EVENT_CREATE)
		event->result = 0; // that of an open is the descriptor
	event->file.path = state->path;
	event->file.flags = part->flags;
	fill_inode(&event->file, &part->inode);
	give(source, event);
}

// A folder or a link is another one now, perhaps.
static bool changes_folders(enum event_kind kind)
{
	return EVENT_BIT(kind) &
		(EVENT_BIT(EVENT_RENAME) | EVENT_BIT(EVENT_SYMLINK) | EVENT_BIT(EVENT_RMDIR));
}

// Whether the watches themselves may be others after it.
static bool is_concern(const struct source *source, enum event_kind kind, bool two)
{
	const struct bpf_state *state = source->state;

	if (kind != EVENT_MKDIR && !changes_folders(kind))
		return false;
	return rules_concern(source->settings->rules, state->path) ||
		(two && rules_concern(source->settings->rules, state->new_path));
}

// Finds the paths of the record: how many of them are in watched folders, or a negative errno.
static int find_paths(struct bpf_state *state, const struct wire_view *view, bool follow, bool two)
{
	int found = bpf_paths_find(&state->paths, view, 0, follow, state->now_ms, state->path);
	int found_new;

	if (found < 0 || !two)
		return found;
	found_new = bpf_paths_find(&state->paths, view, 1, false, state->now_ms, state->new_path);
	return found_new < 0 ? found_new : found + found_new;
}

static void give_paths(struct source *source, struct event *event, const struct wire_view *view)
{
	struct bpf_state *state = source->state;
	const struct wire_paths *part = view->paths.part;
	const struct call *call = state->calls[view->record->call % (2 * WIRE_CALLS)];
	bool follow = call && call->link == LINK_FOLLOW && !(part->at_flags & KEEP_LINK);
	bool two = event->kind == EVENT_RENAME || event->kind == EVENT_LINK;
	int found;

	if (event->kind == EVENT_UNLINK && part->at_flags & REMOVE_FOLDER)
		event->kind = EVENT_RMDIR;
	if (changes_folders(event->kind))
		bpf_paths_forget(&state->paths);
	found = find_paths(state, view, follow, two);
	if (found < 0)
		source->counts.dropped_queue++;
	if (found == 0 && is_concern(source, event->kind, two))
		found = 1;
	if (found == 0)
		filter(source);
	if (found <= 0)
		return;
	event->file.path = state->path;
	event->file.size = -1;
	if (two)
		event->file.new_path = state->new_path;
	if (event->kind == EVENT_RENAME)
		event->file.cookie = view->record->time_ns;
	if (event->kind != EVENT_UNLINK && event->kind != EVENT_RMDIR)
		fill_status(&event->file, two ? state->new_path : state->path);
	give(source, event);
}

// ---- processes ----

// Arguments are told with a NUL behind each.
static void join_arguments(char *to, const char *arguments, size_t length)
{
	while (length > 0 && arguments[length - 1] == '\0')
		length--;
	memcpy(to, arguments, length);
	to[length] = '\0';
	for (char *at = to; (at = memchr(at, '\0', length - (size_t) (at - to)));)
		*at++ = ' ';
}

static void fill_image(
	struct bpf_state *state, struct process_image *image, const struct wire_view *view)
{
	const struct wire_exec *part = view->exec.part;

	join_arguments(state->cmdline, view->exec.arguments,
		part->arguments < WIRE_ARGUMENTS ? part->arguments : WIRE_ARGUMENTS);
	image->cmdline = state->cmdline;
	if (wire_join(state->path, sizeof(state->path), "", &view->exec.executable) > 0)
		image->path = state->path;
	if (wire_join(state->cwd, sizeof(state->cwd), "", &view->exec.cwd) > 0)
		image->cwd = state->cwd;
	if (wire_join(state->cgroup, sizeof(state->cgroup), "", &view->exec.cgroup) > 0)
		image->cgroup_path = state->cgroup;
}

static void give_exec(struct source *source, struct event *event, const struct wire_view *view)
{
	const struct wire_exec *part = view->exec.part;
	struct process_image image = {
		.pid = event->pid,
		.ppid = event->ppid,
		.start_ticks = wire_ticks(view->record->start_ns),
		.ids = &event->ids,
	};

	fill_image(source->state, &image, view);
	event->process = processes_exec(source->settings->processes, &image);
	event->cwd = image.cwd;
	event->exec = (struct event_exec){
		.mode = part->inode.mode,
		.owner_uid = part->inode.uid,
		.owner_gid = part->inode.gid,
		.inode = part->inode.inode,
		.device = wire_device(part->inode.device),
		.atime = part->inode.atime,
		.mtime = part->inode.mtime,
		.ctime = part->inode.ctime,
		.cmdline_bytes = part->cmdline_bytes,
		.env_bytes = part->env_bytes,
		.env_count = part->env_count,
	};
	give(source, event);
}

static void take_folder(struct source *source, struct event *event, const struct wire_view *view)
{
	struct bpf_state *state = source->state;
	struct process_image image = {
		.pid = event->pid,
		.start_ticks = wire_ticks(view->record->start_ns),
		.cwd = state->cwd,
	};

	if (event->process &&
		wire_join(state->cwd, sizeof(state->cwd), "", &view->folder.names) > 0)
		(void) processes_exec(source->settings->processes, &image);
}

static void give_fork(struct source *source, struct event *event, const struct wire_view *view)
{
	const struct wire_fork *part = view->fork;

	(void) processes_fork(source->settings->processes, part->parent, part->child,
		wire_ticks(part->child_start_ns), &event->ids);
	event->fork = (struct event_fork){ part->child, wire_ticks(part->child_start_ns) };
	give(source, event);
}

static void give_exit(struct source *source, struct event *event, const struct wire_view *view)
{
	// two threads that end at once both see themselves as the last one
	if (event->process && event->process->exited)
		return;
	event->exit.status = view->exit->status;
	give(source, event);
	processes_exit(source->settings->processes, event->pid, wire_ticks(view->record->start_ns));
}

static void give_kill(struct source *source, struct event *event, const struct wire_view *view)
{
	event->kill.target = (uint32_t) view->kill->target;
	event->kill.signal = view->kill->signal;
	give(source, event);
}

// ---- sockets ----

static void fill_address(struct event_address *to, const unsigned char *bytes, unsigned length)
{
	memset(to, 0, sizeof(*to));
	memcpy(&to->storage, bytes, length);
	to->length = length;
}

static void give_socket(struct source *source, struct event *event, const struct wire_view *view)
{
	const struct wire_socket *part = view->socket;

	event->fd = part->fd;
	event->socket.family = part->family;
	event->socket.type = part->type;
	event->socket.protocol = part->protocol;
	fill_address(&event->socket.local, part->local, part->local_length);
	fill_address(&event->socket.remote, part->remote, part->remote_length);
	give(source, event);
}

void bpf_give(struct source *source, const struct wire_view *view)
{
	static void (*const forms[])(struct source *, struct event *, const struct wire_view *) = {
		[WIRE_FILE] = give_file,
		[WIRE_PATHS] = give_paths,
		[WIRE_EXEC] = give_exec,
		[WIRE_FORK] = give_fork,
		[WIRE_EXIT] = give_exit,
		[WIRE_KILL] = give_kill,
		[WIRE_SOCKET] = give_socket,
		[WIRE_FOLDER] = take_folder,
	};
	const struct bpf_state *state = source->state;
	const struct call *call = view->record->call < 2 * WIRE_CALLS
		? state->calls[view->record->call]
		: NULL;
	struct event event;

	wire_event(&event, view->record, state->offset_ns);
	event.syscall = call ? call->name : NULL;
	if (view->record->form != WIRE_EXEC)
		event.process = processes_find(
			source->settings->processes, event.pid, wire_ticks(view->record->start_ns));
	forms[view->record->form](source, &event, view);
}
