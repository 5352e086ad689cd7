// SPDX-License-Identifier: Apache-2.0
// Events of files from the records of their calls. Records name files as the caller did: below a
// folder of its own. That a file that was open for writing was closed is seen in /proc, as a rule
// for closing would make the kernel tell of every close of every process.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/audit.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/base.h"
#include "events/audit_group.h"

enum {
	OPEN_FILES = 2048, // that are remembered
	ITEMS = 16, // PATH records of a call
};

// A file that a process has open for writing.
struct open_file {
	uint32_t pid, ppid;
	int fd;
	uint64_t inode, device;
	struct credentials ids;
	char *path;
};

struct audit_files {
	struct open_file files[OPEN_FILES]; // the oldest first
	size_t n;
};

struct audit_files *audit_files_new(void)
{
	struct audit_files *files = must_alloc(sizeof(*files));

	files->n = 0;
	return files;
}

void audit_files_free(struct audit_files *files)
{
	for (size_t i = 0; i < files->n; i++)
		free(files->files[i].path);
	free(files);
}

size_t audit_files_n(const struct audit_files *files)
{
	return files->n;
}

// ---- PATH records ----

struct item {
	char *name; // NULL: the record has none
	char type; // of nametype: N(ORMAL), P(ARENT), D(ELETE), C(REATE), U(NKNOWN)
	uint64_t inode, device;
	uint32_t mode, uid, gid;
};

static void read_item(struct audit_reader *reader, struct audit_text record, struct item *item)
{
	struct audit_pair pair;

	*item = (struct item){ .type = 'U' };
	while (audit_next_pair(&record, &pair)) {
		if (audit_name_is(&pair, "name"))
			item->name = audit_decode(&pair, &reader->arena, NULL);
		else if (audit_name_is(&pair, "inode"))
			item->inode = (uint64_t) audit_decimal(&pair);
		else if (audit_name_is(&pair, "mode"))
			item->mode = (uint32_t) audit_octal(&pair);
		else if (audit_name_is(&pair, "ouid"))
			item->uid = (uint32_t) audit_decimal(&pair);
		else if (audit_name_is(&pair, "ogid"))
			item->gid = (uint32_t) audit_decimal(&pair);
		else if (audit_name_is(&pair, "nametype") && pair.value.length > 0)
			item->type = pair.value.bytes[0];
		else if (audit_name_is(&pair, "dev") && pair.value.length >= 3) {
			unsigned major = 0, minor = 0;
			const char *text = arena_copy(
				&reader->arena, pair.value.bytes, pair.value.length);

			if (sscanf(text, "%x:%x", &major, &minor) == 2)
				item->device = makedev(major, minor);
		}
	}
}

static size_t read_items(
	struct audit_reader *reader, const struct audit_group *group, struct item items[ITEMS])
{
	struct audit_text record;
	size_t from = 0, n = 0;

	while (n < ITEMS && audit_group_next(group, AUDIT_PATH, &from, &record))
		read_item(reader, record, &items[n++]);
	return n;
}

static const struct item *find_item(const struct item *items, size_t n, const char *types)
{
	for (const char *type = types; *type; type++)
		for (size_t i = 0; i < n; i++)
			if (items[i].type == *type)
				return &items[i];
	return NULL;
}

// ---- names ----

// Without "//", "/./" and "/../", in place: for a path that starts with '/'.
static void clean(char *path)
{
	char *end = path;

	for (char *part = path; *part;) {
		size_t length;

		part += strspn(part, "/");
		length = strcspn(part, "/");
		if (length == 2 && memcmp(part, "..", 2) == 0) {
			while (end > path && *--end != '/')
				;
		} else if (length > 0 && !(length == 1 && *part == '.')) {
			*end++ = '/';
			memmove(end, part, length);
			end += length;
		}
		part += length;
	}
	if (end == path)
		*end++ = '/';
	*end = '\0';
}

static char *folder_of_fd(struct audit_reader *reader, uint32_t pid, int fd)
{
	char link[64], target[PATH_MAX];
	ssize_t length;

	if (!reader->settings.live)
		return NULL;
	(void) snprintf(link, sizeof(link), "/proc/%" PRIu32 "/fd/%d", pid, fd);
	length = readlink(link, target, sizeof(target));
	return length > 0 && target[0] == '/' ? arena_copy(&reader->arena, target, (size_t) length)
					      : NULL;
}

// The path without links in its folders: that of the configuration. A folder that is gone by now
// leaves it as it is.
static char *canonical(struct audit_reader *reader, char *path)
{
	char *slash, resolved[PATH_MAX];

	clean(path);
	slash = strrchr(path, '/');
	if (!reader->settings.live || slash == path || strlen(path) >= PATH_MAX)
		return path;
	*slash = '\0';
	if (realpath(path, resolved) && strcmp(resolved, path) != 0) {
		*slash = '/';
		return arena_printf(
			&reader->arena, "%s%s", strcmp(resolved, "/") == 0 ? "" : resolved, slash);
	}
	*slash = '/';
	return path;
}

