// SPDX-License-Identifier: Apache-2.0
#include "tables/package/sites.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "host/pattern.h"

struct site {
	const char *path;
	bool by_link; // a part of the path is a symbolic link
};

static bool leads_by_link(const struct root *root, char *path)
{
	struct stat status;
	bool found = false;

	for (char *slash = path; slash && !found;) {
		slash = strchr(slash + 1, '/');
		if (slash)
			*slash = '\0';
		found = root_stat(root, path, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISLNK(status.st_mode);
		if (slash)
			*slash = '/';
	}
	return found;
}

static void add(struct sites *sites, const struct root *root, const char *path, size_t length)
{
	char *copy;

	while (length > 1 && path[length - 1] == '/')
		length--;
	copy = arena_copy(&sites->arena, path, length);
	if (sites->n == sites->room) {
		sites->room = sites->room ? 2 * sites->room : 16;
		sites->found = must_resize(sites->found, sites->room * sizeof(*sites->found));
	}
	sites->found[sites->n++] = (struct site){ copy, leads_by_link(root, copy) };
}

static int compare(const void *a, const void *b)
{
	const struct site *left = a, *right = b;
	int r = left->by_link - right->by_link;

	return r ? r : strcmp(left->path, right->path);
}

void sites_find(struct sites *sites, const struct root *root, const char *prefix,
	const char *const *patterns)
{
	auto_text struct text whole = { 0 };

	arena_reset(&sites->arena);
	sites->n = sites->at = 0;
	for (; *patterns; patterns++) {
		struct pattern *pattern;
		struct match match;

		text_clear(&whole);
		text_printf(&whole, "%s%s", prefix, *patterns);
		pattern = pattern_open(root, whole.bytes, "%");
		while (pattern_next(pattern, &match))
			add(sites, root, match.path, match.length);
		pattern_close(pattern);
	}
	if (sites->n)
		qsort(sites->found, sites->n, sizeof(*sites->found), compare);
}

bool sites_next(struct sites *sites, const struct root *root)
{
	struct stat status;

	while (sites->at < sites->n) {
		sites->path = sites->found[sites->at++].path;
		// one number of the two; the set cannot hold the largest
		if (root_stat(root, sites->path, &status, 0) == 0 && S_ISDIR(status.st_mode) &&
			set_add(&sites->seen,
				(status.st_dev * 0x9e3779b97f4a7c15 ^ status.st_ino) >> 1))
			return true;
	}
	return false;
}

void sites_close(struct sites *sites)
{
	free(sites->found);
	set_done(&sites->seen);
	arena_done(&sites->arena);
	*sites = (struct sites){ 0 };
}
