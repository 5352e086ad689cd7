// SPDX-License-Identifier: Apache-2.0
#pragma once
// Folders below the root, for tables that read all files of a small one in a fixed order.

#include <stddef.h>

#include "base/base.h"

// Opens a folder to walk over it, or NULL with errno.
DIR *folder_open(const struct root *root, const char *path);

// The next name but "." and "..", or NULL.
const char *folder_next(DIR *folder);

// The names in a folder in byte order, NULL-terminated, in the arena; none when it cannot be read.
const char *const *folder_names(const struct root *root, const char *path, struct arena *arena);
