// SPDX-License-Identifier: Apache-2.0
#pragma once
// Files of status lines: NAME.INFO, NAME.WARNING and NAME.ERROR are links to the newest file of
// each severity, NAME.INFO.<date-time>.<pid>. A line goes to the file of its own severity and to
// those of all lower ones. Several processes append to the same files: each looks where the link
// leads.

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/log.h"

enum { STATUS_LEVELS = 3 };

struct status_files {
	const char *folder, *name; // borrowed
	mode_t mode;
	uint64_t most_bytes; // of a file, then a new one is begun
	int fds[STATUS_LEVELS]; // -1: not open
	bool failing; // and that was said
};

void status_files_init(struct status_files *files, const char *folder, const char *name,
	mode_t mode, uint64_t most_bytes);
void status_files_done(struct status_files *files);

// Writes the line. Where that fails it goes to standard error, unless the log prints it there.
void status_files_write(struct status_files *files, const struct log_entry *entry);
