// SPDX-License-Identifier: Apache-2.0
// The walk goes depth first with one open folder for each level. Parts that are written out are
// looked up, not searched; a part with a wildcard reads its folder.
#include "host/pattern.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "host/folder.h"
#include "host/tree.h"

enum { PARTS = 128 };

struct part {
	const char *text;
	bool wild, deep; // has a wildcard; is %% at the end
};

struct level {
	DIR *folder;
	size_t path_length; // of the folder, with its '/'
	unsigned part; // that its names have to match
};

struct pattern {
	const struct root *root;
	const char *wildcards;
	bool open_end; // ends in a wildcard or '/': folders are shown with a '/'
	bool folders_only; // ends in '/'
	struct arena arena;
	struct part parts[PARTS];
	unsigned n_parts;
	struct level levels[PARTS];
	unsigned n_levels;
	struct text path; // of the current match
	struct tree *tree; // what is below the folder that the pattern's %% is about, or NULL
	size_t tree_length; // of that folder's path
	bool started;
	int single; // folder of a match that no level holds, or -1
	char single_name[NAME_MAX + 1];
};

static bool is_wildcard(const struct pattern *pattern, char character)
{
	return character && strchr(pattern->wildcards, character);
}

// Any number of wildcards in a row are one.
static bool part_matches(const struct pattern *pattern, const char *part, const char *name)
{
	const char *star = NULL, *retry = NULL;

	while (*name) {
		if (is_wildcard(pattern, *part)) {
			star = ++part;
			retry = name;
		} else if (*part == *name) {
			part++;
			name++;
		} else if (star) {
			part = star;
			name = ++retry;
		} else {
			return false;
		}
	}
	return part[strspn(part, pattern->wildcards)] == '\0';
}

static bool split_parts(struct pattern *pattern, const char *text)
{
	size_t length = strlen(text);
	char *rest = arena_copy(&pattern->arena, text, length);
	struct part *part = NULL;
	char *word;

	if (*text != '/' || strstr(text, "//"))
		return false;
	pattern->folders_only = length > 1 && text[length - 1] == '/';
	pattern->open_end = pattern->folders_only || is_wildcard(pattern, text[length - 1]);
	while ((word = text_word(&rest, "/"))) {
		if (pattern->n_parts == PARTS)
			return false;
		part = &pattern->parts[pattern->n_parts++];
		*part = (struct part){ .text = word, .wild = strpbrk(word, pattern->wildcards) };
	}
	if (part)
		part->deep = strlen(part->text) == 2 && strspn(part->text, pattern->wildcards) == 2;
	return true;
}

struct pattern *pattern_open(const struct root *root, const char *text, const char *wildcards)
{
	struct pattern *pattern = must_alloc(sizeof(*pattern));

	memset(pattern, 0, sizeof(*pattern));
	pattern->root = root;
	pattern->wildcards = wildcards;
	pattern->single = -1;
	pattern->started = !split_parts(pattern, text);
	return pattern;
}

static void drop_single(struct pattern *pattern)
{
	if (pattern->single >= 0)
		(void) close(pattern->single);
	pattern->single = -1;
}

void pattern_close(struct pattern *pattern)
{
	if (!pattern)
		return;
	while (pattern->n_levels > 0)
		(void) closedir(pattern->levels[--pattern->n_levels].folder);
	tree_close(pattern->tree);
	drop_single(pattern);
	text_done(&pattern->path);
	arena_done(&pattern->arena);
	free(pattern);
}

static void cut_path(struct pattern *pattern, size_t length)
{
	pattern->path.length = length;
	pattern->path.bytes[length] = '\0';
}

static void set_match(const struct pattern *pattern, int folder, const char *name,
	unsigned char type, struct match *match)
{
	*match = (struct match){ .path = pattern->path.bytes,
		.length = pattern->path.length,
		.folder = folder,
		.name = name,
		.type = type };
}

