// SPDX-License-Identifier: Apache-2.0
// Files that packages of dpkg brought, from the lists in its database: info/NAME.list, or
// info/NAME:ARCH.list where a package can be there for several architectures (dpkg(1)).
#include <string.h>

#include "host/folder.h"
#include "host/lines.h"
#include "sql/table.h"

enum { PACKAGE, PATH, ADMINDIR };

static const struct column columns[] = {
	[PACKAGE] = { "package", TEXT, "Name of the package.", INDEX | OPTIMIZED },
	[PATH] = { "path", TEXT, "A file or folder it brought.", INDEX },
	[ADMINDIR] = { "admindir", TEXT, "Folder of dpkg's database; /var/lib/dpkg by default.",
		ADDITIONAL | OPTIMIZED },
};

// What may stand behind the name: the architectures that Debian knows (dpkg-architecture(1)).
static const char *const architectures[] = { "", ":amd64", ":arm64", ":i386", ":armhf", ":armel",
	":ppc64el", ":riscv64", ":s390x", ":loong64", ":mips64el", ":mipsel", ":mips", ":x32",
	":ppc64", ":powerpc", ":alpha", ":hppa", ":ia64", ":m68k", ":sh4", ":sparc64", ":arc",
	":hurd-i386", ":hurd-amd64", ":kfreebsd-amd64", ":kfreebsd-i386" };

enum { N_ARCHITECTURES = sizeof(architectures) / sizeof(architectures[0]) };

struct state {
	const struct given *folders, *packages, *paths;
	size_t folder_at, package_at, architecture_at;
	const char *folder;
	DIR *info; // NULL when the query names the packages
	char name[256]; // the package whose list is read
	struct lines lines;
};

static bool open_list(struct scan *scan, struct state *state, const char *name)
{
	const char *path = arena_printf(scan_row_arena(scan), "%s/info/%s", state->folder, name);

	return lines_open(&state->lines, scan_root(scan), path) == 0;
}

static void set_name(struct state *state, const char *name, size_t length)
{
	(void) snprintf(state->name, sizeof(state->name), "%.*s", (int) length, name);
}

// Goes on to the next list of a named package. False when there is none left.
static bool next_named(struct scan *scan, struct state *state)
{
	while (state->package_at < state->packages->count) {
		const char *package = state->packages->values[state->package_at].text;
		const char *architecture = architectures[state->architecture_at++];

		if (state->architecture_at == N_ARCHITECTURES) {
			state->architecture_at = 0;
			state->package_at++;
		}
		// a name from the query must not lead out of the folder
		if (!*package || strchr(package, '/') || strlen(package) >= sizeof(state->name))
			continue;
		set_name(state, package, strlen(package));
		if (open_list(scan, state,
			    arena_printf(scan_row_arena(scan), "%s%s.list", package, architecture)))
			return true;
	}
	return false;
}

// Goes on to the next of all lists.
static bool next_of_all(struct scan *scan, struct state *state)
{
	const char *name;

	while (state->info && (name = folder_next(state->info))) {
		const char *colon = strchr(name, ':');

		if (!text_ends(name, ".list") || !open_list(scan, state, name))
			continue;
		set_name(state, name,
			colon ? (size_t) (colon - name) : strlen(name) - strlen(".list"));
		return true;
	}
	return false;
}

// Begins the next database: a folder that is not there is passed over.
static bool open_folder(struct scan *scan, struct state *state)
{
	size_t count = state->folders ? state->folders->count : 1;

	if (state->info)
		(void) closedir(state->info);
	state->info = NULL;
	if (state->folder_at == count)
		return false;
	state->folder = state->folders ? state->folders->values[state->folder_at].text
				       : "/var/lib/dpkg";
	state->folder_at++;
	state->package_at = state->architecture_at = 0;
	if (!state->packages)
		state->info = folder_open(
			scan_root(scan), arena_printf(scan_arena(scan), "%s/info", state->folder));
	return true;
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	state->folders = scan_given(scan, ADMINDIR);
	state->packages = scan_given(scan, PACKAGE);
	state->paths = scan_given(scan, PATH);
	(void) open_folder(scan, state);
	return 0;
}

static bool is_asked_for(const struct state *state)
{
	for (size_t i = 0; state->paths && i < state->paths->count; i++)
		if (strcmp(state->paths->values[i].text, state->lines.line) == 0)
			return true;
	return !state->paths;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	// who asks for one path passes over all lines of a list at once
	do {
		if (!lines_next(&state->lines)) {
			bool more = state->packages ? next_named(scan, state)
						    : next_of_all(scan, state);

			return more || open_folder(scan, state) ? SKIP : END;
		}
	} while (state->lines.length == 0 || !is_asked_for(state));
	scan_text(scan, PACKAGE, state->name);
	scan_bytes(scan, PATH, state->lines.line, state->lines.length);
	scan_text(scan, ADMINDIR, state->folder);
	return ROW;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	lines_close(&state->lines);
	if (state->info)
		(void) closedir(state->info);
}

const struct table table_deb_package_files = {
	.name = "deb_package_files",
	.about = "Files that the packages of dpkg brought.",
	COLUMNS(columns),
	EXAMPLES("SELECT path FROM deb_package_files WHERE package = 'dpkg'",
		"SELECT package FROM deb_package_files WHERE path = '/usr/bin/dpkg'"),
	.estimate = { .rows = 200000, .per_key = 200, .row = 1 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
