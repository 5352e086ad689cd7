// SPDX-License-Identifier: Apache-2.0
#pragma once
// Path patterns as queries and the configuration write them: a wildcard is any text within one part
// of a path; two in a row as the last part are everything below, however deep. All else is itself.

#include <stdbool.h>

#include "base/base.h"

struct pattern;

// Begins to walk the paths below the root that match; the pattern begins with '/', else nothing
// does. `wildcards` are the characters that are one: "%" in SQL, where whatever is found also is
// what LIKE would find; "%*" in the configuration. Hidden names match too. Folders that cannot be
// read are passed over. Links are followed by the parts that are written out and by single
// wildcards, not by double ones, which go down 64 levels at most. Never NULL.
struct pattern *pattern_open(const struct root *root, const char *pattern, const char *wildcards);
void pattern_close(struct pattern *pattern);

struct match {
	const char *path; // below the root, with a leading '/'; a folder found by a wildcard ends
			  // in '/'
	size_t length;
	int folder; // descriptor of the folder that holds it, until the next call
	const char *name; // within that folder, without '/'
	unsigned char type; // DT_… of readdir(3), not followed
};

// 1 with the next match, 0 at the end.
int pattern_next(struct pattern *pattern, struct match *match);

// A pattern that matches all that an SQL GLOB can: its * goes across '/'. Written to `pattern`.
void pattern_of_glob(const char *glob, struct text *pattern);
