// SPDX-License-Identifier: Apache-2.0
#pragma once
// Digests of files that events tell of, computed when a query asks for them. Not a table: a file
// beside a header is shared by its folder.

#include "host/digest.h"
#include "sql/table.h"

// The digests (bits 1 << DIGEST_…) of the regular file at the path, if it still is the one that the
// event is about: the same inode, and the same time of its last change in seconds. 0: `digest` is
// filled; a negative errno: -ESTALE when it is another file, or was changed since.
int content_digest(struct scan *scan, const char *path, int64_t inode, int64_t mtime,
	unsigned kinds, struct digest *digest);
