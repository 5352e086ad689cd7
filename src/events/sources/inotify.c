// SPDX-License-Identifier: Apache-2.0
// Changes of files by inotify(7): for those who may not use anything better. It does not tell who
// did it, and has to watch every folder by itself.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/siphash.h"
#include "events/source.h"

enum {
	BUFFER_BYTES = 64 << 10,
	SLICE_MS = 5,
	MOST_DEPTH = 64,
	MOVE_MS = 100, // between the two halves of a move
	CHANGES = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_CLOSE_WRITE | IN_ATTRIB,
	MOVES = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO,
	ADDED = IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD,
};

struct folder {
	char *path; // NULL: nothing is watched under that number
	unsigned depth; // how many levels below it belong to it; 0: only its folders matter
	bool opens;
	bool above; // a watched folder is below it
};

struct inotify {
	struct folder *folders; // by watch descriptor
	size_t room, n_watched;
	uint64_t unwatched; // folders that could not be watched
	int unwatched_errno;

	// hashes of what was found in new folders, until the kernel's queue was empty once
	uint64_t *found; // 0: empty
	size_t found_room, n_found;

	// the first half of a move, whose second half may follow
	char *from;
	uint32_t cookie;
	bool from_folder;
	int64_t from_ms;
};

// ---- folders ----

static bool is_wanted(const struct event_settings *settings, uint32_t kinds)
{
	size_t n;

	(void) kinds;
	(void) rules_watches(settings->rules, &n);
	return n > 0;
}

static struct folder *folder_of(struct inotify *inotify, int watch)
{
	if (watch < 0 || (size_t) watch >= inotify->room || !inotify->folders[watch].path)
		return NULL;
	return &inotify->folders[watch];
}

static void note(struct inotify *inotify, int watch, const char *path, unsigned depth, bool opens)
{
	struct folder *folder;
	size_t before = inotify->room;
	bool above = false;

	if ((size_t) watch >= inotify->room) {
		inotify->room = (size_t) watch * 2 + 64;
		inotify->folders = must_resize(
			inotify->folders, inotify->room * sizeof(*inotify->folders));
		memset(inotify->folders + before, 0,
			(inotify->room - before) * sizeof(*inotify->folders));
	}
	folder = &inotify->folders[watch];
	if (folder->path) {
		// it belongs to two watches
		depth = depth > folder->depth ? depth : folder->depth;
		opens |= folder->opens;
		above = folder->above;
		free(folder->path);
	} else {
		inotify->n_watched++;
	}
	*folder = (struct folder){ must_dup(path), depth, opens, above };
}

static void forget(struct inotify *inotify, struct folder *folder)
{
	free(folder->path);
	*folder = (struct folder){ 0 };
	inotify->n_watched--;
}

