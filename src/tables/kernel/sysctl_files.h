// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the files of sysctl.d(5) and sysctl.conf(5) set. Not a table.

#include "sql/table.h"

struct sysctl_setting {
	const char *name; // dotted
	const char *value;
	size_t order; // the later wins
};

struct sysctl_files {
	struct sysctl_setting *settings; // sorted by name and order
	size_t n, room;
};

// Reads the files in the order that `sysctl --system` applies them in, into the scan's arena.
void sysctl_files_read(struct sysctl_files *files, struct scan *scan);

// The value the setting ends with, or NULL if no file sets it by its full name.
const char *sysctl_files_value(const struct sysctl_files *files, const char *name);
