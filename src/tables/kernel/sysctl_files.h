// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the files of sysctl.d(5) and sysctl.conf(5) set. Not a table.

#include "sql/table.h"

struct sysctl_setting {
	const char *name; // dotted
	const char *value; // NULL: patterns do not set it
	size_t order; // the later wins
};

struct sysctl_settings {
	struct sysctl_setting *list;
	size_t n, room;
};

struct sysctl_files {
	struct sysctl_settings named; // sorted by name and order
	struct sysctl_settings patterns; // names with wildcards, in order
};

// Reads the files in the order that `sysctl --system` applies them in, into the scan's arena.
void sysctl_files_read(struct sysctl_files *files, struct scan *scan);

// The value the setting ends with, or NULL if no file sets it. A full name beats any pattern.
const char *sysctl_files_value(const struct sysctl_files *files, const char *name);