static bool is_folder(const char *path, unsigned char type)
{
	struct stat status;

	if (type != DT_UNKNOWN)
		return type == DT_DIR;
	return lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

// A file that was there before its folder was watched: nothing else may tell of its creation.
// False if it was given before.
static bool give_found(struct source *source, const char *path, unsigned char type);

static uint64_t *place_of(const struct inotify *inotify, uint64_t hash)
{
	size_t at = hash & (inotify->found_room - 1);

	while (inotify->found[at] && inotify->found[at] != hash)
		at = (at + 1) & (inotify->found_room - 1);
	return &inotify->found[at];
}

static uint64_t hash_of(const char *path)
{
	static const struct siphash_key key = { { 0x666f756e, 0x64696e6f } };

	return siphash(&key, path, strlen(path)).words[0] | 1;
}

static bool was_found(const struct inotify *inotify, const char *path)
{
	return inotify->found_room > 0 && *place_of(inotify, hash_of(path)) != 0;
}

static void note_found(struct inotify *inotify, const char *path)
{
	enum { FIRST_ROOM = 256 };
	uint64_t *before = inotify->found;
	size_t room_before = inotify->found_room;

	if (inotify->n_found * 2 >= room_before) {
		inotify->found_room = room_before ? room_before * 2 : FIRST_ROOM;
		inotify->found = must_alloc(inotify->found_room * sizeof(*inotify->found));
		memset(inotify->found, 0, inotify->found_room * sizeof(*inotify->found));
		for (size_t i = 0; i < room_before; i++)
			if (before[i])
				*place_of(inotify, before[i]) = before[i];
		free(before);
	}
	*place_of(inotify, hash_of(path)) = hash_of(path);
	inotify->n_found++;
}

// The kernel has told all that it knew when the folders were read.
static void forget_found(struct inotify *inotify)
{
	free(inotify->found);
	inotify->found = NULL;
	inotify->found_room = inotify->n_found = 0;
}

// Watches a folder and those below it. `found`: what is in it is new, too.
static void watch(
	struct source *source, const char *path, unsigned depth, bool opens, bool found, int level)
{
	struct inotify *inotify = source->state;
	int number = inotify_add_watch(
		source->fd, path, CHANGES | ADDED | (opens ? (uint32_t) IN_OPEN : 0));
	auto_closedir DIR *folder = NULL;
	struct dirent *entry;

	if (number < 0) {
		if (errno != ENOENT && errno != ENOTDIR) {
			inotify->unwatched++;
			inotify->unwatched_errno = errno;
		}
		return;
	}
	note(inotify, number, path, depth, opens);
	if ((depth <= 1 && !found) || level >= MOST_DEPTH || !(folder = opendir(path)))
		return;
	while ((entry = readdir(folder))) {
		char below[PATH_MAX];

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			snprintf(below, sizeof(below), "%s/%s", strcmp(path, "/") == 0 ? "" : path,
				entry->d_name) >= (int) sizeof(below))
			continue;
		if (found && !give_found(source, below, entry->d_type))
			continue;
		if (depth > 1 && is_folder(below, entry->d_type))
			watch(source, below, depth == UINT_MAX ? depth : depth - 1, opens, found,
				level + 1);
	}
}

// The folders above one tell when it goes, or comes again.
static void watch_above(struct source *source, const char *path)
{
	struct inotify *inotify = source->state;
	auto_free char *above = must_dup(path);

	for (char *slash; (slash = strrchr(above, '/')) && above[1];) {
		int number;

		slash[slash == above] = '\0';
		number = inotify_add_watch(source->fd, above, MOVES | ADDED);
		if (number < 0)
			continue;
		note(inotify, number, above, 0, false);
		inotify->folders[number].above = true;
	}
}

// A folder came that is to be watched, or one above it.
static void watch_come(struct source *source, const char *path, bool found)
{
	size_t n, length = strlen(path);
	const struct rule_watch *watches = rules_watches(source->settings->rules, &n);

	for (size_t i = 0; i < n; i++) {
		const char *rest = watches[i].path + length;
		unsigned depth = watches[i].depth;

		if (strncmp(watches[i].path, path, length) != 0 || (*rest && *rest != '/'))
			continue;
		for (; *rest && depth != UINT_MAX; rest++)
			depth += *rest == '/';
		watch(source, path, depth, watches[i].opens, found, 0);
	}
}

static void watch_all(struct source *source)
{
	struct inotify *inotify = source->state;
	const struct rule_watch *watches;
	size_t n;

	inotify->unwatched = 0;
	watches = rules_watches(source->settings->rules, &n);
	for (size_t i = 0; i < n; i++) {
		watch(source, watches[i].path, watches[i].depth, watches[i].opens, false, 0);
		watch_above(source, watches[i].path);
	}
	if (inotify->unwatched > 0)
		log_warning("events: inotify: %llu folders can't be watched: %s (see "
			    "/proc/sys/fs/inotify/max_user_watches)",
			(unsigned long long) inotify->unwatched,
			strerror(inotify->unwatched_errno));
	(void) snprintf(source->choice, sizeof(source->choice),
		"%zu folders are watched; who changes a file is not known", inotify->n_watched);
}

