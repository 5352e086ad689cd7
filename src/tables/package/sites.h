// SPDX-License-Identifier: Apache-2.0
#pragma once
// The folders that packages of a language are looked for in: those that match a list of patterns
// (host/pattern.h), each only once, however many links lead there.

#include "base/set.h"
#include "sql/table.h"

struct site;

// All zero is closed.
struct sites {
	const char *path; // the current one, without '/' at the end

	struct site *found; // all of them, in a fixed order
	size_t n, room, at;
	struct set seen;
	struct arena arena;
};

// Looks for the patterns below a prefix ("" or the home of a user), in place of what was found
// before.
void sites_find(struct sites *sites, const struct root *root, const char *prefix,
	const char *const *patterns);

// Moves to the next folder that was not seen before, under whatever path; first to those that no
// link leads to.
bool sites_next(struct sites *sites, const struct root *root);

void sites_close(struct sites *sites);
