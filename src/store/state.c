// SPDX-License-Identifier: Apache-2.0
// What is in state.db.
#include "store/store.h"

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

const struct store_kind store_kind_state = {
	.file = "state.db",
	.application = 0x686f7371, // "hosq"
	.steps = steps,
	.n_steps = sizeof(steps) / sizeof(steps[0]),
	// pages of 4 KB: at most 1 GB, half a MB of them in memory; a log that grew is cut to 4 MB
	.pragmas = "PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
		   "PRAGMA synchronous = NORMAL; PRAGMA cache_size = -512; PRAGMA cache_spill = 64;"
		   "PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 4194304;"
		   "PRAGMA max_page_count = 262144",
};
