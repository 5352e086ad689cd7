// SPDX-License-Identifier: Apache-2.0
#pragma once
// Path patterns as queries and the configuration write them: % (or *) is any text within one part
// of a path, %% (or **) at the end is everything below, however deep. Elsewhere %% is the same as
// %. The pattern's other parts are taken as they are, so "_" is itself.

#include <stdbool.h>

#include "base/base.h"

struct pattern;

// Begins to walk the paths of the root that match. Folders that cannot be read are passed over;
// folders are not entered through symbolic links below %%; 64 levels deep at most. Never NULL.
struct pattern *pattern_open(const struct root *root, const char *pattern);
void pattern_close(struct pattern *pattern);

struct match {
	const char *path; // below the root, with a leading '/'; a folder ends in '/'
	size_t length;
	int folder; // descriptor of the folder that holds it, until the next call
	const char *name; // within that folder
	unsigned char type; // DT_… of readdir(3), perhaps DT_UNKNOWN
};

// 1 with the next match, 0 at the end.
int pattern_next(struct pattern *pattern, struct match *match);