// A folder has moved: those below it go by other names now.
static void rename_folders(struct inotify *inotify, const char *from, const char *to)
{
	size_t length = strlen(from);

	for (size_t i = 0; i < inotify->room; i++) {
		struct folder *folder = &inotify->folders[i];
		auto_text struct text path = { 0 };

		if (!folder->path || strncmp(folder->path, from, length) != 0 ||
			(folder->path[length] != '/' && folder->path[length] != '\0'))
			continue;
		text_printf(&path, "%s%s", to, folder->path + length);
		free(folder->path);
		folder->path = take(path.bytes);
	}
}

static void leave_folders(struct source *source, const char *path)
{
	struct inotify *inotify = source->state;
	size_t length = strlen(path);

	for (size_t i = 0; i < inotify->room; i++) {
		struct folder *folder = &inotify->folders[i];

		if (!folder->path || strncmp(folder->path, path, length) != 0 ||
			(folder->path[length] != '/' && folder->path[length] != '\0'))
			continue;
		(void) inotify_rm_watch(source->fd, (int) i);
		forget(inotify, folder);
	}
}

// ---- events ----

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

static void give(struct source *source, enum event_kind kind, const char *path,
	const char *new_path, uint32_t cookie)
{
	struct event event = { .kind = kind, .fd = -1, .duration_ns = -1 };
	struct timespec now;

	if (!(source->kinds & EVENT_BIT(kind)))
		return;
	memset(&event.ids, 0xff, sizeof(event.ids));
	(void) clock_gettime(CLOCK_REALTIME, &now);
	event.time_ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
	event.uptime_ns = clock_read_ms(CLOCK_BOOTTIME) * 1000000;
	event.file.path = path;
	event.file.new_path = new_path;
	event.file.cookie = cookie;
	fill_status(&event.file, new_path ? new_path : path);
	source_give(source, &event);
}

static bool give_found(struct source *source, const char *path, unsigned char type)
{
	if (was_found(source->state, path))
		return false;
	note_found(source->state, path);
	give(source, is_folder(path, type) ? EVENT_MKDIR : EVENT_CREATE, path, NULL, 0);
	return true;
}

// The other half of a move did not come: it went to where nothing is watched.
static void end_move(struct source *source)
{
	struct inotify *inotify = source->state;
	auto_free char *from = take(inotify->from);

	if (!from)
		return;
	give(source, EVENT_RENAME, from, NULL, inotify->cookie);
	if (inotify->from_folder)
		leave_folders(source, from);
}

static void begin_move(struct source *source, const struct inotify_event *event, const char *path)
{
	struct inotify *inotify = source->state;

	end_move(source);
	inotify->from = must_dup(path);
	inotify->cookie = event->cookie;
	inotify->from_folder = (event->mask & IN_ISDIR) != 0;
	inotify->from_ms = clock_ms();
}

static unsigned depth_below(const struct folder *folder)
{
	return folder->depth == UINT_MAX || folder->depth == 0 ? folder->depth : folder->depth - 1;
}

static void take_move(struct source *source, const struct inotify_event *event,
	const struct folder *folder, const char *path)
{
	struct inotify *inotify = source->state;
	unsigned depth = depth_below(folder);
	bool opens = folder->opens, above = folder->above;
	auto_free char *from = NULL;

	if (inotify->from && inotify->cookie != event->cookie)
		end_move(source);
	from = take(inotify->from);
	give(source, EVENT_RENAME, from ? from : "", path, event->cookie);
	if (!(event->mask & IN_ISDIR))
		return;
	if (from)
		rename_folders(inotify, from, path);
	if (depth > 0)
		watch(source, path, depth, opens, false, 0);
	if (above)
		watch_come(source, path, false);
}

static enum event_kind kind_of(uint32_t mask)
{
	bool folder = mask & IN_ISDIR;

	if (mask & IN_CREATE)
		return folder ? EVENT_MKDIR : EVENT_CREATE;
	if (mask & IN_DELETE)
		return folder ? EVENT_RMDIR : EVENT_UNLINK;
	if (mask & IN_CLOSE_WRITE)
		return EVENT_WRITE;
	return mask & IN_ATTRIB ? EVENT_ATTRIBUTES : EVENT_OPEN;
}

