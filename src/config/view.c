// SPDX-License-Identifier: Apache-2.0
#include "config/view.h"

#include <string.h>

#include "base/log.h"

// Runs the first statement of the text. 1 if that was all of it, 0 if there is more, or a negative
// errno.
static int run(struct sql *sql, const char *text, struct fault *why)
{
	sqlite3_stmt *statement;
	const char *rest = "";
	int r = sql_prepare(sql, text, &rest, &statement, why);

	while (r > 0 && (r = sql_step(sql, statement, why)) > 0) {
	}
	(void) sqlite3_finalize(statement);
	return r < 0 ? r : rest[strspn(rest, " \t\r\n;")] == '\0';
}

static void complain(const struct config_named *view, const char *reason)
{
	log_warning("%s: views.%s: %s", view->place, view->name, reason);
}

static void drop(struct sql *sql, const struct config_named *view)
{
	char *text = sqlite3_mprintf("DROP VIEW IF EXISTS \"%w\"", view->name);

	(void) run(sql, text, NULL); // a person may have put a table in its place
	sqlite3_free(text);
}

// False when nothing was made.
static bool create(struct sql *sql, const struct config_named *view)
{
	char *text = sqlite3_mprintf("CREATE VIEW \"%w\" AS %s", view->name, view->value);
	struct fault why;
	int r;

	if (sql_find_table(sql, view->name)) {
		complain(view, "there is a table of that name");
		sqlite3_free(text);
		return false;
	}
	drop(sql, view); // that of an earlier source
	r = run(sql, text, &why);
	sqlite3_free(text);
	if (r < 0)
		complain(view, why.text);
	else if (r == 0)
		complain(view, "only the first statement counts");
	return r >= 0;
}

// SQLite looks at what a view names when it is used: looks now. What is not there may come later.
static void check(struct sql *sql, const struct config_named *view)
{
	char *text = sqlite3_mprintf("SELECT * FROM \"%w\"", view->name);
	sqlite3_stmt *statement;
	struct fault why;
	const char *rest;

	if (sql_prepare(sql, text, &rest, &statement, &why) < 0)
		complain(view, why.text);
	(void) sqlite3_finalize(statement);
	sqlite3_free(text);
}

void views_apply(const struct config *config, const struct config *before, struct sql *sql)
{
	auto_free bool *made = must_alloc(config->n_views * sizeof(*made));

	for (size_t i = 0; before && i < before->n_views; i++)
		drop(sql, &before->views[i]);
	for (size_t i = 0; i < config->n_views; i++)
		made[i] = create(sql, &config->views[i]);
	for (size_t i = 0; i < config->n_views; i++) // one view may name another
		if (made[i])
			check(sql, &config->views[i]);
}
