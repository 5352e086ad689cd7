// SPDX-License-Identifier: Apache-2.0
#include "tables/package/sites.h"

void sites_begin(struct sites *sites, const char *prefix, const char *const *patterns)
{
	pattern_close(sites->pattern);
	sites->pattern = NULL;
	sites->prefix = prefix;
	sites->patterns = patterns;
}

bool sites_add(struct sites *sites, const struct root *root, const char *path)
{
	struct stat status;

	// one number of the two; the set cannot hold the largest
	return root_stat(root, path, &status, 0) == 0 && S_ISDIR(status.st_mode) &&
		set_add(&sites->seen, (status.st_dev * 0x9e3779b97f4a7c15 ^ status.st_ino) >> 1);
}

int sites_next(struct sites *sites, const struct root *root)
{
	for (;;) {
		struct match match;

		while (sites->pattern && pattern_next(sites->pattern, &match)) {
			size_t length = match.length;

			while (length > 1 && match.path[length - 1] == '/')
				length--;
			text_clear(&sites->path);
			text_add(&sites->path, match.path, length);
			if (sites_add(sites, root, sites->path.bytes))
				return 1;
		}
		pattern_close(sites->pattern);
		sites->pattern = NULL;
		if (!sites->patterns || !*sites->patterns)
			return 0;
		text_clear(&sites->path);
		text_printf(&sites->path, "%s%s", sites->prefix, *sites->patterns++);
		sites->pattern = pattern_open(root, sites->path.bytes);
	}
}

void sites_close(struct sites *sites)
{
	pattern_close(sites->pattern);
	set_done(&sites->seen);
	text_done(&sites->path);
	*sites = (struct sites){ 0 };
}