static void take_event(struct source *source, const struct inotify_event *event)
{
	struct inotify *inotify = source->state;
	struct folder *folder = folder_of(inotify, event->wd);
	char path[PATH_MAX];

	if (event->mask & IN_Q_OVERFLOW) {
		source->counts.dropped_kernel++; // at least one
		log_warning("events: inotify: the kernel's queue was full; all folders are read "
			    "again");
		watch_all(source);
		return;
	}
	if (!folder)
		return;
	if (event->mask & IN_IGNORED) {
		forget(inotify, folder);
		return;
	}
	if (folder->depth == 0 && !(event->mask & IN_ISDIR))
		return;
	if (event->len == 0 ||
		snprintf(path, sizeof(path), "%s/%s",
			strcmp(folder->path, "/") == 0 ? "" : folder->path,
			event->name) >= (int) sizeof(path))
		return;
	if (event->mask & IN_MOVED_FROM) {
		begin_move(source, event, path);
	} else if (event->mask & IN_MOVED_TO) {
		take_move(source, event, folder, path);
	} else {
		unsigned depth = depth_below(folder);
		bool opens = folder->opens, above = folder->above;

		end_move(source);
		if ((event->mask & IN_CREATE) && was_found(inotify, path))
			return;
		give(source, kind_of(event->mask), path, NULL, 0);
		if (!(event->mask & IN_CREATE) || !(event->mask & IN_ISDIR))
			return;
		if (depth > 0)
			watch(source, path, depth, opens, true, 0);
		else if (above)
			watch_come(source, path, true);
	}
}

// ---- the source ----

static int open_source(struct source *source, const char *position, struct fault *why)
{
	(void) position;
	source->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (source->fd < 0)
		return fail(why, -errno, "inotify: %m");
	watch_all(source);
	return 0;
}

// Folders that are no longer watched by a rule go; the rest stays as it is.
static int configure(struct source *source, struct fault *why)
{
	struct inotify *inotify = source->state;

	(void) why;
	for (size_t i = 0; i < inotify->room; i++)
		inotify->folders[i].depth = inotify->folders[i].above = 0;
	watch_all(source);
	for (size_t i = 0; i < inotify->room; i++)
		if (inotify->folders[i].path && inotify->folders[i].depth == 0 &&
			!inotify->folders[i].above) {
			(void) inotify_rm_watch(source->fd, (int) i);
			forget(inotify, &inotify->folders[i]);
		}
	return 0;
}

static int read_source(struct source *source, struct fault *why)
{
	struct inotify *inotify = source->state;
	_Alignas(struct inotify_event) char buffer[BUFFER_BYTES];
	int64_t until_ms = clock_ms() + SLICE_MS;

	do {
		ssize_t length = read(source->fd, buffer, sizeof(buffer));

		if (length < 0 && errno != EAGAIN && errno != EINTR)
			return fail(why, -errno, "inotify: %m");
		if (length <= 0) {
			if (inotify->from && clock_ms() - inotify->from_ms >= MOVE_MS)
				end_move(source);
			forget_found(inotify);
			source->period_ms = inotify->from ? MOVE_MS : 0;
			return 0;
		}
		for (char *at = buffer; at < buffer + length;) {
			const struct inotify_event *event = (const struct inotify_event *) at;

			at += sizeof(*event) + event->len;
			take_event(source, event);
		}
	} while (clock_ms() < until_ms);
	return 1;
}

static void close_source(struct source *source, bool keep)
{
	struct inotify *inotify = source->state;

	(void) keep;
	for (size_t i = 0; i < inotify->room; i++)
		free(inotify->folders[i].path);
	free(inotify->folders);
	free(inotify->from);
	free(inotify->found);
	if (source->fd >= 0)
		(void) close(source->fd);
}

const struct event_source event_source_inotify = {
	.name = "inotify",
	.about = "Changes of files, for those who may not use anything better (inotify(7)).",
	.order = 40,
	.kinds = EVENTS_FILE,
	.state_bytes = sizeof(struct inotify),
	.is_wanted = is_wanted,
	.open = open_source,
	.configure = configure,
	.read = read_source,
	.close = close_source,
};
