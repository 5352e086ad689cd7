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
	BUSY_TRIES = 5,
	BUSY_WAIT_US = 100000, // SQLite does not wait when the mode of a file's journal changes
};

struct store {
	sqlite3 *db;
	const struct store_kind *kind;
	char path[PATH_MAX];
	char memory[64]; // the name of the database while it is in memory
	enum store_mode mode; // as it was opened; STORE_MEMORY also when nothing can be written
	ino_t inode; // of the file that is open
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

// Limits of the disk, an account, or a process. SQLite knows the first only, and keeps no errno of
// a statement: it is that of the last call that failed.
static bool is_no_room(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static int explain(const struct store *store, struct fault *why)
{
	bool no_room = is_no_room(errno);
	int result = sqlite3_extended_errcode(store->db);
	int code = result == SQLITE_IOERR_WRITE && no_room ? -ENOSPC : code_of(result);

	return fail(why, code, "store: %s: %s", store->path, sqlite3_errmsg(store->db));
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
// mode. A file that is there is not opened: closing it would release the locks that another
// connection of this process has on it (fcntl(2)).
static int claim_file(const char *path, struct fault *why)
{
	auto_close int fd = -1;
	struct stat status;

	if (lstat(path, &status) < 0 && errno == ENOENT) {
		fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
		if (fd >= 0 || errno != EEXIST)
			return fd >= 0 ? 0 : fail(why, -errno, "store: %s: %m", path);
	}
	if (lstat(path, &status) < 0)
		return fail(why, -errno, "store: %s: %m", path);
	if (!S_ISREG(status.st_mode))
		return fail(why, -EUCLEAN, "store: %s: not a regular file", path);
	if ((status.st_mode & 07777) != 0600 && chmod(path, 0600) < 0)
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

static ino_t inode_of(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0 ? status.st_ino : 0;
}

static int migrate(struct store *store, struct fault *why)
{
	struct fault reason = { 0 };
	int r = schema_migrate(store->db, store->kind, &reason);

	return r < 0 ? fail(why, r, "store: %s: %s", store->path, reason.text) : 0;
}

// Opens the file as it is, for writing.
static int try_open(struct store *store, struct fault *why)
{
	bool unclean = !store->kind->trusts_log && is_unclean(store->path);
	int r = claim_file(store->path, why);

	store->inode = inode_of(store->path);
	if (r < 0)
		return r;
	r = open_database(store, store->path, SQLITE_OPEN_READWRITE, why);
	// SQLite falls back to reading
	if (r == 0 && sqlite3_db_readonly(store->db, "main") == 1)
		r = fail(why, -EROFS, "store: %s: cannot be written", store->path);
	if (r == 0 && sqlite3_exec(store->db, store->kind->pragmas, NULL, NULL, NULL) != SQLITE_OK)
		r = explain(store, why);
	if (r == 0 && unclean)
		r = check_integrity(store, why);
	if (r == 0)
		r = migrate(store, why);
	if (r < 0)
		close_database(store);
	return r;
}

// Another process may be making the same file now.
static int try_open_patiently(struct store *store, struct fault *why)
{
	int r = try_open(store, why);

	for (int i = 0; r == -EAGAIN && i < BUSY_TRIES; i++) {
		(void) usleep(BUSY_WAIT_US);
		r = try_open(store, why);
	}
	return r;
}

// Connects to the database of that name in memory, which is made when there is none.
static int connect_memory(struct store *store, struct fault *why)
{
	char name[96];
	int r;

	if (!store->kind->shares_memory)
		return open_database(store, ":memory:", SQLITE_OPEN_READWRITE, why);
	(void) snprintf(name, sizeof(name), "file:/%s?vfs=memdb", store->memory);
	r = open_database(
		store, name, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI, why);
	if (r == 0 && sqlite3_exec(store->db, store->kind->pragmas, NULL, NULL, NULL) != SQLITE_OK)
		r = explain(store, why);
	return r;
}

static void open_memory(struct store *store)
{
	struct fault why = { 0 };
	uint64_t random[2];

	store->mode = STORE_MEMORY;
	(void) snprintf(store->path, sizeof(store->path), "memory");
	sqlite3_randomness(sizeof(random), random);
	(void) snprintf(store->memory, sizeof(store->memory), "%s-%016llx%016llx",
		store->kind->file, (unsigned long long) random[0], (unsigned long long) random[1]);
	if (connect_memory(store, &why) < 0 || migrate(store, &why) < 0) {
		log_error("%s", why.text);
		abort(); // not even that: there is no memory
	}
}

static void open_for_writing(struct store *store)
{
	struct fault why = { 0 };
	int r = try_open_patiently(store, &why);

	// what is damaged, no store, or cannot be written makes room for a fresh one
	if (r < 0 && r != -ENOSPC && r != -EAGAIN) {
		log_error("%s", why.text);
		// unless another process has done that meanwhile
		if (store->inode != inode_of(store->path) || aside_move(store->path, &why) == 0)
			r = try_open_patiently(store, &why);
	}
	if (r == 0)
		return;
	log_error("%s: what is recorded from now on will be forgotten with this process", why.text);
	open_memory(store);
}

static int open_for_reading(struct store *store, struct fault *why)
{
	struct fault reason = { 0 };
	int r;

	store->inode = inode_of(store->path);
	r = open_database(store, store->path, SQLITE_OPEN_READONLY, why);
	if (r == 0) {
		r = schema_check(store->db, store->kind, &reason);
		if (r < 0)
			(void) fail(why, r, "store: %s: %s", store->path, reason.text);
	}
	return r;
}

struct store *store_open_kind(
	const char *folder, const struct store_kind *kind, enum store_mode mode, struct fault *why)
{
	struct store *store = must_alloc(sizeof(*store));
	struct fault reason;
	int r = 0;

	*store = (struct store){ .kind = kind, .mode = mode };
	(void) snprintf(store->path, sizeof(store->path), "%s/%s", folder, kind->file);
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

struct store *store_open(const char *folder, enum store_mode mode, struct fault *why)
{
	return store_open_kind(folder, &store_kind_state, mode, why);
}

// Opens what the store has open once more: nothing is set aside, nothing is made.
static int open_again(struct store *store, struct fault *why)
{
	if (store->mode == STORE_MEMORY)
		return connect_memory(store, why);
	if (store->mode == STORE_READ)
		return open_for_reading(store, why);
	return try_open(store, why);
}

struct store *store_share(const struct store *store, struct fault *why)
{
	struct store *other = must_alloc(sizeof(*other));

	*other = (struct store){ .kind = store->kind, .mode = store->mode };
	(void) snprintf(other->path, sizeof(other->path), "%s", store->path);
	(void) snprintf(other->memory, sizeof(other->memory), "%s", store->memory);
	if (open_again(other, why) == 0)
		return other;
	store_close(other);
	return NULL;
}

sqlite3 *store_database(const struct store *store)
{
	return store->db;
}

const char *store_path(const struct store *store)
{
	return store->mode == STORE_MEMORY ? NULL : store->path;
}

int store_follow(struct store *store, struct fault *why)
{
	struct store fresh = { .kind = store->kind, .mode = store->mode };
	ino_t inode;
	int r;

	if (store->mode == STORE_MEMORY)
		return 0;
	inode = inode_of(store->path);
	if (inode == store->inode)
		return 0;
	if (inode == 0)
		return fail(why, -ENOENT, "store: %s: it was removed", store->path);
	memcpy(fresh.path, store->path, sizeof(fresh.path));
	r = open_again(&fresh, why);
	if (r < 0) {
		close_database(&fresh);
		return r;
	}
	close_database(store);
	*store = fresh;
	return 1;
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
	int result, r;

	errno = 0;
	result = sqlite3_step(statement);
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
