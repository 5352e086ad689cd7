// SPDX-License-Identifier: Apache-2.0
#pragma once
// The folders that packages of a language are looked for in: those that match a list of patterns
// (host/pattern.h), each only once, however many links lead there.

#include "base/set.h"
#include "host/pattern.h"
#include "sql/table.h"

// All zero is closed.
struct sites {
	struct text path; // the current one, without '/' at the end

	const char *prefix; // before each pattern
	const char *const *patterns; // left, NULL-terminated
	struct pattern *pattern;
	struct set seen;
};

// Begins to look for the patterns below a prefix ("" or the home of a user).
void sites_begin(struct sites *sites, const char *prefix, const char *const *patterns);

// 1 with the next folder that was not seen before, or 0.
int sites_next(struct sites *sites, const struct root *root);

// Whether a folder is there and was not seen before; it is seen now.
bool sites_add(struct sites *sites, const struct root *root, const char *path);

void sites_close(struct sites *sites);
