// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include <errno.h>
#include <stdio.h>

static int read_number(sqlite3 *db, const char *sql, int *number, struct fault *why)
{
	sqlite3_stmt *statement = NULL;
	int r = sqlite3_prepare_v2(db, sql, -1, &statement, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(statement);
	if (r == SQLITE_ROW)
		*number = sqlite3_column_int(statement, 0);
	(void) sqlite3_finalize(statement);
	return r == SQLITE_ROW ? 0 : fail(why, -EUCLEAN, "%s", sqlite3_errmsg(db));
}

static int read_version(sqlite3 *db, const struct store_kind *kind, int *version, struct fault *why)
{
	int application, n_tables, r;

	r = read_number(db, "PRAGMA user_version", version, why);
	if (r == 0)
		r = read_number(db, "PRAGMA application_id", &application, why);
	if (r == 0)
		r = read_number(db, "SELECT count(*) FROM sqlite_schema", &n_tables, why);
	if (r < 0)
		return r;
	if (*version == 0 && application == 0 && n_tables == 0)
		return 0;
	if (application != kind->application)
		return fail(why, -EUCLEAN, "it is the database of another program");
	if (*version < 0 || *version > (int) kind->n_steps)
		return fail(why, -EUCLEAN, "its version is %d, this program knows up to %zu",
			*version, kind->n_steps);
	return 0;
}

int schema_check(sqlite3 *db, const struct store_kind *kind, struct fault *why)
{
	int version = 0;
	int r = read_version(db, kind, &version, why);

	if (r == 0 && version != (int) kind->n_steps)
		return fail(
			why, -EUCLEAN, "its version is %d instead of %zu", version, kind->n_steps);
	return r;
}

static int run(sqlite3 *db, const char *sql, struct fault *why)
{
	int r = sqlite3_exec(db, sql, NULL, NULL, NULL);

	if (r == SQLITE_OK)
		return 0;
	(void) fail(why, -EIO, "%s", sqlite3_errmsg(db));
	switch (r & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return why->code = -EUCLEAN;
	case SQLITE_FULL:
		return why->code = -ENOSPC;
	case SQLITE_BUSY:
		return why->code = -EAGAIN;
	default:
		return -EIO;
	}
}

static int migrate(sqlite3 *db, const struct store_kind *kind, struct fault *why)
{
	char marks[96];
	int version = 0;
	int r = read_version(db, kind, &version, why); // again: another process may have been first

	if (r < 0 || version == (int) kind->n_steps)
		return r;
	for (; r == 0 && version < (int) kind->n_steps; version++)
		r = run(db, kind->steps[version], why);
	(void) snprintf(marks, sizeof(marks),
		"PRAGMA application_id = %d; PRAGMA user_version = %d", kind->application,
		(int) kind->n_steps);
	return r < 0 ? r : run(db, marks, why);
}

int schema_migrate(sqlite3 *db, const struct store_kind *kind, struct fault *why)
{
	struct fault ignored;
	int version = 0;
	int r = read_version(db, kind, &version, why);

	if (r < 0 || version == (int) kind->n_steps)
		return r;
	r = run(db, "BEGIN IMMEDIATE", why);
	if (r < 0)
		return r;
	r = migrate(db, kind, why);
	if (r == 0)
		r = run(db, "COMMIT", why);
	if (r < 0)
		(void) run(db, "ROLLBACK", &ignored);
	return r;
}
