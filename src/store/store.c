// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "base/log.h"
#include "store/aside.h"
#include "store/schema.h"

enum {
	STATEMENTS = 64,
	BUSY_MS = 10000, // others hold the file for one transaction only
};

struct store {
	sqlite3 *db;
	char path[PATH_MAX];
	enum store_mode mode;
	struct {
		const char *sql;
		sqlite3_stmt *statement;
	} statements[STATEMENTS];
	size_t n_statements;
};

// ---- faults ----

static int code_of(int result)
{
	switch (result & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR: // our statements do not fit what is in the file
		return -EUCLEAN;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EAGAIN;
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return -EROFS;
	case SQLITE_NOMEM:
		return -ENOMEM;
	default:
		return -EIO;
	}
}

static int explain(const struct store *store, struct fault *why)
{
	return fail(why, code_of(sqlite3_extended_errcode(store->db)), "store: %s: %s", store->path,
		sqlite3_errmsg(store->db));
}

// ---- opening ----

static int make_folder(const char *folder, struct fault *why)
{
	char path[PATH_MAX];

	(void) snprintf(path, sizeof(path), "%s", folder);
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void) mkdir(path, 0755); // what is wrong shows at the last part
		*slash = '/';
	}
	if (mkdir(folder, 0700) < 0 && errno != EEXIST)
		return fail(why, -errno, "store: %s: %m", folder);
	return 0;
}

// Makes sure that the file is there, regular, and only ours. SQLite gives its companions the same
// mode.
static int claim_file(const char *path, struct fault *why)
{
	auto_close int fd = open(
		path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	struct stat status;

	if (fd < 0 && errno == EACCES && chmod(path, 0600) == 0)
		fd = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &status) < 0)
		return fail(why, -errno, "store: %s: %m", path);
	if (!S_ISREG(status.st_mode))
		return fail(why, -EUCLEAN, "store: %s: not a regular file", path);
	if (fchmod(fd, 0600) < 0)
		return fail(why, -errno, "store: %s: %m", path);
	return 0;
}

// A store that was closed leaves no write-ahead log.
static bool is_unclean(const char *path)
{
	char log[PATH_MAX + 8];
	struct stat status;

	(void) snprintf(log, sizeof(log), "%s-wal", path);
	return stat(log, &status) == 0 && status.st_size > 0;
}

static int check_integrity(struct store *store, struct fault *why)
{
	sqlite3_stmt *statement = NULL;
	int r = sqlite3_prepare_v2(store->db, "PRAGMA integrity_check(1)", -1, &statement, NULL);

	if (r == SQLITE_OK)
		r = sqlite3_step(statement);
	if (r != SQLITE_ROW)
		(void) explain(store, why);
	else if (strcmp((const char *) sqlite3_column_text(statement, 0), "ok") != 0)
		r = fail(why, -EUCLEAN, "store: %s: %s", store->path,
			(const char *) sqlite3_column_text(statement, 0));
	(void) sqlite3_finalize(statement);
	return r == SQLITE_ROW ? 0 : -EUCLEAN;
}

static int open_database(struct store *store, const char *path, int flags, struct fault *why)
{
	int r = sqlite3_open_v2(path, &store->db,
		flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, NULL);

	if (r != SQLITE_OK)
		return store->db ? explain(store, why) : fail(why, -ENOMEM, "store: no memory");
	(void) sqlite3_busy_timeout(store->db, BUSY_MS);
	(void) sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void) sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return 0;
}

static void close_database(struct store *store)
{
	for (size_t i = 0; i < store->n_statements; i++)
		(void) sqlite3_finalize(store->statements[i].statement);
	store->n_statements = 0;
	(void) sqlite3_close_v2(store->db);
	store->db = NULL;
}

// Pages of 4 KB: at most 1 GB, half a MB of them in memory; a log that grew is cut to 4 MB.
static const char settings[] =
	"PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
	"PRAGMA synchronous = NORMAL; PRAGMA cache_size = -512; PRAGMA cache_spill = 64;"
	"PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 4194304;"
	"PRAGMA max_page_count = 262144";

// Opens the file as it is, for writing.
static int try_open(struct store *store, struct fault *why)
{
	bool unclean = is_unclean(store->path);
	struct fault reason = { 0 };
	int r = claim_file(store->path, why);

	if (r < 0)
		return r;
	r = open_database(store, store->path, SQLITE_OPEN_READWRITE, why);
	if (r == 0 && sqlite3_exec(store->db, settings, NULL, NULL, NULL) != SQLITE_OK)
		r = explain(store, why);
	if (r == 0 && unclean)
		r = check_integrity(store, why);
	if (r == 0) {
		r = schema_migrate(store->db, &reason);
		if (r < 0)
			(void) fail(why, r, "store: %s: %s", store->path, reason.text);
	}
	if (r < 0)
		close_database(store);
	return r;
}

static void open_memory(struct store *store)
{
	struct fault why = { 0 };

	store->mode = STORE_MEMORY;
	(void) snprintf(store->path, sizeof(store->path), "memory");
	if (open_database(store, ":memory:", SQLITE_OPEN_READWRITE, &why) < 0 ||
		schema_migrate(store->db, &why) < 0) {
		log_error("%s", why.text);
		abort(); // not even that: there is no memory
	}
}

