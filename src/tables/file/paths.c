// SPDX-License-Identifier: Apache-2.0
#include "tables/file/paths.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "host/folder.h"
#include "host/host.h"

void paths_open(struct paths *paths, struct scan *scan, unsigned path, unsigned directory)
{
	const char *pattern = NULL;

	*paths = (struct paths){ .scan = scan, .parent = -1 };
	if ((paths->given = scan_given(scan, path)))
		return;
	if ((paths->given = scan_given(scan, directory))) {
		paths->in_folders = true;
		return;
	}
	if (!(pattern = scan_like(scan, path)) && scan_glob(scan, path)) {
		pattern_of_glob(scan_glob(scan, path), &paths->glob);
		pattern = paths->glob.bytes;
	}
	if (!pattern) {
		paths->in_folders = true;
		pattern = scan_like(scan, directory);
	}
	if (!pattern && scan_glob(scan, directory)) {
		pattern_of_glob(scan_glob(scan, directory), &paths->glob);
		pattern = paths->glob.bytes;
	}
	if (pattern)
		paths->pattern = pattern_open(scan_root(scan), pattern, "%");
}

static void drop_parent(struct paths *paths)
{
	if (paths->owns_parent && paths->parent >= 0)
		(void) close(paths->parent);
	paths->owns_parent = false;
	paths->parent = -1;
}

void paths_close(struct paths *paths)
{
	drop_parent(paths);
	if (paths->folder)
		(void) closedir(paths->folder);
	pattern_close(paths->pattern);
	text_done(&paths->glob);
	text_done(&paths->directory);
	text_done(&paths->path);
}

static void set_path(struct paths *paths, const char *path)
{
	text_clear(&paths->path);
	text_add_string(&paths->path, path);
}

// Looks a path up that the query wrote out. A relative one is meant from where the program stands.
static bool find_given(struct paths *paths, const char *path)
{
	const struct root *root = scan_root(paths->scan);
	struct stat status;

	drop_parent(paths);
	if (*path == '\0' || strlen(path) >= PATH_MAX)
		return false;
	if (root->moved) {
		paths->parent = root_parent(root, path, &paths->name);
		paths->owns_parent = true;
	} else {
		paths->parent = *path == '/' ? root->fd : AT_FDCWD;
		path += strspn(path, "/");
		paths->name = *path ? path : ".";
	}
	paths->type = DT_UNKNOWN;
	return (paths->parent >= 0 || paths->parent == AT_FDCWD) &&
		fstatat(paths->parent, paths->name, &status, AT_SYMLINK_NOFOLLOW) == 0;
}

static int next_given(struct paths *paths)
{
	while (paths->at < paths->given->count) {
		const char *path = paths->given->values[paths->at++].text;

		if (find_given(paths, path)) {
			set_path(paths, path);
			return 1;
		}
	}
	return 0;
}

static void take_match(struct paths *paths, const struct match *match)
{
	text_clear(&paths->path);
	text_add(&paths->path, match->path, match->length);
	paths->parent = match->folder;
	paths->name = match->name;
	paths->type = match->type;
}

static int next_match(struct paths *paths)
{
	struct match match;

	if (!paths->pattern || !pattern_next(paths->pattern, &match))
		return 0;
	take_match(paths, &match);
	return 1;
}

// ---- names within folders ----

static bool open_folder(struct paths *paths, const char *path)
{
	paths->folder = folder_open(scan_root(paths->scan), path);
	if (!paths->folder)
		return false;
	text_clear(&paths->directory);
	text_add_string(&paths->directory, path);
	return true;
}

// The next folder that is meant: 1, or 0.
static int next_folder(struct paths *paths)
{
	if (paths->given) {
		while (paths->at < paths->given->count) {
			const char *path = paths->given->values[paths->at++].text;

			if (*path == '/' && open_folder(paths, path))
				return 1;
		}
		return 0;
	}
	while (next_match(paths)) {
		struct text *path = &paths->path;

		if (paths->type != DT_DIR && paths->type != DT_LNK)
			continue;
		if (path->length > 1 && path->bytes[path->length - 1] == '/')
			path->bytes[--path->length] = '\0';
		if (open_folder(paths, path->bytes))
			return 1;
	}
	return 0;
}

static void take_entry(struct paths *paths, const struct dirent *entry)
{
	const struct text *directory = &paths->directory;

	text_clear(&paths->path);
	text_add(&paths->path, directory->bytes, directory->length);
	if (directory->bytes[directory->length - 1] != '/')
		text_add_char(&paths->path, '/');
	text_add_string(&paths->path, entry->d_name);
	paths->parent = dirfd(paths->folder);
	paths->name = entry->d_name;
	paths->type = entry->d_type;
}

static int next_in_folder(struct paths *paths)
{
	for (;;) {
		struct dirent *entry;

		if (!paths->folder && !next_folder(paths))
			return 0;
		entry = folder_entry(paths->folder);
		if (entry) {
			take_entry(paths, entry);
			return 1;
		}
		(void) closedir(paths->folder);
		paths->folder = NULL;
		if (scan_cancelled(paths->scan))
			return 0;
	}
}

int paths_next(struct paths *paths)
{
	if (paths->in_folders)
		return next_in_folder(paths);
	return paths->given ? next_given(paths) : next_match(paths);
}

// ---- the current path ----

void paths_give(const struct paths *paths, unsigned path, unsigned directory, int filename)
{
	const char *bytes = paths->path.bytes;
	size_t length = paths->path.length;
	const char *slash = memrchr(bytes, '/', length);
	const char *name = slash ? slash + 1 : bytes;
	size_t name_length = length - (size_t) (name - bytes);

	scan_bytes(paths->scan, path, bytes, length);
	if (paths->in_folders)
		scan_bytes(paths->scan, directory, paths->directory.bytes, paths->directory.length);
	else if (slash)
		scan_bytes(paths->scan, directory, bytes,
			slash == bytes ? 1 : (size_t) (slash - bytes));
	if (filename < 0)
		return;
	if (name_length > 0)
		scan_bytes(paths->scan, (unsigned) filename, name, name_length);
	else
		scan_text(paths->scan, (unsigned) filename, length == 1 ? "/" : ".");
}

int paths_stat(const struct paths *paths, struct stat *status)
{
	if (!scan_root(paths->scan)->moved)
		return fstatat(paths->parent, paths->name, status, 0);
	return root_stat(scan_root(paths->scan), paths->path.bytes, status, 0);
}

int paths_openat(const struct paths *paths)
{
	const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;

	if (!scan_root(paths->scan)->moved)
		return openat(paths->parent, paths->name, flags);
	return root_openat(scan_root(paths->scan), paths->path.bytes, flags);
}
