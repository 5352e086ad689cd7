// SPDX-License-Identifier: Apache-2.0
// Packages of npm, from the package.json files in node_modules folders (package.json(5) and
// folders(5) of npm), also in those within packages.
#include <stdlib.h>
#include <string.h>

#include "base/module.h"
#include "host/folder.h"
#include "modules/json/json.h"
#include "tables/package/sites.h"

enum {
	NAME,
	VERSION_TEXT,
	DESCRIPTION,
	AUTHOR,
	LICENSE,
	HOMEPAGE,
	PATH,
	DIRECTORY,
	DEPTH,
	MAX_DEPTH,
	PID_WITH_NAMESPACE,
	MOUNT_NAMESPACE_ID,
};

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the package, with its scope." },
	[VERSION_TEXT] = { "version", TEXT, "Version.", VERSION },
	[DESCRIPTION] = { "description", TEXT, "What it says it is for." },
	[AUTHOR] = { "author", TEXT, "Who wrote it." },
	[LICENSE] = { "license", TEXT, "License, or where it can be read." },
	[HOMEPAGE] = { "homepage", TEXT, "Page of the project." },
	[PATH] = { "path", TEXT, "Its package.json." },
	[DIRECTORY] = { "directory", TEXT,
		"Folder whose node_modules the search began in; by default those where npm and "
		"managers of Node versions install for all projects.",
		INDEX | OPTIMIZED },
	[DEPTH] = { "depth", INTEGER, "Packages that it is nested in." },
	[MAX_DEPTH] = { "max_depth", INTEGER,
		"How deeply nested packages are looked for, 100 by default, -1 for any depth.",
		ADDITIONAL | HIDDEN },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
	[MOUNT_NAMESPACE_ID] = NAMESPACE_MOUNT,
};

enum { MAX_DEPTH_DEFAULT = 100 };

static const char *const patterns[] = { "/usr/local/lib", "/usr/lib", "/opt/homebrew/lib",
	"/opt/node%/lib", "/usr/local/nvm/versions/node/%/lib", "/%/.nvm/versions/node/%/lib",
	"/%/.asdf/installs/nodejs/%/lib", "/%/.fnm/node-versions/%/installation/lib",
	"/%/.local/share/fnm/node-versions/%/installation/lib",
	"/%/.local/share/mise/installs/node/%/lib", "/%/.nodenv/versions/%/lib",
	"/%/.volta/tools/image/node/%/lib", "/%/.volta/tools/image/packages/%/lib",
	"/%/.npm-global/lib", "/home/%/.nvm/versions/node/%/lib",
	"/home/%/.asdf/installs/nodejs/%/lib", "/home/%/.fnm/node-versions/%/installation/lib",
	"/home/%/.local/share/fnm/node-versions/%/installation/lib",
	"/home/%/.local/share/mise/installs/node/%/lib", "/home/%/.nodenv/versions/%/lib",
	"/home/%/.volta/tools/image/node/%/lib", "/home/%/.volta/tools/image/packages/%/lib",
	"/home/%/.npm-global/lib", NULL };

// A folder of packages: node_modules, or a scope within one.
struct folder {
	char *path;
	int64_t depth;
	bool is_scope;
};

struct state {
	const struct given *directories;
	size_t directory_at;
	struct sites sites;
	const char *site; // where this search began
	int64_t max_depth;

	struct folder *pending; // still to be read
	size_t n_pending, room;
	struct folder folder; // the one that is read
	DIR *names; // in it
	struct set seen; // folders read in this search, as links may lead in a circle
	const struct json_library *json;
};

// ---- package.json ----

static void give_member(struct scan *scan, const struct json_library *json,
	const struct json_value *object, const char *name, const char *inner, unsigned column)
{
	const struct json_value *value = json->member(object, name);
	size_t length;
	const char *text;

	if (inner && !json->text(value, &length))
		value = json->member(value, inner);
	text = json->text(value, &length);
	if (text)
		scan_bytes(scan, column, text, length);
}

// Gives what the file says. False when it is not there or is no object.
static bool give_manifest(struct scan *scan, struct state *state, const char *path)
{
	static const char mark[] = "\xef\xbb\xbf"; // which editors may leave before UTF-8
	const struct json_library *json = state->json;
	struct json_mistake mistake;
	size_t length;
	char *text = root_read(scan_root(scan), path, (size_t) scan_flag(scan, "read_max"),
		scan_row_arena(scan), &length);
	struct json_value *value;
	bool is_object;

	if (!text)
		return false;
	if (text_starts(text, mark)) {
		text += strlen(mark);
		length -= strlen(mark);
	}
	value = json->parse(text, length, 0, &mistake);
	if (!value)
		return false;
	is_object = json->is_object(value);
	give_member(scan, json, value, "name", NULL, NAME);
	give_member(scan, json, value, "version", NULL, VERSION_TEXT);
	give_member(scan, json, value, "description", NULL, DESCRIPTION);
	give_member(scan, json, value, "author", "name", AUTHOR);
	give_member(scan, json, value, "license", "url", LICENSE);
	give_member(scan, json, value, "homepage", NULL, HOMEPAGE);
	json->free(value);
	return is_object;
}

