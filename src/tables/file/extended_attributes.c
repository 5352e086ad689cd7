// SPDX-License-Identifier: Apache-2.0
// Extended attributes of files (xattr(7)).
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <string.h>
#include <sys/xattr.h>

#include "sql/table.h"
#include "tables/file/capability.h"
#include "tables/file/paths.h"

enum { PATH, DIRECTORY, KEY, VALUE, BASE64 };

static const struct column columns[] = {
	[PATH] = { "path", TEXT, "Path of the file.", OPTIMIZED | REQUIRED },
	[DIRECTORY] = { "directory", TEXT, "Folder that holds it.", OPTIMIZED | REQUIRED },
	[KEY] = { "key", TEXT, "Name of the attribute." },
	[VALUE] = { "value", TEXT, "Its value: text if it is that, else Base64." },
	[BASE64] = { "base64", INTEGER, "1 if the value is in Base64, else 0." },
};

static const char capability_key[] = "security.capability";

struct state {
	struct paths paths;

	// the current file
	struct arena arena;
	int fd; // O_PATH; 0 when there is none
	char handle[64]; // a path that leads to it, whatever happens to its name
	char *names; // NUL-terminated, one behind the other
	size_t names_bytes, name_at;
	bool capability_first; // it comes first, and then not again
};

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	paths_open(&state->paths, scan, PATH, DIRECTORY);
	return 0;
}

static void close_file(struct state *state)
{
	if (state->fd > 0)
		(void) close(state->fd);
	state->fd = 0;
	state->names_bytes = state->name_at = 0;
	arena_reset(&state->arena);
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	close_file(state);
	paths_close(&state->paths);
	arena_done(&state->arena);
}

// Links are followed; one that leads nowhere has attributes of its own.
static int open_file(const struct root *root, const struct paths *paths)
{
	int fd = root->moved ? root_openat(root, paths->path.bytes, O_PATH)
			     : openat(paths->parent, paths->name, O_PATH | O_CLOEXEC);

	return fd >= 0 ? fd : openat(paths->parent, paths->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static void list_names(struct state *state)
{
	ssize_t length = listxattr(state->handle, NULL, 0);

	if (length <= 0) // most files have none
		return;
	state->names = arena_alloc(&state->arena, XATTR_LIST_MAX + 1);
	length = listxattr(state->handle, state->names, XATTR_LIST_MAX);
	state->names_bytes = length < 0 ? 0 : (size_t) length;
	state->names[state->names_bytes] = '\0';
	for (size_t at = 0; at < state->names_bytes; at += strlen(state->names + at) + 1)
		if (strcmp(state->names + at, capability_key) == 0)
			state->capability_first = true;
}

static int next_file(struct scan *scan, struct state *state)
{
	close_file(state);
	if (!paths_next(&state->paths))
		return END;
	state->fd = open_file(scan_root(scan), &state->paths);
	if (state->fd < 0) {
		state->fd = 0;
		return SKIP;
	}
	(void) snprintf(state->handle, sizeof(state->handle), "/proc/self/fd/%d", state->fd);
	list_names(state);
	return SKIP;
}

// ---- values ----

static bool is_printable(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return true;
}

static void give_base64(struct scan *scan, const unsigned char *bytes, size_t length)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	char *text = arena_alloc(scan_row_arena(scan), (length + 2) / 3 * 4), *to = text;

	for (size_t i = 0; i < length; i += 3) {
		size_t n = length - i < 3 ? length - i : 3;
		unsigned group = (unsigned) bytes[i] << 16 | (n > 1 ? bytes[i + 1] << 8 : 0) |
			(n > 2 ? bytes[i + 2] : 0);

		*to++ = digits[group >> 18];
		*to++ = digits[group >> 12 & 63];
		*to++ = n > 1 ? digits[group >> 6 & 63] : '=';
		*to++ = n > 2 ? digits[group & 63] : '=';
	}
	scan_bytes(scan, VALUE, text, (size_t) (to - text));
}

static void give_value(struct scan *scan, const char *key, const char *value, size_t length)
{
	auto_text struct text capabilities = { 0 };

	scan_integer(scan, BASE64, 0);
	if (strcmp(key, capability_key) == 0 && capability_decode(value, length, &capabilities)) {
		scan_bytes(scan, VALUE, capabilities.bytes, capabilities.length);
	} else if (length > 0 && value[length - 1] == '\0' && is_printable(value, length - 1)) {
		scan_bytes(scan, VALUE, value, length - 1);
	} else {
		scan_integer(scan, BASE64, 1);
		give_base64(scan, (const unsigned char *) value, length);
	}
}

// ---- rows ----

static int give_attribute(struct scan *scan, const struct state *state, const char *key)
{
	enum { GUESS_BYTES = 1024 };
	struct arena *arena = scan_row_arena(scan);
	char *value;
	ssize_t length;

	paths_give(&state->paths, PATH, DIRECTORY, -1);
	scan_text(scan, KEY, key);
	if (!scan_wants(scan, VALUE) && !scan_wants(scan, BASE64))
		return ROW;
	value = arena_alloc(arena, GUESS_BYTES);
	length = getxattr(state->handle, key, value, GUESS_BYTES);
	if (length < 0 && errno == ERANGE) {
		value = arena_alloc(arena, XATTR_SIZE_MAX);
		length = getxattr(state->handle, key, value, XATTR_SIZE_MAX);
	}
	if (length < 0 && errno == ENODATA)
		return SKIP; // it is gone
	if (length >= 0)
		give_value(scan, key, value, (size_t) length);
	return ROW;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	const char *key;

	(void) why; // a file that is gone is no row
	if (state->capability_first) {
		state->capability_first = false;
		return give_attribute(scan, state, capability_key);
	}
	if (state->name_at >= state->names_bytes)
		return next_file(scan, state);
	key = state->names + state->name_at;
	state->name_at += strlen(key) + 1;
	if (strcmp(key, capability_key) == 0)
		return SKIP; // it came first
	return give_attribute(scan, state, key);
}

const struct table table_extended_attributes = {
	.name = "extended_attributes",
	.about = "Extended attributes of files.",
	COLUMNS(columns),
	EXAMPLES("SELECT path, value FROM extended_attributes WHERE path LIKE '/usr/bin/%' AND key "
		 "= "
		 "'security.capability'"),
	.estimate = { .rows = 1000, .start = 10, .row = 20 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
