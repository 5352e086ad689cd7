// SPDX-License-Identifier: Apache-2.0
#include "tables/kernel/sysctl_files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>

// A file in a folder further up hides those of the same name further down.
static const char *const folders[] = { "etc/sysctl.d", "run/sysctl.d", "usr/local/lib/sysctl.d",
	"usr/lib/sysctl.d", "lib/sysctl.d" };

enum { FILES_MAX = 4096 };

struct file {
	const char *name;
	size_t folder;
};

static void add(
	struct sysctl_settings *settings, struct arena *arena, const char *name, const char *value)
{
	if (settings->n == settings->room) {
		size_t room = settings->room ? 2 * settings->room : 64;
		struct sysctl_setting *more = arena_alloc(arena, room * sizeof(*more));

		if (settings->n)
			memcpy(more, settings->list, settings->n * sizeof(*more));
		settings->list = more;
		settings->room = room;
	}
	settings->list[settings->n] = (struct sysctl_setting){ name, value, settings->n };
	settings->n++;
}

// fnmatch(3) tries every way to share a name among the stars: no more of them than settings have.
static bool is_pattern(const char *name)
{
	enum { STARS_MAX = 3, LENGTH_MAX = 256 };
	size_t stars = 0;

	for (const char *at = name; (at = strchr(at, '*')); at++)
		stars++;
	return strpbrk(name, "*?[") && stars <= STARS_MAX && strlen(name) <= LENGTH_MAX;
}

// "name = value", where a - before the name means that it may fail, or "-name" alone: no pattern
// sets that one.
static void read_line(struct sysctl_files *files, struct arena *arena, char *line)
{
	char *name = text_trim(line), *equals = strchr(name, '=');

	if (*name == '#' || *name == ';' || (!equals && *name != '-'))
		return;
	if (equals)
		*equals = '\0';
	name += *name == '-';
	name = text_trim(name);
	for (char *at = name; (at = strchr(at, '/'));)
		*at = '.';
	add(is_pattern(name) ? &files->patterns : &files->named, arena, name,
		equals ? text_trim(equals + 1) : NULL);
}

static void read_file(struct sysctl_files *files, struct scan *scan, const char *path)
{
	char *text = scan_read(scan, path, NULL);
	char *line;

	while (text && (line = text_line(&text)))
		read_line(files, scan_arena(scan), line);
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
	if (files->named.n)
		qsort(files->named.list, files->named.n, sizeof(*files->named.list),
			compare_settings);
}

static const struct sysctl_setting *find_named(
	const struct sysctl_settings *named, const char *name)
{
	size_t low = 0, high = named->n;

	// the first setting behind those of this name
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(named->list[middle].name, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && strcmp(named->list[low - 1].name, name) == 0 ? &named->list[low - 1]
								       : NULL;
}

const char *sysctl_files_value(const struct sysctl_files *files, const char *name)
{
	const struct sysctl_setting *setting = find_named(&files->named, name);

	if (setting)
		return setting->value;
	for (size_t i = files->patterns.n; i-- > 0;)
		if (fnmatch(files->patterns.list[i].name, name, 0) == 0)
			return files->patterns.list[i].value;
	return NULL;
}
