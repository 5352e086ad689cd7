// SPDX-License-Identifier: Apache-2.0
#include "tables/kernel/sysctl_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

// A file in a folder further up hides those of the same name further down.
static const char *const folders[] = { "etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d",
	"usr/lib/sysctl.d", "lib/sysctl.d" };

enum { FILES_MAX = 4096 };

struct file {
	const char *name;
	size_t folder;
};

static void add(struct sysctl_files *files, struct scan *scan, const char *name, const char *value)
{
	if (files->n == files->room) {
		size_t room = files->room ? 2 * files->room : 64;
		struct sysctl_setting *more = arena_alloc(scan_arena(scan), room * sizeof(*more));

		if (files->n)
			memcpy(more, files->settings, files->n * sizeof(*more));
		files->settings = more;
		files->room = room;
	}
	files->settings[files->n] = (struct sysctl_setting){ name, value, files->n };
	files->n++;
}

static void read_file(struct sysctl_files *files, struct scan *scan, const char *path)
{
	char *text = scan_read(scan, path, NULL);
	char *line;

	while (text && (line = text_line(&text))) {
		char *name = text_trim(line), *equals = strchr(name, '=');

		if (!equals || *name == '#' || *name == ';')
			continue;
		*equals = '\0';
		name += *name == '-'; // may fail without a word
		name = text_trim(name);
		for (char *at = name; (at = strchr(at, '/'));)
			*at = '.';
		add(files, scan, name, text_trim(equals + 1));
	}
}

static int compare_files(const void *a, const void *b)
{
	const struct file *left = a, *right = b;
	int r = strcmp(left->name, right->name);

	return r ? r : (left->folder > right->folder) - (left->folder < right->folder);
}

static size_t list_folder(struct scan *scan, size_t folder, struct file *found, size_t n)
{
	auto_close int fd = root_openat(scan_root(scan), folders[folder], O_RDONLY | O_DIRECTORY);
	auto_closedir DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!entries)
		return n;
	(void) take_fd(&fd); // the folder closes it
	while (n < FILES_MAX && (entry = readdir(entries)))
		if (text_ends(entry->d_name, ".conf"))
			found[n++] = (struct file){ arena_copy(scan_arena(scan), entry->d_name,
							    strlen(entry->d_name)),
				folder };
	return n;
}

static int compare_settings(const void *a, const void *b)
{
	const struct sysctl_setting *left = a, *right = b;
	int r = strcmp(left->name, right->name);

	return r ? r : (left->order > right->order) - (left->order < right->order);
}

void sysctl_files_read(struct sysctl_files *files, struct scan *scan)
{
	struct file *found = arena_alloc(scan_arena(scan), FILES_MAX * sizeof(*found));
	size_t n = 0;

	*files = (struct sysctl_files){ 0 };
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		n = list_folder(scan, i, found, n);
	qsort(found, n, sizeof(*found), compare_files);
	for (size_t i = 0; i < n; i++)
		if (i == 0 || strcmp(found[i].name, found[i - 1].name) != 0)
			read_file(files, scan,
				arena_printf(scan_arena(scan), "%s/%s", folders[found[i].folder],
					found[i].name));
	read_file(files, scan, "etc/sysctl.conf");
	if (files->n)
		qsort(files->settings, files->n, sizeof(*files->settings), compare_settings);
}

const char *sysctl_files_value(const struct sysctl_files *files, const char *name)
{
	size_t low = 0, high = files->n;

	// the first setting behind those of this name
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(files->settings[middle].name, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && strcmp(files->settings[low - 1].name, name) == 0
		? files->settings[low - 1].value
		: NULL;
}
