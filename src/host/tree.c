// SPDX-License-Identifier: Apache-2.0
#include "host/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/folder.h"

struct level {
	DIR *folder;
	size_t path_length; // of the folder itself
};

struct tree {
	struct level levels[TREE_DEPTH];
	size_t depth; // levels in use
	struct text path; // of the last entry
	size_t name_at; // where its name begins
	bool enter; // the last entry is a folder to be entered
};

static int push(struct tree *tree, int taken)
{
	auto_close int fd = taken;
	DIR *folder;

	if (fd < 0)
		return -errno;
	folder = fdopendir(fd);
	if (!folder)
		return -errno;
	(void) take_fd(&fd); // the folder closes it
	tree->levels[tree->depth++] = (struct level){ folder, tree->path.length };
	return 0;
}

static void pop(struct tree *tree)
{
	(void) closedir(tree->levels[--tree->depth].folder);
}

struct tree *tree_take(int fd)
{
	struct tree *tree = must_alloc(sizeof(*tree));
	int r;

	*tree = (struct tree){ 0 };
	r = push(tree, fd);
	if (r == 0)
		return tree;
	tree_close(tree);
	errno = -r;
	return NULL;
}

struct tree *tree_open(const struct root *root, const char *path)
{
	return tree_take(root_openat(root, path, O_RDONLY | O_DIRECTORY | O_NONBLOCK));
}

void tree_close(struct tree *tree)
{
	if (!tree)
		return;
	while (tree->depth)
		pop(tree);
	text_done(&tree->path);
	free(tree);
}

void tree_pass(struct tree *tree)
{
	tree->enter = false;
}

static void enter(struct tree *tree)
{
	const struct level *level = &tree->levels[tree->depth - 1];

	tree->enter = false;
	if (tree->depth < TREE_DEPTH)
		(void) push(tree,
			openat(dirfd(level->folder), tree->path.bytes + tree->name_at,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
}

static void give(struct tree *tree, const struct dirent *found, struct tree_entry *entry)
{
	const struct level *level = &tree->levels[tree->depth - 1];

	tree->path.length = level->path_length;
	if (tree->path.length)
		text_add_char(&tree->path, '/');
	tree->name_at = tree->path.length;
	text_add_string(&tree->path, found->d_name);

	entry->path = tree->path.bytes;
	entry->folder = dirfd(level->folder);
	entry->name = tree->path.bytes + tree->name_at;
	entry->type = found->d_type;
	if (entry->type == DT_UNKNOWN)
		entry->type = folder_type(entry->folder, found->d_name);
	tree->enter = entry->type == DT_DIR;
}

int tree_next(struct tree *tree, struct tree_entry *entry)
{
	if (tree->enter)
		enter(tree);
	while (tree->depth) {
		const struct dirent *found = folder_entry(tree->levels[tree->depth - 1].folder);

		if (!found) {
			pop(tree);
		} else {
			give(tree, found, entry);
			return 1;
		}
	}
	return 0;
}
