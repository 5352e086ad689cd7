// SPDX-License-Identifier: Apache-2.0
// Packages of Python, from the metadata that installers leave in site-packages folders (PyPA "core
// metadata", PEP 376): *.dist-info/METADATA, *.egg-info/PKG-INFO, or *.egg-info as a file.
#include <string.h>

#include "host/folder.h"
#include "host/lines.h"
#include "tables/package/sites.h"
#include "tables/user/homes.h"

enum {
	NAME,
	UID,
	VERSION_TEXT,
	SUMMARY,
	AUTHOR,
	LICENSE,
	PATH,
	DIRECTORY,
	PID_WITH_NAMESPACE,
};

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the package." },
	[UID] = { "uid", BIGINT, "User in whose home it is; 0 for all users.", INDEX },
	[VERSION_TEXT] = { "version", TEXT, "Version.", VERSION },
	[SUMMARY] = { "summary", TEXT, "What it says it is for." },
	[AUTHOR] = { "author", TEXT, "Who wrote it." },
	[LICENSE] = { "license", TEXT, "License it is under." },
	[PATH] = { "path", TEXT, "Folder or file of its metadata." },
	[DIRECTORY] = { "directory", TEXT,
		"Folder that was searched; by default those of Python and of the tools that "
		"install versions of it.",
		INDEX | OPTIMIZED },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
};

static const char *const system_sites[] = { "/usr/local/lib/python%/dist-packages",
	"/usr/local/lib/python%/site-packages", "/usr/local/lib64/python%/site-packages",
	"/usr/lib/python%/dist-packages", "/usr/lib/python%/site-packages",
	"/usr/lib64/python%/site-packages", "/opt/homebrew/lib/python%/site-packages",
	"/opt/%conda%/lib/python%/site-packages", "/opt/%conda%/envs/%/lib/python%/site-packages",
	"/opt/miniforge%/lib/python%/site-packages", NULL };

static const char *const home_sites[] = { "/.local/lib/python%/site-packages",
	"/.pyenv/versions/%/lib/python%/site-packages",
	"/.asdf/installs/python/%/lib/python%/site-packages",
	"/.local/share/uv/python/%/lib/python%/site-packages",
	"/.local/share/uv/tools/%/lib/python%/site-packages",
	"/.local/share/mise/installs/python/%/lib/python%/site-packages",
	"/.local/pipx/venvs/%/lib/python%/site-packages",
	"/.local/share/pipx/venvs/%/lib/python%/site-packages",
	"/.cache/pypoetry/virtualenvs/%/lib/python%/site-packages",
	"/.local/share/virtualenvs/%/lib/python%/site-packages",
	"/.virtualenvs/%/lib/python%/site-packages", "/%conda%/lib/python%/site-packages",
	"/%conda%/envs/%/lib/python%/site-packages", "/miniforge%/lib/python%/site-packages",
	"/miniforge%/envs/%/lib/python%/site-packages", "/.conda/envs/%/lib/python%/site-packages",
	NULL };

enum phase { IN_HOMES, IN_DIRECTORIES, IN_SYSTEM };

struct state {
	enum phase phase;
	struct homes homes;
	const struct given *directories;
	size_t directory_at;
	struct set done; // positions of directories that are in a home
	struct sites sites;
	DIR *names; // in the current folder
	const char *directory;
	int64_t uid;
	struct lines lines;
};

// ---- one package ----

// The value of the header, or NULL if the line is another one.
static char *value_of(char *line, const char *header)
{
	size_t length = strlen(header);

	if (strncasecmp(line, header, length) != 0 || line[length] != ':')
		return NULL;
	return text_trim(line + length + 1);
}

// Reads headers up to the empty line. The first of a name counts. False when there is no name.
static bool give_headers(struct scan *scan, struct lines *lines)
{
	static const struct {
		const char *name;
		unsigned column;
	} headers[] = { { "Name", NAME }, { "Version", VERSION_TEXT }, { "Summary", SUMMARY },
		{ "Author", AUTHOR }, { "License", LICENSE } };
	unsigned seen = 0;

	while (lines_next(lines) && lines->length > 0) {
		for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
			char *value = value_of(lines->line, headers[i].name);

			if (!value || seen >> i & 1)
				continue;
			seen |= 1u << i;
			scan_text(scan, headers[i].column, value);
		}
	}
	return seen & 1;
}

