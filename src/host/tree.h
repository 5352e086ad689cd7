// SPDX-License-Identifier: Apache-2.0
#pragma once
// Walks over everything below a folder, one entry at a time. Symbolic links are entries, never
// ways; a folder that cannot be read has no entries. Holds one descriptor for each level.

#include "base/base.h"

struct tree;

enum { TREE_DEPTH = 64 }; // levels of folders that are entered at most

struct tree_entry {
	const char *path; // below the walk's folder, without a leading '/'
	int folder; // descriptor of the folder that holds it
	const char *name; // within that folder
	unsigned char type; // DT_… of readdir(3)
};

// NULL with errno when `path` is no folder or cannot be read.
struct tree *tree_open(const struct root *root, const char *path);

// The same from the descriptor of a folder, which the tree closes.
struct tree *tree_take(int fd);

void tree_close(struct tree *tree);

// 1 with the next entry, which is borrowed until the next call, or 0 at the end. A folder comes
// before what it holds.
int tree_next(struct tree *tree, struct tree_entry *entry);

// Does not enter the folder that was given last.
void tree_pass(struct tree *tree);
