// SPDX-License-Identifier: Apache-2.0
#pragma once
// Walks over the open files of one process after another: the links in /proc/<pid>/fd (proc(5)).
// Not a table.

#include <limits.h>

#include "tables/process/walk.h"

struct fd_walk {
	int folder; // /proc/<pid>/fd, -1 when none is open
	int64_t fd; // the current one
	const char *name; // the same as text, below `folder`
	size_t length; // of the target; longer ones are cut
	char target[PATH_MAX];
	size_t at, end; // what is unread in `entries`
	_Alignas(8) char entries[16384];
};

// Before the first fd_walk_open.
void fd_walk_begin(struct fd_walk *walk);

// Begins with the files of the walk's current process. False when they cannot be listed: the
// process is gone or not ours.
bool fd_walk_open(struct fd_walk *walk, const struct process_walk *process);

// 1 with the next open file, 0 at the end. One that was closed meanwhile is passed over.
int fd_walk_next(struct fd_walk *walk);

void fd_walk_close(struct fd_walk *walk);

// The number in a target like "socket:[1234]" when it has that prefix ("socket:["), else -1.
int64_t fd_walk_inode(const struct fd_walk *walk, const char *prefix);
