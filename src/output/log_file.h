// SPDX-License-Identifier: Apache-2.0
#pragma once
// Files that lines are appended to, and their rotation. The folder belongs to root as a rule; where
// it does not, a symbolic link or a FIFO in the place of a file must not make us write elsewhere or
// wait.

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"

// Opens a regular file for appending (O_APPEND) and reading: a descriptor, or a negative errno. A
// missing one is made, with the folders above it (0755). It has the mode afterwards, whatever the
// umask, where it is ours to give.
int log_file_open(const char *path, mode_t mode, struct fault *why);

// Appends: how many bytes, or a negative errno when there were none.
ssize_t log_file_append(
	int fd, const char *path, const char *bytes, size_t length, struct fault *why);

// Makes PATH.1 of the file, after PATH.1 has become PATH.2.zst, that one PATH.3.zst, and so on; at
// most `most` of them (1 at least) stay. What cannot be compressed stays as it is, which is logged.
int log_file_rotate(const char *path, uint64_t most, mode_t mode, struct fault *why);
