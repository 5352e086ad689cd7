// SPDX-License-Identifier: Apache-2.0
#include "store/schema.h"

#include <errno.h>
#include <stdio.h>

// PRAGMA application_id: "hosq", so that no other program's database is taken for ours.
enum { APPLICATION = 0x686f7371 };

// What brings version N to N + 1; version 0 is an empty file. Only ever added to.
static const char *const steps[] = {
	"CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"

	// what is known of a scheduled query; its last result is in `result`
	"CREATE TABLE query ("
	" id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, sql TEXT NOT NULL,"
	" interval_s INTEGER NOT NULL, splayed_s INTEGER NOT NULL,"
	" epoch INTEGER NOT NULL, counter INTEGER NOT NULL, has_result INTEGER NOT NULL,"
	" names BLOB, digest BLOB, n_rows INTEGER NOT NULL,"
	" denied_until INTEGER NOT NULL, denied_why TEXT,"
	" executions INTEGER NOT NULL, last_executed INTEGER NOT NULL,"
	" wall_ms INTEGER NOT NULL, last_wall_ms INTEGER NOT NULL,"
	" user_ms INTEGER NOT NULL, last_user_ms INTEGER NOT NULL,"
	" system_ms INTEGER NOT NULL, last_system_ms INTEGER NOT NULL,"
	" memory_bytes INTEGER NOT NULL, last_memory_bytes INTEGER NOT NULL,"
	" output_bytes INTEGER NOT NULL);"

	// packed rows (sql/row.h), some hundred KB a block
	"CREATE TABLE result (id INTEGER PRIMARY KEY, query INTEGER NOT NULL, rows BLOB NOT NULL);"
	"CREATE INDEX result_of_query ON result (query);"

	// lines on their way to the outputs; ids are never given twice
	"CREATE TABLE outbox ("
	" id INTEGER PRIMARY KEY AUTOINCREMENT, channel INTEGER NOT NULL,"
	" n_lines INTEGER NOT NULL, ends INTEGER NOT NULL, bytes BLOB NOT NULL);"
	"CREATE TABLE reader ("
	" output TEXT PRIMARY KEY, entry INTEGER NOT NULL, offset INTEGER NOT NULL,"
	" dropped_lines INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE mark ("
	" output TEXT NOT NULL, channel INTEGER NOT NULL, file INTEGER NOT NULL,"
	" position INTEGER NOT NULL, PRIMARY KEY (output, channel)) WITHOUT ROWID;"

	// the last configuration that was good (config_enable_backup)
	"CREATE TABLE config (place INTEGER PRIMARY KEY, name TEXT NOT NULL, text TEXT NOT NULL);",

	// up to which row a query has read an event table
	"CREATE TABLE place ("
	" query TEXT NOT NULL, tbl TEXT NOT NULL, generation INTEGER NOT NULL,"
	" id INTEGER NOT NULL, PRIMARY KEY (query, tbl)) WITHOUT ROWID;",
};

enum { VERSION = sizeof(steps) / sizeof(steps[0]) };

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

static int read_version(sqlite3 *db, int *version, struct fault *why)
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
	if (application != APPLICATION)
		return fail(why, -EUCLEAN, "it is the database of another program");
	if (*version > VERSION)
		return fail(why, -EUCLEAN, "its version is %d, this program knows up to %d",
			*version, VERSION);
	return 0;
}

int schema_check(sqlite3 *db, struct fault *why)
{
	int version = 0;
	int r = read_version(db, &version, why);

	if (r == 0 && version != VERSION)
		return fail(why, -EUCLEAN, "its version is %d instead of %d", version, VERSION);
	return r;
}

static int run(sqlite3 *db, const char *sql)
{
	return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

int schema_migrate(sqlite3 *db, struct fault *why)
{
	char marks[96];
	int version = 0;
	int r = read_version(db, &version, why);

	if (r < 0 || version == VERSION)
		return r;
	(void) snprintf(marks, sizeof(marks),
		"PRAGMA application_id = %d; PRAGMA user_version = %d", APPLICATION, VERSION);
	r = run(db, "BEGIN IMMEDIATE");
	for (; r == SQLITE_OK && version < VERSION; version++)
		r = run(db, steps[version]);
	if (r == SQLITE_OK)
		r = run(db, marks);
	if (r == SQLITE_OK)
		r = run(db, "COMMIT");
	if (r == SQLITE_OK)
		return 0;
	(void) fail(why, -EIO, "%s", sqlite3_errmsg(db));
	(void) run(db, "ROLLBACK");
	return r == SQLITE_CORRUPT || r == SQLITE_NOTADB ? -EUCLEAN : -EIO;
}