// The whole path of an item; NULL when it cannot be told.
static char *whole_path(struct audit_reader *reader, const struct audit_group *group,
	const struct item *item, int folder_argument)
{
	const struct audit_call *call = &group->call;
	int folder = folder_argument == NO_ARGUMENT ? AT_FDCWD
						    : (int) call->arguments[folder_argument];
	const char *below;

	if (!item || !item->name || !item->name[0])
		return NULL;
	if (item->name[0] == '/')
		return canonical(reader, item->name);
	below = folder == AT_FDCWD ? audit_group_cwd(reader, group)
				   : folder_of_fd(reader, call->pid, folder);
	if (!below || below[0] != '/')
		return NULL;
	return canonical(reader, arena_printf(&reader->arena, "%s/%s", below, item->name));
}

// ---- events ----

static void describe(struct audit_reader *reader, const struct item *item, struct event_file *file)
{
	const char *path = file->new_path && item->type == 'C' ? file->new_path : file->path;
	struct stat status;

	file->inode = item->inode;
	file->device = item->device;
	file->mode = item->mode;
	file->uid = item->uid;
	file->gid = item->gid;
	file->size = -1;
	if (!reader->settings.live || item->type == 'D' || !path || lstat(path, &status) < 0 ||
		status.st_ino != item->inode || status.st_dev != item->device)
		return;
	file->mode = status.st_mode;
	file->uid = status.st_uid;
	file->gid = status.st_gid;
	file->size = status.st_size;
	file->atime = status.st_atime;
	file->mtime = status.st_mtime;
	file->ctime = status.st_ctime;
}

static void give_file(struct audit_reader *reader, const struct audit_group *group,
	enum event_kind kind, const struct item *item, const char *path, const char *new_path)
{
	struct event event;

	audit_event_init(reader, group, kind, &event);
	if (!item || !path || event.error) {
		reader->counts.filtered++;
		return;
	}
	event.file.path = path;
	event.file.new_path = new_path;
	event.cwd = audit_group_cwd(reader, group);
	if (group->kind->fd != NO_ARGUMENT)
		event.fd = (int) group->call.arguments[group->kind->fd];
	describe(reader, item, &event.file);
	audit_give(reader, &event);
}

// ---- open files ----

static void give_closed(struct audit_reader *reader, size_t position, int64_t time_ns)
{
	struct audit_files *files = reader->files;
	struct open_file *file = &files->files[position];
	struct event event = {
		.kind = EVENT_WRITE,
		.time_ns = time_ns,
		.uptime_ns = time_ns - reader->settings.boot_ns,
		.duration_ns = -1,
		.pid = file->pid,
		.tid = file->pid,
		.ppid = file->ppid,
		.fd = file->fd,
		.syscall = "close",
		.ids = file->ids,
		.file.path = file->path,
	};
	struct item item = { .type = 'N', .inode = file->inode, .device = file->device };

	describe(reader, &item, &event.file);
	audit_give(reader, &event);
	free(file->path);
	files->n--;
	memmove(file, file + 1, (files->n - position) * sizeof(*file));
}

static size_t find_open(const struct audit_files *files, uint32_t pid, int fd)
{
	for (size_t i = files->n; i-- > 0;)
		if (files->files[i].fd == fd && files->files[i].pid == pid)
			return i;
	return SIZE_MAX;
}

static void remember_open(struct audit_reader *reader, const struct audit_group *group,
	const struct item *item, const char *path)
{
	struct audit_files *files = reader->files;
	const struct audit_call *call = &group->call;
	size_t before = find_open(files, call->pid, (int) call->result);

	if (before != SIZE_MAX)
		give_closed(reader, before, group->stamp.time_ns); // its number is used again
	if (files->n == OPEN_FILES)
		give_closed(reader, 0, group->stamp.time_ns);
	files->files[files->n++] = (struct open_file){
		.pid = call->pid,
		.ppid = call->ppid,
		.fd = (int) call->result,
		.inode = item->inode,
		.device = item->device,
		.ids = call->ids,
		.path = must_dup(path),
	};
}