// ---- folders ----

static void push(struct state *state, char *path, int64_t depth, bool is_scope)
{
	if (state->n_pending == state->room) {
		state->room = state->room ? 2 * state->room : 16;
		state->pending = must_resize(state->pending, state->room * sizeof(*state->pending));
	}
	state->pending[state->n_pending++] = (struct folder){ path, depth, is_scope };
}

static char *path_of(const char *folder, const char *name)
{
	struct text path = { 0 };

	text_printf(&path, "%s%s%s", folder, text_ends(folder, "/") ? "" : "/", name);
	return path.bytes;
}

static void close_folder(struct state *state)
{
	if (state->names)
		(void) closedir(state->names);
	free(state->folder.path);
	state->names = NULL;
	state->folder.path = NULL;
}

static void open_folder(struct scan *scan, struct state *state)
{
	struct stat status;

	state->folder = state->pending[--state->n_pending];
	state->names = folder_open(scan_root(scan), state->folder.path);
	if (!state->names || fstat(dirfd(state->names), &status) < 0 ||
		!set_add(&state->seen, (status.st_dev * 0x9e3779b97f4a7c15 ^ status.st_ino) >> 1))
		close_folder(state);
}

// Begins the search in the next folder that the query names, or that is usual.
static bool next_site(struct scan *scan, struct state *state)
{
	if (state->directories) {
		if (state->directory_at == state->directories->count)
			return false;
		state->site = state->directories->values[state->directory_at++].text;
	} else {
		if (!sites_next(&state->sites, scan_root(scan)))
			return false;
		state->site = state->sites.path;
	}
	set_done(&state->seen);
	state->seen = (struct set){ 0 };
	push(state, path_of(state->site, "node_modules"), 0, false);
	return true;
}

static int give_package(struct scan *scan, struct state *state, const char *name)
{
	struct arena *arena = scan_row_arena(scan);
	const char *path = arena_printf(arena, "%s/%s/package.json", state->folder.path, name);
	const char *nested = arena_printf(arena, "%s/%s/node_modules", state->folder.path, name);
	struct stat status;

	if ((state->max_depth < 0 || state->folder.depth < state->max_depth) &&
		root_stat(scan_root(scan), nested, &status, 0) == 0 && S_ISDIR(status.st_mode))
		push(state, must_dup(nested), state->folder.depth + 1, false);
	if (!give_manifest(scan, state, path))
		return SKIP;
	scan_text(scan, PATH, path);
	scan_text(scan, DIRECTORY, state->site);
	scan_integer(scan, DEPTH, state->folder.depth);
	scan_integer(scan, MAX_DEPTH, state->max_depth);
	return ROW;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	const char *name;

	(void) why;
	if (!state->names) {
		if (state->n_pending > 0)
			open_folder(scan, state);
		else if (!next_site(scan, state))
			return END;
		return SKIP;
	}
	name = folder_next(state->names);
	if (!name) {
		close_folder(state);
		return SKIP;
	}
	if (*name == '.')
		return SKIP;
	if (*name == '@' && !state->folder.is_scope) {
		push(state, path_of(state->folder.path, name), state->folder.depth, true);
		return SKIP;
	}
	return give_package(scan, state, name);
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	const struct given *depths = scan_given(scan, MAX_DEPTH);

	state->directories = scan_given(scan, DIRECTORY);
	state->max_depth = depths && depths->count ? depths->values[0].integer : MAX_DEPTH_DEFAULT;
	if (!state->directories)
		sites_find(&state->sites, scan_root(scan), "", patterns);
	state->json = module_open("json", why);
	return state->json ? 0 : why->code;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	close_folder(state);
	while (state->n_pending > 0)
		free(state->pending[--state->n_pending].path);
	free(state->pending);
	set_done(&state->seen);
	sites_close(&state->sites);
}

const struct table table_npm_packages = {
	.name = "npm_packages",
	.about = "Packages of npm.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, version, path FROM npm_packages WHERE depth = 0",
		"SELECT name, version FROM npm_packages WHERE directory = '/srv/app' AND max_depth "
		"= 0"),
	.estimate = { .rows = 500, .row = 30, .start = 500 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
