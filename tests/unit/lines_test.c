// SPDX-License-Identifier: Apache-2.0
#include "host/lines.h"

#include <errno.h>
#include <string.h>

#include "test.h"

static void write_file(const char *path, const char *bytes, size_t length)
{
	auto_fclose FILE *file = fopen(path, "we");

	CHECK(file && fwrite(bytes, 1, length, file) == length);
}

TEST(lines_of_any_kind_come_out_one_by_one)
{
	static const char content[] = "one\r\n\ntwo\0x\nlast";
	auto_lines struct lines lines = { 0 };
	struct root root;
	char path[] = "/tmp/lines_XXXXXX";

	CHECK(root_open(&root, "/", NULL) == 0);
	CHECK(!lines_next(&lines));
	(void) close(mkstemp(path));
	write_file(path, content, sizeof(content) - 1);
	CHECK(lines_open(&lines, &root, path) == 0);
	CHECK(lines_next(&lines) && lines.length == 3 && strcmp(lines.line, "one") == 0);
	CHECK(lines_next(&lines) && lines.length == 0);
	CHECK(lines_next(&lines) && lines.length == 5 && memcmp(lines.line, "two\0x", 6) == 0);
	CHECK(lines_next(&lines) && strcmp(lines.line, "last") == 0);
	CHECK(!lines_next(&lines));
	CHECK(!lines_next(&lines));
	(void) unlink(path);
	root_close(&root);
}

TEST(a_line_that_is_too_long_is_cut_and_the_next_is_whole)
{
	enum { LONG = 3 * LINES_LONGEST_BYTES + 17 };
	auto_free char *content = must_alloc(LONG + 6);
	auto_lines struct lines lines = { 0 };
	struct root root;
	char path[] = "/tmp/lines_XXXXXX";

	CHECK(root_open(&root, "/", NULL) == 0);
	memset(content, 'x', LONG);
	memcpy(content + LONG, "\nnext\n", 6);
	(void) close(mkstemp(path));
	write_file(path, content, LONG + 6);
	CHECK(lines_open(&lines, &root, path) == 0);
	CHECK(lines_next(&lines) && lines.length == LINES_LONGEST_BYTES);
	CHECK(lines_next(&lines) && strcmp(lines.line, "next") == 0);
	CHECK(!lines_next(&lines));
	write_file(path, content, LONG);
	CHECK(lines_open(&lines, &root, path) == 0);
	CHECK(lines_next(&lines) && lines.length == LINES_LONGEST_BYTES);
	CHECK(!lines_next(&lines));
	(void) unlink(path);
	root_close(&root);
}

TEST(what_is_no_regular_file_has_no_lines)
{
	auto_lines struct lines lines = { 0 };
	struct root root;

	CHECK(root_open(&root, "/", NULL) == 0);
	CHECK(lines_open(&lines, &root, "/tmp") == -EINVAL);
	CHECK(!lines_next(&lines));
	CHECK(lines_open(&lines, &root, "/nonexistent") == -ENOENT);
	CHECK(!lines_next(&lines));
	root_close(&root);
}