static int give_package(struct scan *scan, struct state *state, const char *name)
{
	struct arena *arena = scan_row_arena(scan);
	const char *slash = text_ends(state->directory, "/") ? "" : "/";
	const char *path = arena_printf(arena, "%s%s%s", state->directory, slash, name);
	bool is_egg = text_ends(name, ".egg-info");
	int r;

	if (!is_egg && !text_ends(name, ".dist-info"))
		return SKIP;
	r = lines_open(&state->lines, scan_root(scan),
		arena_printf(arena, "%s/%s", path, is_egg ? "PKG-INFO" : "METADATA"));
	if (r < 0 && is_egg) // a file itself, as distutils wrote it
		r = lines_open(&state->lines, scan_root(scan), path);
	if (r < 0 || !give_headers(scan, &state->lines))
		return SKIP;
	scan_integer(scan, UID, state->uid);
	scan_text(scan, PATH, path);
	scan_text(scan, DIRECTORY, state->directory);
	return ROW;
}

// ---- folders ----

static bool is_asked_for(struct state *state, const char *directory)
{
	for (size_t i = 0; state->directories && i < state->directories->count; i++)
		if (strcmp(state->directories->values[i].text, directory) == 0)
			return set_add(&state->done, i);
	return !state->directories;
}

static int begin_folder(struct scan *scan, struct state *state, const char *path, int64_t uid)
{
	state->directory = path;
	state->uid = uid;
	state->names = folder_open(scan_root(scan), path);
	return SKIP;
}

// Goes on to the next folder in a home, and from one home to the next.
static int next_of_homes(struct scan *scan, struct state *state)
{
	while (sites_next(&state->sites, scan_root(scan)))
		if (is_asked_for(state, state->sites.path))
			return begin_folder(scan, state, state->sites.path, state->homes.uid);

	if (homes_next(&state->homes)) {
		// what is a wildcard in the path of a home cannot be written in a pattern
		if (!strpbrk(state->homes.home.bytes, "%*"))
			sites_find(&state->sites, scan_root(scan), state->homes.home.bytes,
				home_sites);
		return SKIP;
	}
	// the others are of all users
	if (!homes_want(&state->homes, 0))
		return END;
	state->phase = state->directories ? IN_DIRECTORIES : IN_SYSTEM;
	if (!state->directories)
		sites_find(&state->sites, scan_root(scan), "", system_sites);
	return SKIP;
}

static int next_of_directories(struct scan *scan, struct state *state)
{
	size_t i = state->directory_at++;

	if (i == state->directories->count)
		return END;
	if (!set_add(&state->done, i))
		return SKIP;
	return begin_folder(scan, state, state->directories->values[i].text, 0);
}

static int next_folder(struct scan *scan, struct state *state)
{
	switch (state->phase) {
	case IN_HOMES:
		return next_of_homes(scan, state);
	case IN_DIRECTORIES:
		return next_of_directories(scan, state);
	default:
		if (!sites_next(&state->sites, scan_root(scan)))
			return END;
		return begin_folder(scan, state, state->sites.path, 0);
	}
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	state->directories = scan_given(scan, DIRECTORY);
	homes_open(&state->homes, scan, UID);
	return 0;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	const char *name;

	(void) why;
	if (!state->names)
		return next_folder(scan, state);
	name = folder_next(state->names);
	if (name)
		return give_package(scan, state, name);
	(void) closedir(state->names);
	state->names = NULL;
	return SKIP;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	if (state->names)
		(void) closedir(state->names);
	lines_close(&state->lines);
	sites_close(&state->sites);
	set_done(&state->done);
	homes_close(&state->homes);
}

const struct table table_python_packages = {
	.name = "python_packages",
	.about = "Packages of Python.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, version, directory FROM python_packages",
		"SELECT username, name, version FROM users JOIN python_packages USING (uid)"),
	.attributes = USER_DATA,
	.estimate = { .rows = 200, .row = 10, .start = 500 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