// The path is written out to its end: looks it up.
static int find_single(struct pattern *pattern, struct match *match)
{
	size_t folder = (size_t) (strrchr(pattern->path.bytes, '/') - pattern->path.bytes);
	const char *name = pattern->path.bytes + folder + 1;
	unsigned char type;

	// "/a/b": the folder is "/a"; "/" itself is "." of "/"
	(void) snprintf(
		pattern->single_name, sizeof(pattern->single_name), "%s", *name ? name : ".");
	pattern->path.bytes[folder] = '\0';
	pattern->single = root_openat(pattern->root, pattern->path.bytes, O_PATH | O_DIRECTORY);
	pattern->path.bytes[folder] = '/';
	if (pattern->single < 0 ||
		faccessat(pattern->single, pattern->single_name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	type = folder_type(pattern->single, pattern->single_name);
	if (pattern->folders_only && type != DT_DIR)
		return 0;
	if (pattern->folders_only)
		text_add_char(&pattern->path, '/');
	set_match(pattern, pattern->single, pattern->single_name, type, match);
	return 1;
}

static void push_level(struct pattern *pattern, int fd, unsigned part)
{
	DIR *folder = fdopendir(fd);

	if (!folder) {
		(void) close(fd);
		return;
	}
	pattern->levels[pattern->n_levels++] = (struct level){
		.folder = folder, .path_length = pattern->path.length, .part = part
	};
}

// Goes on from the folder whose path stands in `path`, with a '/' at its end, and whose descriptor
// is `above` (or -1 for the root): through the parts that are written out, to a folder whose names
// have to be read, or to the one path that is meant. 1 with a match.
static int descend(
	struct pattern *pattern, int above, const char *name, unsigned part, struct match *match)
{
	bool direct = above >= 0;
	int fd = -1;

	for (; part < pattern->n_parts && !pattern->parts[part].wild; part++) {
		direct = false;
		text_add_string(&pattern->path, pattern->parts[part].text);
		if (part + 1 < pattern->n_parts)
			text_add_char(&pattern->path, '/');
	}
	if (part == pattern->n_parts)
		return find_single(pattern, match);
	if (direct)
		fd = openat(above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (!direct || (fd < 0 && (errno == ENOTDIR || errno == ELOOP))) // a link, below the root
		fd = root_openat(pattern->root, pattern->path.bytes, O_RDONLY | O_DIRECTORY);
	if (fd >= 0 && pattern->parts[part].deep) {
		pattern->tree = tree_take(fd);
		pattern->tree_length = pattern->path.length;
	} else if (fd >= 0) {
		push_level(pattern, fd, part);
	}
	return 0;
}

// The whole path stands there. 1 if it is a match.
static int give(struct pattern *pattern, int folder, const char *name, unsigned char type,
	struct match *match)
{
	if (pattern->folders_only && type != DT_DIR)
		return 0;
	if (type == DT_DIR && pattern->open_end)
		text_add_char(&pattern->path, '/');
	set_match(pattern, folder, name, type, match);
	return 1;
}

// A name of the top folder. 1 with a match.
static int take_name(struct pattern *pattern, const struct level *level, struct dirent *entry,
	struct match *match)
{
	const struct part *part = &pattern->parts[level->part];
	unsigned char type = entry->d_type;

	if (!part_matches(pattern, part->text, entry->d_name))
		return 0;
	cut_path(pattern, level->path_length);
	text_add_string(&pattern->path, entry->d_name);
	if (type == DT_UNKNOWN)
		type = folder_type(dirfd(level->folder), entry->d_name);

	if (level->part + 1 < pattern->n_parts) {
		if (type != DT_DIR && type != DT_LNK)
			return 0;
		text_add_char(&pattern->path, '/');
		return descend(
			pattern, dirfd(level->folder), entry->d_name, level->part + 1, match);
	}
	return give(pattern, dirfd(level->folder), entry->d_name, type, match);
}

// What is below a folder all matches. 1 with the next match.
static int next_of_tree(struct pattern *pattern, struct match *match)
{
	struct tree_entry entry;

	while (tree_next(pattern->tree, &entry)) {
		cut_path(pattern, pattern->tree_length);
		text_add_string(&pattern->path, entry.path);
		if (give(pattern, entry.folder, entry.name, entry.type, match))
			return 1;
	}
	tree_close(pattern->tree);
	pattern->tree = NULL;
	return 0;
}

int pattern_next(struct pattern *pattern, struct match *match)
{
	drop_single(pattern);
	if (!pattern->started) {
		pattern->started = true;
		text_add_char(&pattern->path, '/');
		if (descend(pattern, -1, NULL, 0, match))
			return 1;
	}
	for (;;) {
		struct level *level;
		struct dirent *entry;

		if (pattern->tree && next_of_tree(pattern, match))
			return 1;
		if (pattern->n_levels == 0)
			return 0;
		level = &pattern->levels[pattern->n_levels - 1];
		entry = folder_entry(level->folder);
		if (!entry) {
			(void) closedir(level->folder);
			pattern->n_levels--;
		} else if (take_name(pattern, level, entry, match)) {
			return 1;
		}
	}
}

void pattern_of_glob(const char *glob, struct text *pattern)
{
	size_t plain = strcspn(glob, "*?[");
	size_t folder = plain;

	text_clear(pattern);
	if (glob[plain] == '\0') {
		text_add_string(pattern, glob);
		return;
	}
	while (folder > 0 && glob[folder - 1] != '/')
		folder--;
	text_add(pattern, glob, folder);
	text_add_string(pattern, "%%");
}
