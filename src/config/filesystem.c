// SPDX-License-Identifier: Apache-2.0
// The configuration in a file and in the folder of fragments beside it, and packs in files. These
// are paths of this machine: the movable root is for the host that is asked.
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <string.h>

#include "config/config.h"
#include "config/document.h"

// Opening never waits: not for the writer of a FIFO, not for a device.
static char *read_file(const char *path, struct arena *arena, size_t *length)
{
	auto_close int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? NULL : fd_read(fd, DOCUMENT_RAW_BYTES, arena, length);
}

static const char *reason(int error)
{
	switch (error) {
	case EINVAL:
		return "it is no regular file";
	case EFBIG:
		return "it is too large";
	default:
		return strerror(error);
	}
}

static void warn(const struct config_reader *reader, const char *path, const char *why)
{
	auto_text struct text sentence = { 0 };

	text_printf(&sentence, "%s: %s", path, why);
	reader->warn(reader->context, sentence.bytes);
}

// ---- the file and its fragments ----

static int read_main(const char *path, const struct config_reader *reader, struct fault *why)
{
	struct arena arena = { 0 };
	size_t length;
	char *text = read_file(path, &arena, &length);
	int r = text ? 0 : -errno;

	if (text)
		reader->give(reader->context, path, text, length);
	else if (r == -ENOENT || r == -ENOTDIR || r == -EINVAL || r == -EISDIR)
		(void) fail(why, r, "config file does not exist: %s", path);
	else
		(void) fail(why, r, "%s: %s", path, reason(-r));
	arena_done(&arena);
	return r;
}

static int is_fragment(const struct dirent *entry)
{
	return text_ends(entry->d_name, ".conf");
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static void read_fragment(const char *path, const struct config_reader *reader)
{
	struct arena arena = { 0 };
	size_t length;
	char *text = read_file(path, &arena, &length);

	if (text)
		reader->give(reader->context, path, text, length);
	else
		warn(reader, path, reason(errno));
	arena_done(&arena);
}

static void read_fragments(const char *main_path, const struct config_reader *reader)
{
	auto_text struct text folder = { 0 };
	auto_text struct text path = { 0 };
	struct dirent **entries = NULL;
	int n;

	text_printf(&folder, "%s.d", main_path);
	n = scandir(folder.bytes, &entries, is_fragment, compare_names);
	if (n < 0 && errno != ENOENT && errno != ENOTDIR)
		warn(reader, folder.bytes, reason(errno));
	for (int i = 0; i < n; i++) {
		text_clear(&path);
		text_printf(&path, "%s/%s", folder.bytes, entries[i]->d_name);
		read_fragment(path.bytes, reader);
		free(entries[i]);
	}
	free(entries);
}

static int read_all(
	const struct flags *flags, const struct config_reader *reader, struct fault *why)
{
	const char *path = flags_string(flags, "config_path");
	int r = read_main(path, reader, why);

	if (r == 0)
		read_fragments(path, reader);
	return r;
}

// ---- packs ----

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

// Patterns are those of the shell; % is * as elsewhere in the configuration.
static int read_matches(const char *value, const struct config_reader *reader, struct fault *why)
{
	auto_free char *pattern = must_dup(value);
	glob_t found = { 0 };
	int r;

	for (char *at = pattern; (at = strchr(at, '%'));)
		*at = '*';
	r = glob(pattern, GLOB_NOSORT | GLOB_BRACE, NULL, &found);
	if (r != 0) {
		globfree(&found);
		return fail(why, -ENOENT, "%s: %s", value,
			r == GLOB_NOMATCH ? "there is no such file" : "it cannot be searched");
	}
	qsort(found.gl_pathv, found.gl_pathc, sizeof(*found.gl_pathv), compare_paths);
	for (size_t i = 0; i < found.gl_pathc; i++)
		read_fragment(found.gl_pathv[i], reader);
	globfree(&found);
	return 0;
}

static int read_packs(const struct flags *flags, const char *value,
	const struct config_reader *reader, struct fault *why)
{
	struct arena arena = { 0 };
	size_t length;
	char *text = read_file(value, &arena, &length);
	int r = text ? 0 : -errno;

	(void) flags;
	if (text)
		reader->give(reader->context, value, text, length);
	else if (r == -ENOENT && strpbrk(value, "*?[{%"))
		r = read_matches(value, reader, why);
	else
		(void) fail(why, r, "%s: %s", value, reason(-r));
	arena_done(&arena);
	return r;
}

const struct config_source config_source_filesystem = {
	.name = "filesystem",
	.about = "A file and the folder of fragments beside it.",
	.read = read_all,
	.read_packs = read_packs,
};
