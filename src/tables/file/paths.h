// SPDX-License-Identifier: Apache-2.0
#pragma once
// The paths that a query about files names: by path, by the folder they are in, or by a pattern of
// either.

#include "host/pattern.h"
#include "sql/table.h"

struct paths {
	struct scan *scan;
	const struct given *given; // paths or folders
	size_t at;
	bool in_folders; // names within folders are meant
	struct pattern *pattern;
	struct text glob;
	void *folder; // DIR of the folder that is read
	struct text directory; // its path

	// the current one
	struct text path; // as the query will see it
	int parent; // descriptor of the folder below which `name` is looked up
	const char *name;
	bool owns_parent;
	unsigned char type; // DT_…, not followed; perhaps DT_UNKNOWN
};

// `path` and `directory` are the table's columns. A query without either is refused before.
void paths_open(struct paths *paths, struct scan *scan, unsigned path, unsigned directory);

// 1 with the next path, which existed a moment ago, or 0.
int paths_next(struct paths *paths);

void paths_close(struct paths *paths);

// Sets the columns path, directory and filename.
void paths_give(const struct paths *paths, unsigned path, unsigned directory, int filename);

// The status of what the current path leads to, links followed within the root.
int paths_stat(const struct paths *paths, struct stat *status);

// Opens what the current path leads to for reading, without waiting for FIFOs.
int paths_openat(const struct paths *paths);
