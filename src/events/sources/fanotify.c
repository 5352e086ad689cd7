// SPDX-License-Identifier: Apache-2.0
// Changes of files by fanotify(7), for kernels whose programs can't be used: whole file systems are
// marked, so that no folder can be missed, and every event names its folder, the name in it, and
// the process.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fanotify.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <time.h>

#include "base/clock.h"
#include "base/siphash.h"
#include "events/source.h"

enum {
	BUFFER_BYTES = 64 << 10,
	SLICE_MS = 5,
	KNOWN_FOLDERS = 4096, // a power of two
	CLASS = FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK | FAN_UNLIMITED_QUEUE |
		FAN_UNLIMITED_MARKS | FAN_REPORT_DFID_NAME,
	CLASS_TARGET = CLASS | FAN_REPORT_FID | FAN_REPORT_TARGET_FID, // since 5.17
	CHANGES = FAN_CREATE | FAN_DELETE | FAN_CLOSE_WRITE | FAN_ATTRIB | FAN_RENAME | FAN_ONDIR,
};

// A file system that is marked, by the folder where it is mounted, which nobody can remove.
struct mark {
	fsid_t id;
	char *path;
	bool opens;
	bool wanted; // by the watches as they are
};

// Which folder a handle is, as long as no folder moves.
struct known {
	uint64_t hash; // 0: empty
	char *path;
};

struct fanotify {
	struct mark *marks;
	size_t n_marks;
	struct known *folders; // KNOWN_FOLDERS
};

static bool is_wanted(const struct event_settings *settings, uint32_t kinds)
{
	size_t n;

	(void) kinds;
	(void) rules_watches(settings->rules, &n);
	return n > 0 && !settings->root->moved;
}

// ---- marks ----

