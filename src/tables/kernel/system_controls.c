// SPDX-License-Identifier: Apache-2.0
// Settings of the kernel, from /proc/sys (proc_sys(5)), and what sysctl.d(5) would set them to.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "host/tree.h"
#include "sql/table.h"
#include "tables/kernel/sysctl_files.h"

enum group { CURRENT = 1, CONFIGURED };

enum { NAME, OID, SUBSYSTEM, CURRENT_VALUE, CONFIG_VALUE, TYPE };

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name, with dots between its parts.", INDEX },
	[OID] = { "oid", TEXT, "Not filled on Linux, where settings have no numbers.", ADDITIONAL },
	[SUBSYSTEM] = { "subsystem", TEXT, "First part of the name.", ADDITIONAL },
	[CURRENT_VALUE] = { "current_value", TEXT, "Value in force; empty if it can only be set.",
		0, CURRENT },
	[CONFIG_VALUE] = { "config_value", TEXT, "Value that the configuration sets at boot.", 0,
		CONFIGURED },
	[TYPE] = { "type", TEXT, "Always string." },
	ELSEWHERE("field_name", TEXT),
};

struct state {
	struct tree *tree;
	struct tree_entry entry;
	char *name; // of the current row
	struct sysctl_files files;
	bool files_read;
};

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	const struct given *oids = scan_given(scan, OID);

	// no row has a number
	if (oids && (oids->count != 1 || *oids->values[0].text))
		return 0;
	state->tree = tree_open(scan_root(scan), "proc/sys");
	return state->tree || errno == ENOENT ? 0
					      : fail(why, -errno, "system_controls: /proc/sys: %m");
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	tree_close(state->tree);
}

static bool is_prefix(const char *prefix, size_t length, const char *name)
{
	return strncmp(prefix, name, length) == 0 && (name[length] == '.' || name[length] == '\0');
}

// Whether the query can want this name, or names below it.
static bool may_want(struct scan *scan, const char *name)
{
	const struct given *names = scan_given(scan, NAME);
	const struct given *subsystems = scan_given(scan, SUBSYSTEM);
	bool named = !names, placed = !subsystems;

	for (size_t i = 0; names && !named && i < names->count; i++)
		named = is_prefix(name, strlen(name), names->values[i].text);
	for (size_t i = 0; subsystems && !placed && i < subsystems->count; i++) {
		const char *subsystem = subsystems->values[i].text;

		placed = is_prefix(subsystem, strlen(subsystem), name) ||
			is_prefix(name, strlen(name), subsystem);
	}
	return named && placed;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	struct tree_entry *entry = &state->entry;

	(void) why; // what cannot be read is missing
	if (!state->tree || !tree_next(state->tree, entry))
		return END;
	state->name = arena_copy(scan_row_arena(scan), entry->path, strlen(entry->path));
	for (char *at = state->name; (at = strchr(at, '/'));)
		*at = '.';
	if (!may_want(scan, state->name)) {
		tree_pass(state->tree);
		return SKIP;
	}
	if (entry->type != DT_REG)
		return SKIP;

	scan_text(scan, NAME, state->name);
	scan_bytes(scan, SUBSYSTEM, state->name, strcspn(state->name, "."));
	scan_text(scan, TYPE, "string");
	return ROW;
}

static void fetch_current(struct scan *scan)
{
	const struct state *state = scan_state(scan);
	auto_close int fd = openat(state->entry.folder, state->entry.name,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *value = fd < 0
		? NULL
		: fd_read(fd, (size_t) scan_flag(scan, "read_max"), scan_row_arena(scan), NULL);

	if (value)
		scan_text(scan, CURRENT_VALUE, text_trim(value));
}

static void fetch_configured(struct scan *scan)
{
	struct state *state = scan_state(scan);

	if (!state->files_read)
		sysctl_files_read(&state->files, scan);
	state->files_read = true;
	scan_text(scan, CONFIG_VALUE, sysctl_files_value(&state->files, state->name));
}

static int fetch(struct scan *scan, unsigned group, struct fault *why)
{
	(void) why; // what cannot be read is missing
	if (group == CURRENT)
		fetch_current(scan);
	else
		fetch_configured(scan);
	return 0;
}

const struct table table_system_controls = {
	.name = "system_controls",
	.about = "Settings of the kernel (sysctl).",
	COLUMNS(columns),
	EXAMPLES("SELECT current_value FROM system_controls WHERE name = 'net.ipv4.ip_forward'",
		"SELECT name, current_value, config_value FROM system_controls WHERE config_value "
		"!= '' AND config_value != current_value"),
	.estimate = { .rows = 1200, .start = 50, .row = 10 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.fetch = fetch,
	.close = close_scan,
};
