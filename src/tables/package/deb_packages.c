// SPDX-License-Identifier: Apache-2.0
// Packages of dpkg, from the files of its database (dpkg(1), /var/lib/dpkg): "status", the journal
// "updates/" of a dpkg that has not finished, and "status.d/" of images that are built without
// dpkg.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/folder.h"
#include "host/lines.h"
#include "sql/table.h"
#include "tables/package/control.h"

enum {
	NAME,
	VERSION_TEXT,
	SOURCE,
	SIZE,
	ARCH,
	REVISION,
	STATUS,
	MAINTAINER,
	SECTION,
	PRIORITY,
	ADMINDIR,
	PID_WITH_NAMESPACE,
	MOUNT_NAMESPACE_ID,
};

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the package." },
	[VERSION_TEXT] = { "version", TEXT, "Version with epoch and revision.", VERSION_DPKG },
	[SOURCE] = { "source", TEXT,
		"Source package when its name or version differs, as \"name\" or \"name "
		"(version)\"." },
	[SIZE] = { "size", BIGINT, "Space it takes when installed, in KiB, as it claims." },
	[ARCH] = { "arch", TEXT, "Architecture it was built for." },
	[REVISION] = { "revision", TEXT, "Part of the version behind the last '-'." },
	[STATUS] = { "status", TEXT,
		"What is wanted, whether there is an error, and what is: 'install ok installed'." },
	[MAINTAINER] = { "maintainer", TEXT, "Who maintains it." },
	[SECTION] = { "section", TEXT, "Section of the archive it belongs to." },
	[PRIORITY] = { "priority", TEXT, "How important it is: required, optional, …." },
	[ADMINDIR] = { "admindir", TEXT, "Folder of dpkg's database; /var/lib/dpkg by default.",
		ADDITIONAL | OPTIMIZED },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
	[MOUNT_NAMESPACE_ID] = NAMESPACE_MOUNT,
};

enum field {
	F_PACKAGE,
	F_VERSION,
	F_SOURCE,
	F_SIZE,
	F_ARCH,
	F_STATUS,
	F_MAINTAINER,
	F_SECTION,
	F_PRIORITY,
	F_COUNT
};

static const char *const fields[] = { "Package", "Version", "Source", "Installed-Size",
	"Architecture", "Status", "Maintainer", "Section", "Priority", NULL };

// A package as the journal has it, in place of what "status" says.
struct update {
	const char *values[F_COUNT];
	size_t order;
	bool given;
};

enum phase { IN_STATUS, IN_UPDATES, IN_IMAGE, DONE };

struct state {
	const struct given *folders;
	size_t folder_at;
	const char *folder;
	enum phase phase;
	struct lines lines;
	struct update *updates; // in order of name and architecture
	size_t n_updates, update_at;
	const char *const *images; // names in status.d
};

// ---- the journal ----

static int compare_values(const char *const *a, const char *const *b)
{
	int r = strcmp(a[F_PACKAGE], b[F_PACKAGE]);

	return r ? r : strcmp(a[F_ARCH], b[F_ARCH]);
}

// The latest of each package comes first.
static int compare_updates(const void *a, const void *b)
{
	const struct update *left = a, *right = b;
	int r = compare_values(left->values, right->values);

	return r ? r : (left->order < right->order) - (left->order > right->order);
}

static int find_update(const void *key, const void *update)
{
	return compare_values(key, ((const struct update *) update)->values);
}

static bool complete(const char **values)
{
	if (!values[F_PACKAGE] || !*values[F_PACKAGE])
		return false;
	if (!values[F_ARCH])
		values[F_ARCH] = "";
	return true;
}

static void add_update(struct scan *scan, struct state *state, const char **values)
{
	// room doubles at each power of two
	if ((state->n_updates & (state->n_updates - 1)) == 0) {
		size_t room = state->n_updates ? 2 * state->n_updates : 1;
		struct update *more = arena_alloc(scan_arena(scan), room * sizeof(*more));

		if (state->n_updates)
			memcpy(more, state->updates, state->n_updates * sizeof(*more));
		state->updates = more;
	}
	state->updates[state->n_updates] = (struct update){ .order = state->n_updates };
	memcpy(state->updates[state->n_updates].values, values, sizeof(state->updates->values));
	state->n_updates++;
}

static void keep_latest(struct state *state)
{
	size_t n = 0;

	qsort(state->updates, state->n_updates, sizeof(*state->updates), compare_updates);
	for (size_t i = 0; i < state->n_updates; i++)
		if (n == 0 ||
			compare_values(state->updates[i].values, state->updates[n - 1].values) != 0)
			state->updates[n++] = state->updates[i];
	state->n_updates = n;
}

static void read_updates(struct scan *scan, struct state *state)
{
	struct arena *arena = scan_arena(scan);
	const char *folder = arena_printf(arena, "%s/updates", state->folder);
	const char *const *names = folder_names(scan_root(scan), folder, arena);

	state->updates = NULL;
	state->n_updates = state->update_at = 0;
	for (; *names && !scan_cancelled(scan); names++) {
		const char *values[F_COUNT];

		// others, like "tmp.i", are not finished
		if (strspn(*names, "0123456789") != strlen(*names) ||
			lines_open(&state->lines, scan_root(scan),
				arena_printf(arena, "%s/%s", folder, *names)) < 0)
			continue;
		while (control_next(&state->lines, fields, values, arena))
			if (complete(values))
				add_update(scan, state, values);
	}
	if (state->n_updates)
		keep_latest(state);
}

