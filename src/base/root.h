// SPDX-License-Identifier: Apache-2.0
#pragma once
// The movable root: every file of the host is read below a folder that a test, or a container's
// process, may choose. Below a moved root symbolic links cannot lead out of it (openat2(2),
// RESOLVE_IN_ROOT).

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/arena.h"
#include "base/fault.h"

struct root {
	int fd; // O_PATH of the folder
	bool moved; // it is not this process' own "/"
};

// Opens `path` as a root. "/" is the host itself.
int root_open(struct root *root, const char *path, struct fault *why);
void root_close(struct root *root);

// All of the following take a path with or without its leading '/', return -1 or NULL with errno
// set on failure, and give descriptors that are close-on-exec.
int root_openat(const struct root *root, const char *path, int flags);

// Opens a regular file, or a file of /proc or /sys, for reading. Never waits for a FIFO or a device
// (EINVAL).
FILE *root_fopen(const struct root *root, const char *path);

ssize_t root_readlink(const struct root *root, const char *path, char *target, size_t size);

// `flags`: AT_SYMLINK_NOFOLLOW or 0.
int root_stat(const struct root *root, const char *path, struct stat *status, int flags);

// Opens the folder that holds the last part of the path, so that the part itself (`*last`, "."
// where the path ends in '/') can be looked at without following it.
int root_parent(const struct root *root, const char *path, const char **last);

// Reads a whole regular file, or a file of /proc or /sys, into the arena, a NUL behind it. Never
// waits for a FIFO or a device (EINVAL). EFBIG when it holds more than `limit_bytes`.
char *root_read(const struct root *root, const char *path, size_t limit_bytes, struct arena *arena,
	size_t *size_bytes);

// The same from an open descriptor, which stays open.
char *fd_read(int fd, size_t limit_bytes, struct arena *arena, size_t *size_bytes);

// Reads a small file into the caller's buffer, NUL-terminated, cut to fit: one open, one read, one
// close, for files of /proc that the kernel gives in one piece. `folder` is a descriptor below
// which `path` is looked up without further care. -1 with errno on failure, else the length.
ssize_t read_small(int folder, const char *path, char *buffer, size_t size);