static bool same_id(const fsid_t *a, const fsid_t *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static struct mark *mark_of(struct fanotify *fanotify, const fsid_t *id)
{
	for (size_t i = 0; i < fanotify->n_marks; i++)
		if (same_id(&fanotify->marks[i].id, id))
			return &fanotify->marks[i];
	return NULL;
}

static int set_mark(const struct source *source, const struct mark *mark, unsigned how)
{
	uint64_t mask = CHANGES | (mark->opens ? (uint64_t) FAN_OPEN : 0);

	return fanotify_mark(source->fd, how | FAN_MARK_FILESYSTEM, mask, AT_FDCWD, mark->path);
}

// The mount point that the path is below.
static char *find_mount(const char *path)
{
	auto_free char *found = must_dup(path);
	struct statx status;
	uint64_t mount;

	if (statx(AT_FDCWD, path, 0, STATX_MNT_ID, &status) < 0)
		return take(found);
	mount = status.stx_mnt_id;
	while (found[1]) {
		auto_free char *above = must_dup(found);
		char *slash = strrchr(above, '/');

		slash[slash == above] = '\0';
		if (statx(AT_FDCWD, above, 0, STATX_MNT_ID, &status) < 0 ||
			status.stx_mnt_id != mount)
			break;
		free(found);
		found = take(above);
	}
	return take(found);
}

static int add_mark(struct source *source, const struct rule_watch *watch, struct fault *why)
{
	struct fanotify *fanotify = source->state;
	struct statfs status;
	struct mark *mark;

	if (statfs(watch->path, &status) < 0)
		return 0; // it is gone by now
	mark = mark_of(fanotify, &status.f_fsid);
	if (!mark) {
		fanotify->marks = must_resize(
			fanotify->marks, (fanotify->n_marks + 1) * sizeof(*fanotify->marks));
		mark = &fanotify->marks[fanotify->n_marks++];
		*mark = (struct mark){ .id = status.f_fsid, .path = find_mount(watch->path) };
	}
	mark->wanted = true;
	mark->opens |= watch->opens;
	if (set_mark(source, mark, FAN_MARK_ADD) < 0)
		return fail(why, -errno, "fanotify: %s: %m", watch->path);
	return 0;
}

static int mark_all(struct source *source, struct fault *why)
{
	struct fanotify *fanotify = source->state;
	const struct rule_watch *watches;
	size_t n;
	int r = 0;

	for (size_t i = 0; i < fanotify->n_marks; i++)
		fanotify->marks[i].wanted = false;
	watches = rules_watches(source->settings->rules, &n);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = add_mark(source, &watches[i], why);
	for (size_t i = 0; r == 0 && i < fanotify->n_marks;) {
		struct mark *mark = &fanotify->marks[i];

		if (mark->wanted) {
			i++;
			continue;
		}
		(void) set_mark(source, mark, FAN_MARK_REMOVE);
		free(mark->path);
		*mark = fanotify->marks[--fanotify->n_marks];
	}
	(void) snprintf(source->choice, sizeof(source->choice),
		"%zu file systems are marked; events name folder, file and process",
		fanotify->n_marks);
	return r;
}

// ---- folders ----

// A file as the kernel names it.
struct target {
	fsid_t id;
	size_t handle_bytes; // with its head; 0: not told
	union {
		struct file_handle handle;
		char bytes[sizeof(struct file_handle) + MAX_HANDLE_SZ];
	};
};

static void forget_folders(struct fanotify *fanotify)
{
	for (size_t i = 0; i < KNOWN_FOLDERS; i++) {
		free(fanotify->folders[i].path);
		fanotify->folders[i] = (struct known){ 0 };
	}
}

// Asks the kernel for the path of the folder; NULL when it is gone.
static char *find_folder(const struct mark *mark, struct file_handle *handle)
{
	char link[32], path[PATH_MAX];
	// not kept open: the file system could not be unmounted
	auto_close int mount = open(mark->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_close int fd = mount < 0 ? -1 : open_by_handle_at(mount, handle, O_PATH | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return NULL;
	(void) snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length <= 0)
		return NULL;
	path[length] = '\0';
	return text_ends(path, " (deleted)") ? NULL : must_dup(path);
}

static struct known *slot_of(struct fanotify *fanotify, const struct target *target, uint64_t *hash)
{
	static const struct siphash_key key = { { 0x6d61726b, 0x666f6c64 } };

	*hash = siphash(&key, &target->handle, target->handle_bytes).words[0] ^
		(uint64_t) target->id.__val[0] << 32 ^ (uint64_t) target->id.__val[1];
	return &fanotify->folders[*hash & (KNOWN_FOLDERS - 1)];
}

// A folder that was made: it may be gone before anything in it is read.
static void remember(struct fanotify *fanotify, const struct target *target, const char *path)
{
	uint64_t hash;
	struct known *known = slot_of(fanotify, target, &hash);

	free(known->path);
	*known = (struct known){ hash, must_dup(path) };
}

static void forget_folder(struct fanotify *fanotify, const struct target *target)
{
	uint64_t hash;
	struct known *known = slot_of(fanotify, target, &hash);

	if (known->hash != hash)
		return;
	free(known->path);
	*known = (struct known){ 0 };
}

// A folder has moved, and those below it with it.
static void rename_folders(struct fanotify *fanotify, const char *from, const char *to)
{
	size_t length = strlen(from);

	for (size_t i = 0; i < KNOWN_FOLDERS; i++) {
		struct known *known = &fanotify->folders[i];
		auto_text struct text path = { 0 };

		if (!known->path || strncmp(known->path, from, length) != 0 ||
			(known->path[length] != '/' && known->path[length] != '\0'))
			continue;
		text_printf(&path, "%s%s", to, known->path + length);
		free(known->path);
		known->path = take(path.bytes);
	}
}

static const char *folder_path(
	struct fanotify *fanotify, const struct mark *mark, struct target *target)
{
	uint64_t hash;
	struct known *known = slot_of(fanotify, target, &hash);
	char *path;

	if (known->hash == hash && known->path)
		return known->path;
	path = find_folder(mark, &target->handle);
	if (!path)
		return NULL;
	free(known->path);
	*known = (struct known){ hash, path };
	return path;
}

// ---- events ----

// What the records behind an event say.
struct named {
	char path[PATH_MAX]; // empty: not said, or its folder is gone
};

// Reads the handle of a record: where the text behind it begins, or NULL.
static const char *take_target(const char *record, size_t length, struct target *target)
{
	const struct fanotify_event_info_fid *info = (const void *) record;
	size_t head = offsetof(struct fanotify_event_info_fid, handle);

	target->handle_bytes = 0;
	if (length < head + sizeof(struct file_handle))
		return NULL;
	memcpy(&target->handle, record + head, sizeof(struct file_handle));
	if (target->handle.handle_bytes > MAX_HANDLE_SZ ||
		length < head + sizeof(struct file_handle) + target->handle.handle_bytes)
		return NULL;
	target->handle_bytes = sizeof(struct file_handle) + target->handle.handle_bytes;
	memcpy(target->bytes, record + head, target->handle_bytes);
	memcpy(&target->id, &info->fsid, sizeof(target->id));
	return record + head + target->handle_bytes;
}

// Reads a record with a folder and a name.
static void take_name(struct source *source, const char *record, size_t length, struct named *named)
{
	struct fanotify *fanotify = source->state;
	struct target target;
	const char *name = take_target(record, length, &target), *folder;
	size_t room = name ? length - (size_t) (name - record) : 0;
	struct mark *mark;

	named->path[0] = '\0';
	if (room == 0 || strnlen(name, room) == room)
		return;
	mark = mark_of(fanotify, &target.id);
	folder = mark ? folder_path(fanotify, mark, &target) : NULL;
	if (folder && strcmp(name, ".") == 0)
		(void) snprintf(named->path, sizeof(named->path), "%s", folder);
	else if (folder &&
		snprintf(named->path, sizeof(named->path), "%s/%s",
			strcmp(folder, "/") == 0 ? "" : folder, name) >= (int) sizeof(named->path))
		named->path[0] = '\0';
}

static void fill_status(struct event_file *file, const char *path)
{
	struct stat status;

	file->size = -1;
	if (lstat(path, &status) < 0)
		return;
	file->inode = status.st_ino;
	file->device = status.st_dev;
	file->mode = status.st_mode;
	file->uid = status.st_uid;
	file->gid = status.st_gid;
	file->size = status.st_size;
	file->atime = status.st_atime;
	file->mtime = status.st_mtime;
	file->ctime = status.st_ctime;
}

static void give(struct source *source, enum event_kind kind, uint32_t pid, const char *path,
	const char *new_path)
{
	struct event event = { .kind = kind, .pid = pid, .tid = pid, .fd = -1, .duration_ns = -1 };
	struct timespec now;

	if (!(source->kinds & EVENT_BIT(kind)))
		return;
	memset(&event.ids, 0xff, sizeof(event.ids));
	event.process = processes_find(source->settings->processes, pid, 0);
	if (event.process) {
		event.ids = event.process->ids;
		event.ppid = event.process->ppid;
	}
	(void) clock_gettime(CLOCK_REALTIME, &now);
	event.time_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	event.uptime_ns = clock_read_ms(CLOCK_BOOTTIME) * 1000000;
	event.file.path = path;
	event.file.new_path = new_path;
	event.file.cookie = new_path ? (uint64_t) event.time_ns : 0;
	fill_status(&event.file, new_path ? new_path : path);
	source_give(source, &event);
}

// One event may stand for several things that happened to the same name.
static void give_kinds(struct source *source, const struct fanotify_event_metadata *metadata,
	const struct named *named)
{
	bool folder = metadata->mask & FAN_ONDIR;
	const struct {
		uint64_t bit;
		enum event_kind kind;
	} kinds[] = {
		{ FAN_CREATE, folder ? EVENT_MKDIR : EVENT_CREATE },
		{ FAN_OPEN, EVENT_OPEN },
		{ FAN_ATTRIB, EVENT_ATTRIBUTES },
		{ FAN_CLOSE_WRITE, EVENT_WRITE },
		{ FAN_DELETE, folder ? EVENT_RMDIR : EVENT_UNLINK },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (metadata->mask & kinds[i].bit)
			give(source, kinds[i].kind, (uint32_t) metadata->pid, named->path, NULL);
}

// Keeps what is known of folders as it was when the next event happened.
static void follow_folder(struct fanotify *fanotify, uint64_t mask, const struct target *target,
	const struct named *named, const struct named *new)
{
	bool known = target->handle_bytes > 0;

	if (mask & FAN_RENAME && known && *named->path && *new->path) {
		rename_folders(fanotify, named->path, new->path);
		remember(fanotify, target, new->path);
	} else if (mask & FAN_CREATE && known && *named->path) {
		// even if it is gone: both are one event, and what was in it follows
		remember(fanotify, target, named->path);
	} else if (mask & FAN_DELETE && known) {
		forget_folder(fanotify, target);
	} else if (mask & (FAN_RENAME | FAN_DELETE)) {
		forget_folders(fanotify);
	}
}

// `bytes`: where the event lies that begins with the metadata.
static void take_event(
	struct source *source, const struct fanotify_event_metadata *metadata, const char *bytes)
{
	struct fanotify *fanotify = source->state;
	const char *at = bytes + metadata->metadata_len, *end = bytes + metadata->event_len;
	struct named named = { "" }, old = { "" }, new = { "" };
	struct target target = { .handle_bytes = 0 };

	if (metadata->mask & FAN_Q_OVERFLOW) {
		source->counts.dropped_kernel++; // at least one
		return;
	}
	while (at + sizeof(struct fanotify_event_info_header) <= end) {
		const struct fanotify_event_info_header *header = (const void *) at;

		if (header->len < sizeof(*header) || header->len > end - at)
			return;
		if (header->info_type == FAN_EVENT_INFO_TYPE_DFID_NAME)
			take_name(source, at, header->len, &named);
		else if (header->info_type == FAN_EVENT_INFO_TYPE_OLD_DFID_NAME)
			take_name(source, at, header->len, &old);
		else if (header->info_type == FAN_EVENT_INFO_TYPE_NEW_DFID_NAME)
			take_name(source, at, header->len, &new);
		else if (header->info_type == FAN_EVENT_INFO_TYPE_FID)
			(void) take_target(at, header->len, &target);
		at += header->len;
	}
	if (metadata->mask & FAN_RENAME)
		give(source, EVENT_RENAME, (uint32_t) metadata->pid, old.path,
			*new.path ? new.path : NULL);
	if (*named.path)
		give_kinds(source, metadata, &named);
	if (metadata->mask & FAN_ONDIR)
		follow_folder(fanotify, metadata->mask, &target,
			metadata->mask & FAN_RENAME ? &old : &named, &new);
}

// ---- the source ----

static int open_source(struct source *source, const char *position, struct fault *why)
{
	struct fanotify *fanotify = source->state;

	(void) position;
	fanotify->folders = must_alloc(KNOWN_FOLDERS * sizeof(*fanotify->folders));
	memset(fanotify->folders, 0, KNOWN_FOLDERS * sizeof(*fanotify->folders));
	source->fd = fanotify_init(CLASS_TARGET, O_RDONLY | O_CLOEXEC | O_LARGEFILE);
	if (source->fd < 0 && errno == EINVAL)
		source->fd = fanotify_init(CLASS, O_RDONLY | O_CLOEXEC | O_LARGEFILE);
	if (source->fd < 0)
		return fail(why, -errno, "fanotify: %m");
	return mark_all(source, why);
}

static int configure(struct source *source, struct fault *why)
{
	return mark_all(source, why);
}

static int read_source(struct source *source, struct fault *why)
{
	char buffer[BUFFER_BYTES];
	int64_t until_ms = clock_ms() + SLICE_MS;

	do {
		ssize_t length = read(source->fd, buffer, sizeof(buffer));
		struct fanotify_event_metadata metadata;

		if (length < 0 && errno != EAGAIN && errno != EINTR)
			return fail(why, -errno, "fanotify: %m");
		if (length <= 0)
			return 0;
		// events of any length follow one another: the next one need not be aligned
		for (const char *at = buffer, *end = buffer + length; at + sizeof(metadata) <= end;
			at += metadata.event_len) {
			memcpy(&metadata, at, sizeof(metadata));
			if (metadata.vers != FANOTIFY_METADATA_VERSION)
				return fail(why, -EPROTO, "fanotify: the kernel speaks version %d",
					metadata.vers);
			if (metadata.event_len < sizeof(metadata) || metadata.event_len > end - at)
				return fail(why, -EPROTO, "fanotify: an event is cut short");
			if (metadata.pid != getpid())
				take_event(source, &metadata, at);
		}
	} while (clock_ms() < until_ms);
	return 1;
}

static void close_source(struct source *source, bool keep)
{
	struct fanotify *fanotify = source->state;

	(void) keep;
	for (size_t i = 0; i < fanotify->n_marks; i++)
		free(fanotify->marks[i].path);
	free(fanotify->marks);
	if (fanotify->folders)
		forget_folders(fanotify);
	free(fanotify->folders);
	if (source->fd >= 0)
		(void) close(source->fd);
}

const struct event_source event_source_fanotify = {
	.name = "fanotify",
	.about = "Changes of files on whole file systems (fanotify(7)).",
	.order = 20,
	.kinds = EVENTS_FILE,
	.state_bytes = sizeof(struct fanotify),
	.is_wanted = is_wanted,
	.open = open_source,
	.configure = configure,
	.read = read_source,
	.close = close_source,
};
