// SPDX-License-Identifier: Apache-2.0
#include "output/status_files.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "output/log_file.h"

enum {
	KEPT_OLD = 10, // files of each severity besides the newest
	PATH_ROOM = PATH_MAX + 80,
};

static const char *const levels[STATUS_LEVELS] = { "INFO", "WARNING", "ERROR" };

void status_files_init(struct status_files *files, const char *folder, const char *name,
	mode_t mode, uint64_t most_bytes)
{
	*files = (struct status_files){
		.folder = folder,
		.name = name,
		.mode = mode,
		.most_bytes = most_bytes,
	};
	for (int level = 0; level < STATUS_LEVELS; level++)
		files->fds[level] = -1;
}

static void close_level(struct status_files *files, int level)
{
	if (files->fds[level] >= 0)
		(void) close(files->fds[level]);
	files->fds[level] = -1;
}

void status_files_done(struct status_files *files)
{
	for (int level = 0; level < STATUS_LEVELS; level++)
		close_level(files, level);
}

static void name_link(const struct status_files *files, int level, char path[PATH_ROOM])
{
	(void) snprintf(path, PATH_ROOM, "%s/%s.%s", files->folder, files->name, levels[level]);
}

// Whether the rest of a name is .<date>-<time>.<pid>: what else there is, is not ours.
static bool is_stamp(const char *rest)
{
	static const char form[] = ".dddddddd-dddddd.d";
	size_t i = 0;

	for (; form[i]; i++)
		if (form[i] == 'd' ? !isdigit((unsigned char) rest[i]) : rest[i] != form[i])
			return false;
	return rest[i + strspn(rest + i, "0123456789.")] == '\0';
}

// Where the name of a file of this severity goes on behind NAME.LEVEL, or NULL.
static const char *stamp_of(const struct status_files *files, int level, const char *file)
{
	size_t name = strlen(files->name), severity = strlen(levels[level]);

	if (strncmp(file, files->name, name) != 0 || file[name] != '.' ||
		strncmp(file + name + 1, levels[level], severity) != 0 ||
		!is_stamp(file + name + 1 + severity))
		return NULL;
	return file + name + 1 + severity;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *) b, *(const char *const *) a);
}

// Old files beyond those that are kept go, so that they do not fill the disk. Their names are in
// the order of their times.
static void remove_old(const struct status_files *files, int level)
{
	auto_closedir DIR *folder = opendir(files->folder);
	struct arena arena = { 0 };
	char **names = NULL;
	size_t n = 0;
	struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		if (!stamp_of(files, level, entry->d_name))
			continue;
		if ((n & (n + 1)) == 0)
			names = must_resize(names, (2 * n + 1) * sizeof(*names));
		names[n++] = arena_copy(&arena, entry->d_name, strlen(entry->d_name));
	}
	if (n > 0)
		qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 1 + KEPT_OLD; i < n; i++)
		(void) unlinkat(dirfd(folder), names[i], 0);
	free(names);
	arena_done(&arena);
}

// Makes a new file and leads the link to it.
static int begin_file(struct status_files *files, int level, struct fault *why)
{
	char path[PATH_ROOM], link[PATH_ROOM], temporary[PATH_ROOM + 16];
	time_t now = time(NULL);
	struct stat status;
	struct tm day;
	size_t length;
	int fd;

	(void) localtime_r(&now, &day);
	name_link(files, level, link);
	length = (size_t) snprintf(path, sizeof(path), "%s.%04d%02d%02d-%02d%02d%02d.%d", link,
		1900 + day.tm_year, day.tm_mon + 1, day.tm_mday, day.tm_hour, day.tm_min,
		day.tm_sec, getpid());
	for (int i = 1; lstat(path, &status) == 0 && i < 1000; i++)
		(void) snprintf(path + length, sizeof(path) - length, ".%d", i); // in one second
	fd = log_file_open(path, files->mode, why);
	if (fd < 0)
		return fd;

	close_level(files, level);
	files->fds[level] = fd;
	(void) snprintf(temporary, sizeof(temporary), "%s.link.%d", link, getpid());
	(void) unlink(temporary);
	// a link that can't be made is no reason not to write
	if (symlink(strrchr(path, '/') + 1, temporary) == 0 && rename(temporary, link) < 0)
		(void) unlink(temporary);
	remove_old(files, level);
	return 0;
}

// Opens the file that the link leads to, if it is one of this severity in the same folder.
static int follow_link(struct status_files *files, int level, const char *link)
{
	char target[NAME_MAX + 1], path[PATH_ROOM + NAME_MAX + 2];
	ssize_t length = readlink(link, target, sizeof(target) - 1);
	int fd;

	if (length < 0)
		return -ENOENT;
	target[length] = '\0';
	if (!stamp_of(files, level, target))
		return -ENOENT;
	(void) snprintf(path, sizeof(path), "%s/%s", files->folder, target);
	if (access(path, F_OK) < 0)
		return -ENOENT;
	fd = log_file_open(path, files->mode, NULL);
	if (fd < 0)
		return fd;
	close_level(files, level);
	files->fds[level] = fd;
	return 0;
}

// The file of a severity: the one that the link leads to as long as there is room in it. Someone
// else may have begun a new one, or removed it; where there is no link, ours will do.
static int find_file(struct status_files *files, int level, struct fault *why)
{
	char link[PATH_ROOM];
	struct stat there, ours;
	bool open = files->fds[level] >= 0 && fstat(files->fds[level], &ours) == 0;

	name_link(files, level, link);
	if (!open || stat(link, &there) < 0 || there.st_ino != ours.st_ino ||
		there.st_dev != ours.st_dev) {
		if (follow_link(files, level, link) == 0)
			open = fstat(files->fds[level], &ours) == 0;
		else
			open = open && ours.st_nlink > 0;
	}
	if (!open || (uint64_t) ours.st_size >= files->most_bytes)
		return begin_file(files, level, why);
	return 0;
}

static int write_level(
	struct status_files *files, int level, const struct text *line, struct fault *why)
{
	int r = find_file(files, level, why);
	ssize_t written;

	if (r < 0)
		return r;
	written = log_file_append(files->fds[level], files->folder, line->bytes, line->length, why);
	return written < 0 ? (int) written : 0;
}

void status_files_write(struct status_files *files, const struct log_entry *entry)
{
	auto_text struct text line = { 0 };
	struct fault why;
	int highest = entry->severity < LOG_INFO ? LOG_INFO : (int) entry->severity, r = 0;

	log_add_line(&line, entry);
	for (int level = 0; r == 0 && level <= highest; level++)
		r = write_level(files, level, &line, &why);
	if (r == 0) {
		files->failing = false;
		return;
	}
	if (!files->failing)
		fprintf(stderr, "status lines go to standard error: %s\n", why.text);
	files->failing = true;
	if (!log_prints(entry->severity))
		(void) fwrite(line.bytes, 1, line.length, stderr);
}
