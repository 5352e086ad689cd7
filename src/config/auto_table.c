// SPDX-License-Identifier: Apache-2.0
#include "config/auto_table.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "host/host.h"
#include "host/pattern.h"
#include "sql/foreign.h"
#include "sql/sql.h"

enum { COLUMNS_MOST = 63, NAME_MOST = 128 };

// ---- names ----

// Names are written in back-ticks into a declaration.
static const char *check(const char *name)
{
	if (*name == '\0')
		return "it has no name";
	if (strlen(name) > NAME_MOST)
		return "the name has more than 128 bytes";
	for (const char *at = name; *at; at++)
		if ((unsigned char) *at < ' ' || *at == '`' || *at == 0x7f)
			return "the name has a character that is not allowed";
	return NULL;
}

const char *auto_table_check_name(const char *name)
{
	if (strncasecmp(name, "sqlite_", strlen("sqlite_")) == 0)
		return "names that begin with sqlite_ are SQLite's";
	return check(name);
}

const char *auto_table_check_column(const char *name, const char *const *before, size_t n_before)
{
	for (size_t i = 0; i < n_before; i++)
		if (strcasecmp(before[i], name) == 0)
			return "the column stands here twice";
	if (n_before == COLUMNS_MOST)
		return "there are more than 63 columns";
	return check(name);
}

// ---- rows ----

struct state {
	struct pattern *files;
	struct foreign *foreign; // the file that is read, or NULL
	sqlite3_stmt *statement;
	const char *path; // of that file
	int columns[COLUMNS_MOST + 1]; // of the statement for each of the table's, -1: none
};

static const struct config_auto_table *description(const struct scan *scan)
{
	return scan_table(scan)->context;
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why; // a path without files has no rows
	state->files = pattern_open(scan_root(scan), description(scan)->path, "%");
	return 0;
}

static void close_file(struct state *state)
{
	(void) sqlite3_finalize(state->statement);
	foreign_close(state->foreign);
	state->statement = NULL;
	state->foreign = NULL;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	close_file(state);
	pattern_close(state->files);
}

static void map_columns(struct scan *scan, struct state *state)
{
	const struct table *table = scan_table(scan);

	for (size_t i = 0; i < table->n_columns; i++) {
		state->columns[i] = -1;
		for (int j = 0; j < sqlite3_column_count(state->statement); j++) {
			const char *name = sqlite3_column_name(state->statement, j);

			if (name && strcasecmp(name, table->columns[i].name) == 0)
				state->columns[i] = j;
		}
	}
}

static bool is_cancelled(void *context)
{
	return scan_cancelled(context);
}

// A file that is no database, or another one than the query is meant for, has no rows; the others
// still have theirs.
static void warn(struct scan *scan, struct state *state)
{
	scan_warn(scan, "%s: %s", state->path, sqlite3_errmsg(foreign_database(state->foreign)));
	close_file(state);
}

static void open_file(struct scan *scan, struct state *state, const struct match *match)
{
	struct fault why;

	state->path = arena_copy(scan_arena(scan), match->path, match->length);
	state->foreign = foreign_open(scan_root(scan), state->path, is_cancelled, scan, &why);
	if (!state->foreign) {
		scan_warn(scan, "%s", why.text);
		return;
	}
	if (sqlite3_prepare_v2(foreign_database(state->foreign), description(scan)->sql, -1,
		    &state->statement, NULL) != SQLITE_OK)
		warn(scan, state);
	else if (!state->statement)
		close_file(state); // nothing but comments
	else
		map_columns(scan, state);
}

static void give_row(struct scan *scan, const struct state *state)
{
	const struct table *table = scan_table(scan);

	for (unsigned i = 0; i < table->n_columns; i++) {
		int column = state->columns[i];
		const void *bytes;

		if (!scan_wants(scan, i))
			continue;
		if (column < 0) {
			if (strcasecmp(table->columns[i].name, "path") == 0)
				scan_text(scan, i, state->path);
			continue;
		}
		bytes = sqlite3_column_type(state->statement, column) == SQLITE_BLOB
			? sqlite3_column_blob(state->statement, column)
			: sqlite3_column_text(state->statement, column);
		scan_bytes(scan, i, bytes, (size_t) sqlite3_column_bytes(state->statement, column));
	}
}

static int next_row(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	struct match match;
	int r;

	(void) why; // what cannot be read was warned about
	if (!state->foreign) {
		if (!pattern_next(state->files, &match))
			return END;
		if (match.type == DT_REG || match.type == DT_LNK || match.type == DT_UNKNOWN)
			open_file(scan, state, &match);
		return SKIP;
	}
	r = sqlite3_step(state->statement);
	if (r == SQLITE_ROW) {
		give_row(scan, state);
		return ROW;
	}
	if (r == SQLITE_INTERRUPT)
		return -ECANCELED;
	if (r == SQLITE_DONE)
		close_file(state);
	else
		warn(scan, state);
	return SKIP;
}

// ---- the table ----

const struct table *auto_table_make(const struct config_auto_table *described, struct arena *arena)
{
	static const char *const no_examples[] = { NULL };
	struct table *table = arena_zero(arena, sizeof(*table));
	struct column *columns = arena_zero(arena, (COLUMNS_MOST + 1) * sizeof(*columns));
	bool has_path = false;
	size_t n = 0;

	for (; described->columns[n]; n++) {
		has_path |= strcasecmp(described->columns[n], "path") == 0;
		columns[n] = (struct column){
			.name = described->columns[n], .type = TEXT, .about = "Of the query."
		};
	}
	if (!has_path)
		columns[n++] = (struct column){
			.name = "path", .type = TEXT, .about = "The file that the row is from."
		};
	*table = (struct table){
		.name = described->name,
		.about = "Made by the configuration of SQLite files.",
		.columns = columns,
		.n_columns = n,
		.examples = no_examples,
		.estimate = { .rows = 1000, .start = 1000, .row = 5 },
		.state_bytes = sizeof(struct state),
		.open = open_scan,
		.next = next_row,
		.close = close_scan,
		.context = described,
	};
	return table;
}
