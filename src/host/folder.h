// SPDX-License-Identifier: Apache-2.0
#pragma once
// Folders below the root, for tables that read all files of a small one in a fixed order.

#include <stddef.h>

#include "base/base.h"

// Opens a folder to walk over it, or NULL with errno.
DIR *folder_open(const struct root *root, const char *path);

// The next entry but "." and "..", or NULL; and its name alone.
struct dirent *folder_entry(DIR *folder);
const char *folder_next(DIR *folder);

// The DT_… of a name, not followed, for file systems that leave it out of the entry; DT_UNKNOWN
// when it is gone.
unsigned char folder_type(int folder, const char *name);

// The names in a folder in byte order, NULL-terminated, in the arena; none when it cannot be read.
const char *const *folder_names(const struct root *root, const char *path, struct arena *arena);
