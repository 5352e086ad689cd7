// SPDX-License-Identifier: Apache-2.0
// What is started without anybody asking: programs of a desktop session (the XDG autostart
// specification), scripts in /etc/init.d, and units of systemd, which it names over D-Bus.
#include <string.h>

#include "base/set.h"
#include "host/accounts.h"
#include "host/folder.h"
#include "host/lines.h"
#include "host/units.h"
#include "sql/table.h"

enum { NAME, PATH, ARGS, TYPE, SOURCE, STATUS, USERNAME };

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the program, script or unit." },
	[PATH] = { "path", TEXT, "Its file; of a desktop program the command." },
	[ARGS] = { "args", TEXT, "Not filled on Linux." },
	[TYPE] = { "type", TEXT, "Startup Item or systemd unit." },
	[SOURCE] = { "source", TEXT, "Folder it is in, or file that a unit was made from." },
	[STATUS] = { "status", TEXT,
		"enabled, or the state of a unit: active, inactive, failed, …." },
	[USERNAME] = { "username", TEXT, "User whose item it is or as whom the unit runs." },
};

// ---- files ----

static bool give(struct scan *scan, const char *name, const char *path, const char *source,
	const char *username)
{
	bool more = scan_row(scan);

	scan_text(scan, NAME, name);
	scan_text(scan, PATH, path);
	scan_text(scan, TYPE, "Startup Item");
	scan_text(scan, SOURCE, source);
	scan_text(scan, STATUS, "enabled");
	scan_text(scan, USERNAME, username);
	return more;
}

static char *value_of(struct scan *scan, char *line, const char *key)
{
	char *equals = strchr(line, '=');
	const char *value;
	size_t length = strlen(key);

	if (!equals || strncmp(line, key, length) != 0 ||
		line + length + strspn(line + length, " \t") != equals)
		return NULL;
	value = text_trim(equals + 1);
	return arena_copy(scan_arena(scan), value, strlen(value));
}

// Gives what the group [Desktop Entry] says; others are about further actions of the program.
static bool give_desktop(
	struct scan *scan, const char *path, const char *source, const char *username)
{
	auto_lines struct lines lines = { 0 };
	const char *name = NULL, *command = NULL;
	bool in_entry = false;

	if (!text_ends(path, ".desktop") || lines_open(&lines, scan_root(scan), path) < 0)
		return true;
	while (lines_next(&lines)) {
		if (lines.line[0] == '[')
			in_entry = strcmp(text_trim(lines.line), "[Desktop Entry]") == 0;
		if (!in_entry)
			continue;
		if (!name)
			name = value_of(scan, lines.line, "Name");
		if (!command)
			command = value_of(scan, lines.line, "Exec");
	}
	return !(name || command) || give(scan, name, command, source, username);
}

static bool is_file(struct scan *scan, const char *path)
{
	struct stat status;

	return root_stat(scan_root(scan), path, &status, 0) == 0 && S_ISREG(status.st_mode);
}

// Gives the files of a folder, whose path ends in '/'.
static bool give_folder(
	struct scan *scan, const char *folder, bool are_desktop, const char *username)
{
	struct arena *arena = scan_arena(scan);
	const char *const *names = folder_names(scan_root(scan), folder, arena);
	bool more = true;

	for (; more && *names && !scan_cancelled(scan); names++) {
		const char *path = arena_printf(arena, "%s%s", folder, *names);

		if (are_desktop)
			more = give_desktop(scan, path, folder, username);
		else if (is_file(scan, path))
			more = give(scan, *names, path, folder, username);
	}
	return more;
}

// Several users may share a home, which counts for the first of them.
static bool is_new(struct scan *scan, struct set *seen, const char *folder)
{
	struct stat status;

	return root_stat(scan_root(scan), folder, &status, 0) == 0 &&
		set_add(seen, (status.st_dev * 0x9e3779b97f4a7c15 ^ status.st_ino) >> 1);
}

static bool give_homes(struct scan *scan)
{
	struct accounts *accounts = accounts_open(scan_host(scan));
	struct set seen = { 0 };
	bool more = true;
	size_t n;
	const struct user_entry *users = accounts_users(accounts, &n);

	for (size_t i = 0; i < n && more && !scan_cancelled(scan); i++) {
		static const char *const folders[] = { ".config/autostart/",
			".config/autostart-scripts/" };

		for (size_t j = 0; more && j < 2; j++) {
			const char *slash = text_ends(users[i].home, "/") ? "" : "/";
			const char *folder = arena_printf(
				scan_arena(scan), "%s%s%s", users[i].home, slash, folders[j]);

			if (is_new(scan, &seen, folder))
				more = give_folder(scan, folder, j == 0, users[i].name);
		}
	}
	set_done(&seen);
	accounts_close(accounts);
	return more;
}

// ---- units ----

static void give_units(struct scan *scan)
{
	struct fault why;
	struct unit unit;
	size_t size;
	const char *bytes = scan_answer(scan, "systemd_units", units_fetch, &size, &why);
	bool more = true;

	if (!bytes) {
		// a recorded root or another's view need not have any
		if (!scan_root(scan)->moved)
			scan_warn(scan, "without units: %s", why.text);
		return;
	}
	while (more && units_next(&bytes, &size, &unit)) {
		more = scan_row(scan);
		scan_text(scan, NAME, unit.fields[UNIT_NAME]);
		scan_text(scan, PATH, unit.fields[UNIT_FRAGMENT_PATH]);
		scan_text(scan, TYPE, "systemd unit");
		scan_text(scan, SOURCE, unit.fields[UNIT_SOURCE_PATH]);
		scan_text(scan, STATUS, unit.fields[UNIT_ACTIVE_STATE]);
		scan_text(scan, USERNAME, unit.fields[UNIT_USER]);
	}
}

static int generate(struct scan *scan, struct fault *why)
{
	(void) why;
	if (give_homes(scan) && give_folder(scan, "/etc/init.d/", false, NULL) &&
		give_folder(scan, "/etc/xdg/autostart/", true, NULL))
		give_units(scan);
	return 0;
}

const struct table table_startup_items = {
	.name = "startup_items",
	.about = "Programs, scripts and units that are started by themselves.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, path, username FROM startup_items WHERE type = 'Startup Item'",
		"SELECT name, status FROM startup_items WHERE status = 'failed'"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 300, .start = 1000 },
	.generate = generate,
};
