// SPDX-License-Identifier: Apache-2.0
// The queries of file_paths_query: the runner asks them, and leaves the paths in the store for the
// collector, which runs no SQL.
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "daemon/found_paths.h"
#include "daemon/runner.h"

static int path_column(sqlite3_stmt *statement)
{
	for (int i = 0; i < sqlite3_column_count(statement); i++)
		if (strcmp(sqlite3_column_name(statement, i), "path") == 0)
			return i;
	return -1;
}

static int ask(struct runner *runner, const char *category, const char *sql, struct text *found,
	struct fault *why)
{
	sqlite3_stmt *statement;
	const char *rest;
	int column, r = sql_prepare(runner->sql, sql, &rest, &statement, why);

	if (r <= 0)
		return r;
	column = path_column(statement);
	if (column < 0)
		r = fail(why, -EINVAL, "it has no column \"path\"");
	while (r >= 0 && (r = sql_step(runner->sql, statement, why)) > 0)
		found_paths_add(
			found, category, (const char *) sqlite3_column_text(statement, column));
	(void) sqlite3_finalize(statement);
	return r;
}

void runner_find_paths(struct runner *runner)
{
	const struct config *config = runner->config;
	auto_free char *before = store_setting(runner->store, FOUND_PATHS_SETTING);
	auto_text struct text found = { 0 };
	struct fault why;

	runner_begin_query(runner, "file_paths_query", "");
	for (size_t i = 0; i < config->n_file_paths_query; i++) {
		const struct config_list *list = &config->file_paths_query[i];

		for (const char *const *sql = list->values; *sql; sql++)
			if (ask(runner, list->name, *sql, &found, &why) < 0)
				log_error(
					"file_paths_query: %s: %s: %s", list->name, *sql, why.text);
	}
	runner_end_query(runner);
	if (strcmp(before ? before : "", found.bytes ? found.bytes : "") != 0 &&
		store_set(runner->store, FOUND_PATHS_SETTING, found.bytes, &why) < 0)
		runner_store_failed(runner, &why);
}
