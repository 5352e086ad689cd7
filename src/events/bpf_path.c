// SPDX-License-Identifier: Apache-2.0
#include "events/bpf_path.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FOLDERS = 256, FOLDER_TEXT = 512, KEEP_MS = 1000 };

// A folder as it was named, and as a watch has it: "" when it is in none. The room is fixed, so
// that remembering costs no allocation; longer names are looked up each time.
struct bpf_folder {
	char given[FOLDER_TEXT], found[FOLDER_TEXT];
};

void bpf_paths_open(struct bpf_paths *paths, struct bpf_watches *watches)
{
	*paths = (struct bpf_paths){ .watches = watches };
}

void bpf_paths_done(struct bpf_paths *paths)
{
	free(paths->folders);
	paths->folders = NULL;
}

void bpf_paths_forget(struct bpf_paths *paths)
{
	for (size_t i = 0; paths->folders && i < FOLDERS; i++)
		paths->folders[i].given[0] = '\0';
}

// Removes "//", "/." and "/.." in place.
static void normalise(char *path)
{
	char *to = path;

	for (const char *at = path; *at;) {
		size_t length = 1 + strcspn(at + 1, "/");

		if (length == 1 || (length == 2 && at[1] == '.')) {
			at += length;
			continue;
		}
		if (length == 3 && at[1] == '.' && at[2] == '.') {
			while (to > path && *--to != '/')
				;
		} else {
			memmove(to, at, length);
			to += length;
		}
		at += length;
	}
	if (to == path)
		*to++ = '/';
	*to = '\0';
}

// Opens a file and asks the kernel where it is below a watch: the length of that path, 0 when it is
// below none, or a negative errno.
static ssize_t look_up(struct bpf_paths *paths, const char *path, char *found, size_t room)
{
	auto_close int fd = open(path, O_PATH | O_CLOEXEC);
	const struct wire_answer *answer = &paths->watches->answer;
	const char *base;
	int r;

	if (fd < 0)
		return -errno;
	r = bpf_watches_locate(paths->watches, fd);
	if (r < 0)
		return r;
	if (answer->names.base != WIRE_BASE_WATCH)
		return 0;
	base = bpf_watches_path(paths->watches, answer->names.watch);
	if (!base || answer->names.length > WIRE_TEXT)
		return 0;
	return wire_join(found, room, base, &(struct wire_slice){ &answer->names, answer->text });
}

static struct bpf_folder *slot_of(struct bpf_paths *paths, const char *given, int64_t now_ms)
{
	uint32_t hash = 2166136261;

	if (strlen(given) >= FOLDER_TEXT)
		return NULL;
	if (!paths->folders) {
		paths->folders = must_alloc(FOLDERS * sizeof(*paths->folders));
		bpf_paths_forget(paths);
	}
	if (now_ms - paths->since_ms >= KEEP_MS) {
		bpf_paths_forget(paths);
		paths->since_ms = now_ms;
	}
	for (const char *at = given; *at; at++)
		hash = (hash ^ (unsigned char) *at) * 16777619;
	return &paths->folders[hash % FOLDERS];
}

// The same, remembered.
static ssize_t look_up_kept(
	struct bpf_paths *paths, const char *given, int64_t now_ms, char *found, size_t room)
{
	struct bpf_folder *slot = slot_of(paths, given, now_ms);
	ssize_t length;

	if (slot && strcmp(slot->given, given) == 0) {
		length = (ssize_t) strlen(slot->found);
		memcpy(found, slot->found, (size_t) length + 1);
		return length;
	}
	length = look_up(paths, given, found, room);
	if (slot && length >= 0 && length < FOLDER_TEXT) {
		(void) snprintf(slot->given, sizeof(slot->given), "%s", given);
		(void) snprintf(slot->found, sizeof(slot->found), "%s", length > 0 ? found : "");
	}
	return length;
}

// The whole path as the program gave it. Of a process with a root or mounts of its own as long as
// it lives: through that.
static int spell(const struct wire_view *view, unsigned which, char *path)
{
	const struct wire_path *about = &view->paths.part->paths[which];
	const char *string = view->paths.strings[which];
	unsigned flags = view->paths.part->paths[0].folder.flags;
	char base[64] = "";
	ssize_t length;

	if (about->folder.base == WIRE_BASE_NONE || about->folder.flags & WIRE_UNREADABLE)
		return -EINVAL;
	if (flags & (WIRE_FOREIGN | WIRE_ELSEWHERE))
		(void) snprintf(base, sizeof(base), "/proc/%u/root", view->record->pid);
	// most of what is mounted elsewhere is mounted here, too: better than nothing
	if (!(flags & WIRE_FOREIGN) && *base && access(base, F_OK) < 0)
		*base = '\0';
	length = wire_join(
		path, BPF_PATH_MAX - about->length - 2u, base, &view->paths.folders[which]);
	if (length < 0)
		return (int) length;
	path[length] = '/';
	memcpy(path + length + 1, string, about->length);
	path[length + 1 + about->length] = '\0';
	return 0;
}

static bool is_foreign(const struct wire_view *view)
{
	return view->paths.part->paths[0].folder.flags & WIRE_FOREIGN;
}

// Finds the folder of the path, which is not followed itself.
static int find_entry(struct bpf_paths *paths, bool foreign, int64_t now_ms, char *path)
{
	char folder[BPF_PATH_MAX], *name;
	size_t end = strlen(path);
	ssize_t length;

	while (end > 1 && path[end - 1] == '/')
		path[--end] = '\0';
	name = strrchr(path, '/') + 1; // it begins with one
	memcpy(folder, path, (size_t) (name - path));
	folder[name - path] = '\0';
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return 0; // no call changes these
	length = look_up_kept(paths, folder, now_ms, folder, sizeof(folder));
	if (length > 0 && (size_t) length + strlen(name) + 2 <= BPF_PATH_MAX) {
		size_t slash = length > 1;
		size_t room = strlen(name) + 1;

		memmove(path + length + slash, name, room);
		memcpy(path, folder, (size_t) length);
		if (slash)
			path[length] = '/';
		return 1;
	}
	normalise(path);
	// The folder is gone: what it was called must do.
	return length < 0 && !foreign && bpf_watches_hold(paths->watches, path);
}

int bpf_paths_find(struct bpf_paths *paths, const struct wire_view *view, unsigned which,
	bool follow, int64_t now_ms, char *path)
{
	char found[BPF_PATH_MAX];
	ssize_t length;
	int r = spell(view, which, path);

	if (r < 0)
		return r;
	if (follow) {
		length = look_up_kept(paths, path, now_ms, found, sizeof(found));
		if (length > 0)
			memcpy(path, found, (size_t) length + 1);
		if (length >= 0)
			return length > 0;
	}
	return find_entry(paths, is_foreign(view), now_ms, path);
}