static void open_for_writing(struct store *store)
{
	struct fault why = { 0 };
	int r = try_open(store, &why);

	// what is damaged, no store, or cannot be written makes room for a fresh one
	if (r < 0 && r != -ENOSPC && r != -EAGAIN) {
		log_error("%s", why.text);
		if (aside_move(store->path, &why) == 0)
			r = try_open(store, &why);
	}
	if (r == 0)
		return;
	log_error("%s: what is recorded from now on will be forgotten with this process", why.text);
	open_memory(store);
}

static int open_for_reading(struct store *store, struct fault *why)
{
	struct fault reason = { 0 };
	int r = open_database(store, store->path, SQLITE_OPEN_READONLY, why);

	if (r == 0) {
		r = schema_check(store->db, &reason);
		if (r < 0)
			(void) fail(why, r, "store: %s: %s", store->path, reason.text);
	}
	return r;
}

struct store *store_open(const char *folder, enum store_mode mode, struct fault *why)
{
	struct store *store = must_alloc(sizeof(*store));
	struct fault reason;
	int r = 0;

	*store = (struct store){ .mode = mode };
	(void) snprintf(store->path, sizeof(store->path), "%s/state.db", folder);
	if (mode == STORE_READ) {
		r = open_for_reading(store, why);
	} else if (mode == STORE_MEMORY) {
		open_memory(store);
	} else {
		if (make_folder(folder, &reason) < 0)
			log_error("%s", reason.text); // the next step says what follows from it
		open_for_writing(store);
	}
	if (r == 0)
		return store;
	store_close(store);
	return NULL;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	close_database(store);
	free(store);
}

void store_replace(struct store *store)
{
	struct fault why;

	close_database(store);
	if (store->mode == STORE_WRITE && aside_move(store->path, &why) == 0) {
		open_for_writing(store);
		return;
	}
	if (store->mode == STORE_WRITE) // the damaged one would be found damaged again
		log_error("%s: what is recorded from now on will be forgotten with this process",
			why.text);
	open_memory(store);
}

int store_lock(const char *folder, struct fault *why)
{
	char path[PATH_MAX + 8];
	auto_close int fd = -1;
	int r = make_folder(folder, why);

	if (r < 0)
		return r;
	(void) snprintf(path, sizeof(path), "%s/lock", folder);
	fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(why, -errno, "store: %s: %m", path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return fail(why, -errno, "store: %s: another daemon uses this store", folder);
	return take_fd(&fd);
}

// ---- statements ----

sqlite3_stmt *store_statement(struct store *store, const char *sql, struct fault *why)
{
	sqlite3_stmt *statement;

	for (size_t i = 0; i < store->n_statements; i++)
		if (store->statements[i].sql == sql)
			return store->statements[i].statement;
	if (store->n_statements == STATEMENTS)
		abort(); // more literals than there is room for: our mistake
	if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) !=
		SQLITE_OK) {
		(void) explain(store, why);
		return NULL;
	}
	store->statements[store->n_statements].sql = sql;
	store->statements[store->n_statements++].statement = statement;
	return statement;
}

int store_step(struct store *store, sqlite3_stmt *statement, struct fault *why)
{
	int result = sqlite3_step(statement);
	int r;

	if (result == SQLITE_ROW)
		return 1;
	r = result == SQLITE_DONE ? 0 : explain(store, why);
	store_done(&statement);
	return r;
}

void store_done(sqlite3_stmt **statement)
{
	if (!*statement)
		return;
	(void) sqlite3_reset(*statement);
	(void) sqlite3_clear_bindings(*statement);
}

static int run(struct store *store, const char *sql, struct fault *why)
{
	sqlite3_stmt *statement = store_statement(store, sql, why);

	return statement ? store_step(store, statement, why) : why->code;
}

int store_begin(struct store *store, struct fault *why)
{
	// our mistake, which must not look like that of the file
	if (!sqlite3_get_autocommit(store->db))
		return fail(why, -EBUSY, "store: %s: a transaction is open", store->path);
	return run(store, "BEGIN IMMEDIATE", why);
}

int store_end(struct store *store, int r, struct fault *why)
{
	struct fault ignored;

	if (r >= 0)
		r = run(store, "COMMIT", why);
	if (r < 0 && !sqlite3_get_autocommit(store->db))
		(void) run(store, "ROLLBACK", &ignored);
	return r;
}

// ---- settings ----

char *store_setting(struct store *store, const char *name)
{
	struct fault why;
	auto_done sqlite3_stmt *statement = store_statement(
		store, "SELECT value FROM setting WHERE name = ?", &why);

	if (!statement)
		return NULL;
	(void) sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	if (store_step(store, statement, &why) <= 0)
		return NULL;
	return must_dup((const char *) sqlite3_column_text(statement, 0));
}

int store_set(struct store *store, const char *name, const char *value, struct fault *why)
{
	sqlite3_stmt *statement = store_statement(store,
		value ? "INSERT OR REPLACE INTO setting (name, value) VALUES (?, ?)"
		      : "DELETE FROM setting WHERE name = ?",
		why);

	if (!statement)
		return why->code;
	(void) sqlite3_bind_text(statement, 1, name, -1, SQLITE_STATIC);
	if (value)
		(void) sqlite3_bind_text(statement, 2, value, -1, SQLITE_STATIC);
	return store_step(store, statement, why);
}

void store_tidy(struct store *store)
{
	struct fault why;
	auto_done sqlite3_stmt *statement = store_statement(
		store, "PRAGMA incremental_vacuum(2048)", &why);

	while (statement && store_step(store, statement, &why) > 0)
		;
}