static int64_t realtime_ns(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_REALTIME, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

void audit_files_look(struct audit_reader *reader)
{
	for (size_t i = 0; i < reader->files->n;) {
		const struct open_file *file = &reader->files->files[i];
		struct stat status;
		char link[64];

		(void) snprintf(link, sizeof(link), "/proc/%" PRIu32 "/fd/%d", file->pid, file->fd);
		if (stat(link, &status) == 0 && status.st_ino == file->inode &&
			status.st_dev == file->device)
			i++;
		else
			give_closed(reader, i, realtime_ns());
	}
}

// ---- calls ----

// The flags of openat2 are in a record of their own.
static uint64_t open_flags(struct audit_reader *reader, const struct audit_group *group)
{
	struct audit_text record;
	struct audit_pair pair;
	size_t from = 0;

	(void) reader;
	if (group->kind->flags != NO_ARGUMENT)
		return group->call.arguments[group->kind->flags];
	if (audit_group_next(group, AUDIT_OPENAT2, &from, &record) &&
		audit_find(record, "oflag", &pair))
		return audit_octal(&pair);
	return strcmp(group->kind->name, "creat") == 0 ? O_WRONLY | O_CREAT | O_TRUNC : O_RDONLY;
}

static void make_open(struct audit_reader *reader, const struct audit_group *group,
	const struct item *items, size_t n)
{
	const struct item *item = find_item(items, n, "CN");
	char *path = whole_path(reader, group, item, group->kind->folder);
	uint64_t flags = open_flags(reader, group);
	struct event event;

	if (!path && group->call.result >= 0) // while it is still open
		path = folder_of_fd(reader, group->call.pid, (int) group->call.result);
	audit_event_init(
		reader, group, item && item->type == 'C' ? EVENT_CREATE : EVENT_OPEN, &event);
	if (!item || !path || event.error) {
		reader->counts.filtered++;
		return;
	}
	event.file.path = path;
	event.file.flags = (uint32_t) flags;
	event.fd = (int) group->call.result;
	event.cwd = audit_group_cwd(reader, group);
	describe(reader, item, &event.file);
	audit_give(reader, &event);
	if ((flags & O_ACCMODE) != O_RDONLY && audit_wants(reader, EVENT_WRITE) &&
		group->call.result >= 0 && group->call.result <= INT_MAX)
		remember_open(reader, group, item, path);
}

// Of a call whose argument is an open file: the path is that of the descriptor.
static char *path_of_fd(struct audit_reader *reader, const struct audit_group *group)
{
	int fd = (int) group->call.arguments[group->kind->fd];
	size_t position = find_open(reader->files, group->call.pid, fd);

	if (position != SIZE_MAX)
		return arena_printf(&reader->arena, "%s", reader->files->files[position].path);
	return folder_of_fd(reader, group->call.pid, fd);
}

static void make_one(struct audit_reader *reader, const struct audit_group *group,
	enum event_kind kind, const struct item *item)
{
	char *path = group->kind->fd != NO_ARGUMENT
		? path_of_fd(reader, group)
		: whole_path(reader, group, item, group->kind->folder);

	give_file(reader, group, kind, item, path, NULL);
}

static void make_two(struct audit_reader *reader, const struct audit_group *group,
	enum event_kind kind, const struct item *from, const struct item *to)
{
	char *path = whole_path(reader, group, from, group->kind->folder);
	char *new_path = whole_path(reader, group, to, group->kind->new_folder);

	if (kind == EVENT_SYMLINK) // it points to a text, which need not be a file
		path = from && from->name ? from->name : arena_printf(&reader->arena, "%s", "");
	give_file(reader, group, kind, to, new_path ? path : NULL, new_path);
}

void audit_make_file(struct audit_reader *reader, const struct audit_group *group)
{
	enum event_kind kind;
	struct item items[ITEMS];
	size_t n = read_items(reader, group, items);
	size_t closed;

	switch (group->kind->class) {
	case CALL_OPEN:
		make_open(reader, group, items, n);
		break;
	case CALL_TRUNCATE:
		make_one(reader, group, EVENT_TRUNCATE, find_item(items, n, "N"));
		break;
	case CALL_RENAME:
		make_two(reader, group, EVENT_RENAME, find_item(items, n, "D"),
			find_item(items, n, "C"));
		break;
	case CALL_UNLINK:
		kind = group->kind->flags != NO_ARGUMENT &&
				group->call.arguments[group->kind->flags] & AT_REMOVEDIR
			? EVENT_RMDIR
			: EVENT_UNLINK;
		make_one(reader, group, kind, find_item(items, n, "D"));
		break;
	case CALL_RMDIR:
		make_one(reader, group, EVENT_RMDIR, find_item(items, n, "D"));
		break;
	case CALL_LINK:
		make_two(reader, group, EVENT_LINK, find_item(items, n, "NU"),
			find_item(items, n, "C"));
		break;
	case CALL_SYMLINK:
		make_two(reader, group, EVENT_SYMLINK, find_item(items, n, "U"),
			find_item(items, n, "C"));
		break;
	case CALL_MKDIR:
		make_one(reader, group, EVENT_MKDIR, find_item(items, n, "C"));
		break;
	case CALL_MKNOD:
		make_one(reader, group, EVENT_CREATE, find_item(items, n, "C"));
		break;
	case CALL_ATTRIBUTES:
		make_one(reader, group, EVENT_ATTRIBUTES, find_item(items, n, "N"));
		break;
	case CALL_CLOSE:
		closed = find_open(reader->files, group->call.pid, (int) group->call.arguments[0]);
		if (closed != SIZE_MAX)
			give_closed(reader, closed, group->stamp.time_ns);
		break;
	default:
		break;
	}
}