// ---- rows ----

static bool is_installed(const char *status)
{
	const char *last = strrchr(status, ' ');

	return strcasecmp(last ? last + 1 : status, "not-installed") != 0;
}

// ROW, or SKIP for what is no package any more.
static int give(struct scan *scan, const struct state *state, const char *const *values)
{
	const char *version = values[F_VERSION] ? values[F_VERSION] : "";
	const char *dash = strrchr(version, '-');
	int64_t size_kib;

	if (!is_installed(values[F_STATUS] ? values[F_STATUS] : ""))
		return SKIP;
	scan_text(scan, NAME, values[F_PACKAGE]);
	scan_text(scan, VERSION_TEXT, version);
	scan_text(scan, SOURCE, values[F_SOURCE]);
	if (values[F_SIZE] && text_integer(values[F_SIZE], 10, &size_kib) == 0)
		scan_integer(scan, SIZE, size_kib);
	scan_text(scan, ARCH, values[F_ARCH]);
	scan_text(scan, REVISION, dash ? dash + 1 : NULL);
	scan_text(scan, STATUS, values[F_STATUS]);
	scan_text(scan, MAINTAINER, values[F_MAINTAINER]);
	scan_text(scan, SECTION, values[F_SECTION]);
	scan_text(scan, PRIORITY, values[F_PRIORITY]);
	scan_text(scan, ADMINDIR, state->folder);
	return ROW;
}

static struct update *update_of(const struct state *state, const char *const *values)
{
	const char *removed[F_COUNT] = { [F_PACKAGE] = values[F_PACKAGE], [F_ARCH] = "" };
	struct update *update;

	if (state->n_updates == 0)
		return NULL;
	update = bsearch(values, state->updates, state->n_updates, sizeof(*update), find_update);
	// what was removed has no architecture any more
	return update
		? update
		: bsearch(removed, state->updates, state->n_updates, sizeof(*update), find_update);
}

static int next_of_status(struct scan *scan, struct state *state)
{
	const char *values[F_COUNT];
	struct update *update;

	if (!control_next(&state->lines, fields, values, scan_row_arena(scan))) {
		state->phase = IN_UPDATES;
		return SKIP;
	}
	// dpkg takes what has no status for not installed
	if (!complete(values) || !values[F_STATUS])
		return SKIP;
	update = update_of(state, values);
	if (!update)
		return give(scan, state, values);
	update->given = true;
	return give(scan, state, update->values);
}

// Packages that only the journal knows.
static int next_of_updates(struct scan *scan, struct state *state)
{
	const struct update *update;

	if (state->update_at == state->n_updates) {
		state->phase = IN_IMAGE;
		state->images = folder_names(scan_root(scan),
			arena_printf(scan_arena(scan), "%s/status.d", state->folder),
			scan_arena(scan));
		return SKIP;
	}
	update = &state->updates[state->update_at++];
	return update->given || !update->values[F_STATUS] ? SKIP
							  : give(scan, state, update->values);
}

static int next_of_image(struct scan *scan, struct state *state)
{
	const char *values[F_COUNT], *name = *state->images, *path;

	if (!name) {
		state->phase = DONE;
		return SKIP;
	}
	state->images++;
	path = arena_printf(scan_row_arena(scan), "%s/status.d/%s", state->folder, name);
	if (text_ends(name, ".md5sums") || lines_open(&state->lines, scan_root(scan), path) < 0 ||
		!control_next(&state->lines, fields, values, scan_row_arena(scan)) ||
		!complete(values))
		return SKIP;
	return give(scan, state, values);
}

// Begins the next database: a folder that is not there is passed over.
static bool open_folder(struct scan *scan, struct state *state)
{
	size_t count = state->folders ? state->folders->count : 1;
	int r;

	if (state->folder_at == count)
		return false;
	state->folder = state->folders ? state->folders->values[state->folder_at].text
				       : "/var/lib/dpkg";
	state->folder_at++;
	read_updates(scan, state);
	r = lines_open(&state->lines, scan_root(scan),
		arena_printf(scan_arena(scan), "%s/status", state->folder));
	if (r < 0 && r != -ENOENT)
		scan_warn(scan, "%s/status: %s", state->folder, strerror(-r));
	state->phase = IN_STATUS;
	return true;
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	state->folders = scan_given(scan, ADMINDIR);
	state->phase = DONE;
	return 0;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	switch (state->phase) {
	case IN_STATUS:
		return next_of_status(scan, state);
	case IN_UPDATES:
		return next_of_updates(scan, state);
	case IN_IMAGE:
		return next_of_image(scan, state);
	default:
		return open_folder(scan, state) ? SKIP : END;
	}
}

static void close_scan(struct scan *scan)
{
	lines_close(&((struct state *) scan_state(scan))->lines);
}

const struct table table_deb_packages = {
	.name = "deb_packages",
	.about = "Packages installed by dpkg.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, version FROM deb_packages WHERE name LIKE 'libssl%'",
		"SELECT section, sum(size) AS kib FROM deb_packages GROUP BY section ORDER BY kib "
		"DESC LIMIT 5",
		"SELECT name FROM deb_packages WHERE status NOT LIKE '% ok installed'"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 1000, .row = 2 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
