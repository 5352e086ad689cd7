// SPDX-License-Identifier: Apache-2.0
#include "store/aside.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "base/log.h"

enum { KEPT = 3 };

static int compare(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_aside(const struct dirent *entry)
{
	return strstr(entry->d_name, ".damaged-") && !text_ends(entry->d_name, "-wal");
}

// The newest few of all files of the folder stay: times of ten digits sort as text.
static void prune(const char *path)
{
	auto_free char *folder = must_dup(path);
	struct dirent **entries = NULL;
	char name[PATH_MAX];
	int n;

	*strrchr(folder, '/') = '\0';
	n = scandir(folder, &entries, is_aside, compare);
	for (int i = 0; i < n; i++) {
		if (i < n - KEPT) {
			(void) snprintf(name, sizeof(name), "%s/%s", folder, entries[i]->d_name);
			(void) unlink(name);
			(void) snprintf(
				name, sizeof(name), "%s/%s-wal", folder, entries[i]->d_name);
			(void) unlink(name);
		}
		free(entries[i]);
	}
	free(entries);
}

int aside_move(const char *path, struct fault *why)
{
	char from[PATH_MAX], to[PATH_MAX];
	time_t now = time(NULL);

	(void) snprintf(to, sizeof(to), "%s.damaged-%010lld", path, (long long) now);
	// several within a second: the name of the first is taken
	for (int i = 1; access(to, F_OK) == 0 && i < 1000; i++)
		(void) snprintf(to, sizeof(to), "%s.damaged-%010lld.%d", path, (long long) now, i);
	if (rename(path, to) < 0 && errno != ENOENT)
		return fail(why, -errno, "store: %s cannot be set aside: %m", path);
	log_error("store: %s was set aside as %s; a new one takes its place", path, to);

	// the log belongs to the file: a fresh one must not find it
	(void) snprintf(from, sizeof(from), "%s-wal", path);
	(void) snprintf(to + strlen(to), sizeof(to) - strlen(to), "-wal");
	if (rename(from, to) < 0 && errno != ENOENT)
		(void) unlink(from);
	(void) snprintf(from, sizeof(from), "%s-shm", path);
	(void) unlink(from);
	prune(path);
	return 0;
}
