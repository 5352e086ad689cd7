// SPDX-License-Identifier: Apache-2.0
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/tree.h"
#include "test.h"

static char place[] = "/tmp/tree_test.XXXXXX";

static struct root make_root(void)
{
	struct root root;

	CHECK(mkdtemp(place));
	CHECK(root_open(&root, place, NULL) == 0);
	return root;
}

static void make_file(const struct root *root, const char *path)
{
	int fd = openat(root->fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	(void) close(fd);
}

// Removes folders that lie within each other, and then the root.
static void remove_chain(const struct root *root, const char *name, int depth)
{
	int fds[128];

	fds[0] = root->fd;
	for (int i = 0; i + 1 < depth; i++)
		fds[i + 1] = openat(fds[i], name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = depth; i-- > 0;)
		CHECK(unlinkat(fds[i], name, AT_REMOVEDIR) == 0);
	CHECK(rmdir(place) == 0);
}

TEST(a_folder_comes_before_what_it_holds)
{
	struct root root = make_root();
	struct tree_entry entry;
	struct tree *tree;

	CHECK(mkdirat(root.fd, "a", 0755) == 0);
	make_file(&root, "a/b");
	tree = tree_open(&root, "/");
	CHECK(tree && tree_next(tree, &entry) == 1);
	CHECK_TEXT(entry.path, "a");
	CHECK(entry.type == DT_DIR);
	CHECK(tree_next(tree, &entry) == 1);
	CHECK_TEXT(entry.path, "a/b");
	CHECK_TEXT(entry.name, "b");
	CHECK(entry.type == DT_REG && faccessat(entry.folder, "b", F_OK, 0) == 0);
	CHECK(tree_next(tree, &entry) == 0);
	CHECK(tree_next(tree, &entry) == 0);
	tree_close(tree);
	CHECK(unlinkat(root.fd, "a/b", 0) == 0);
	remove_chain(&root, "a", 1);
}

TEST(a_folder_that_is_passed_is_not_entered)
{
	struct root root = make_root();
	struct tree_entry entry;
	struct tree *tree;

	CHECK(mkdirat(root.fd, "a", 0755) == 0 && mkdirat(root.fd, "a/a", 0755) == 0);
	tree = tree_open(&root, "");
	CHECK(tree && tree_next(tree, &entry) == 1);
	tree_pass(tree);
	CHECK(tree_next(tree, &entry) == 0);
	tree_close(tree);
	remove_chain(&root, "a", 2);
}

TEST(links_are_entries_and_no_ways)
{
	struct root root = make_root();
	struct tree_entry entry;
	struct tree *tree;

	CHECK(symlinkat(".", root.fd, "loop") == 0);
	tree = tree_open(&root, "/");
	CHECK(tree && tree_next(tree, &entry) == 1);
	CHECK(entry.type == DT_LNK);
	CHECK(tree_next(tree, &entry) == 0);
	tree_close(tree);
	CHECK(unlinkat(root.fd, "loop", 0) == 0 && rmdir(place) == 0);
}

TEST(the_depth_has_a_limit)
{
	enum { DEPTH = TREE_DEPTH + 6 };
	struct root root = make_root();
	struct tree_entry entry;
	struct tree *tree;
	int fd = dup(root.fd), n = 0;

	fd = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < DEPTH; i++) {
		CHECK(mkdirat(fd, "d", 0755) == 0);
		fd = openat(fd, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		CHECK(fd >= 0);
	}
	tree = tree_open(&root, "/");
	while (tree_next(tree, &entry))
		n++;
	CHECK(n == TREE_DEPTH);
	tree_close(tree);
	remove_chain(&root, "d", DEPTH);
}

TEST(what_is_no_folder_cannot_be_walked)
{
	struct root root = make_root();

	make_file(&root, "file");
	CHECK(!tree_open(&root, "file") && errno == ENOTDIR);
	CHECK(!tree_open(&root, "none") && errno == ENOENT);
	tree_close(NULL);
	CHECK(unlinkat(root.fd, "file", 0) == 0 && rmdir(place) == 0);
}
