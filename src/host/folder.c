// SPDX-License-Identifier: Apache-2.0
#include "host/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

DIR *folder_open(const struct root *root, const char *path)
{
	int fd = root_openat(root, path, O_RDONLY | O_DIRECTORY);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !folder)
		(void) close(fd);
	return folder;
}

struct dirent *folder_entry(DIR *folder)
{
	struct dirent *entry;

	do {
		entry = readdir(folder);
	} while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
	return entry;
}

const char *folder_next(DIR *folder)
{
	const struct dirent *entry = folder_entry(folder);

	return entry ? entry->d_name : NULL;
}

unsigned char folder_type(int folder, const char *name)
{
	struct stat status;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return DT_UNKNOWN;
	return IFTODT(status.st_mode);
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

const char *const *folder_names(const struct root *root, const char *path, struct arena *arena)
{
	auto_closedir DIR *folder = folder_open(root, path);
	size_t n = 0, room = 16;
	const char **names = arena_alloc(arena, room * sizeof(*names));
	const char *name;

	while (folder && (name = folder_next(folder))) {
		if (n + 1 == room) {
			const char **more = arena_alloc(arena, 2 * room * sizeof(*names));

			memcpy(more, names, n * sizeof(*names));
			names = more;
			room *= 2;
		}
		names[n++] = arena_copy(arena, name, strlen(name));
	}
	qsort(names, n, sizeof(*names), compare);
	names[n] = NULL;
	return names;
}
