// SPDX-License-Identifier: Apache-2.0
// A VFS of its own for each file that is open: its only files are the descriptors of the database
// and of its write-ahead log, and it can only read. Without shared memory SQLite keeps the index of
// the log on its heap when locking is exclusive, and locking is nothing here.
#include "sql/foreign.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

enum {
	VALUE_BYTES_MOST = 64 << 20,
	CANCEL_STEPS = 1000, // instructions of SQLite between two questions
};

struct foreign {
	sqlite3_vfs vfs; // first: SQLite hands this out
	char name[32]; // of the VFS
	sqlite3 *db;
	int fd, log_fd; // log_fd: -1 where there is no log
	bool registered;
	bool (*cancelled)(void *context);
	void *context;
};

struct file {
	sqlite3_file base; // first: SQLite hands this out
	int fd; // the foreign's; -1: an empty file
};

// ---- a file ----

static int close_file(sqlite3_file *file)
{
	(void) file;
	return SQLITE_OK;
}

static int read_file(sqlite3_file *file, void *bytes, int size, sqlite3_int64 offset)
{
	int fd = ((struct file *) file)->fd;
	char *at = bytes;

	while (size > 0) {
		ssize_t got = fd < 0 ? 0 : pread(fd, at, (size_t) size, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return SQLITE_IOERR_READ;
		if (got == 0) {
			memset(at, 0, (size_t) size);
			return SQLITE_IOERR_SHORT_READ;
		}
		at += got;
		offset += got;
		size -= (int) got;
	}
	return SQLITE_OK;
}

static int write_file(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
	(void) file;
	(void) bytes;
	(void) size;
	(void) offset;
	return SQLITE_READONLY;
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
	(void) file;
	(void) size;
	return SQLITE_READONLY;
}

static int sync_file(sqlite3_file *file, int flags)
{
	(void) file;
	(void) flags;
	return SQLITE_OK;
}

static int size_file(sqlite3_file *file, sqlite3_int64 *size)
{
	int fd = ((struct file *) file)->fd;
	struct stat status = { 0 };

	if (fd >= 0 && fstat(fd, &status) < 0)
		return SQLITE_IOERR_FSTAT;
	*size = status.st_size;
	return SQLITE_OK;
}

static int lock_file(sqlite3_file *file, int level)
{
	(void) file;
	(void) level;
	return SQLITE_OK;
}

static int check_lock(sqlite3_file *file, int *reserved)
{
	(void) file;
	*reserved = 0;
	return SQLITE_OK;
}

static int control_file(sqlite3_file *file, int operation, void *argument)
{
	(void) file;
	(void) operation;
	(void) argument;
	return SQLITE_NOTFOUND;
}

static int sector_size(sqlite3_file *file)
{
	(void) file;
	return 0;
}

static int device_traits(sqlite3_file *file)
{
	(void) file;
	return 0;
}

static const sqlite3_io_methods file_methods = {
	.iVersion = 1, // no shared memory
	.xClose = close_file,
	.xRead = read_file,
	.xWrite = write_file,
	.xTruncate = truncate_file,
	.xSync = sync_file,
	.xFileSize = size_file,
	.xLock = lock_file,
	.xUnlock = lock_file,
	.xCheckReservedLock = check_lock,
	.xFileControl = control_file,
	.xSectorSize = sector_size,
	.xDeviceCharacteristics = device_traits,
};

// ---- the file system ----

static int open_in_vfs(
	sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *flags_out)
{
	const struct foreign *foreign = (const struct foreign *) vfs;
	struct file *opened = (struct file *) file;

	(void) name;
	opened->base.pMethods = NULL;
	if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
		return SQLITE_CANTOPEN; // temporary files are in memory
	opened->fd = flags & SQLITE_OPEN_WAL ? foreign->log_fd : foreign->fd;
	opened->base.pMethods = &file_methods;
	if (flags_out)
		*flags_out = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) |
			SQLITE_OPEN_READONLY;
	return SQLITE_OK;
}

static int delete_in_vfs(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void) vfs;
	(void) name;
	(void) sync;
	return SQLITE_OK;
}

// A rollback journal is not seen: applying it is the owner's.
static int access_in_vfs(sqlite3_vfs *vfs, const char *name, int flags, int *result)
{
	const struct foreign *foreign = (const struct foreign *) vfs;

	(void) flags;
	*result = text_ends(name, "-wal") && foreign->log_fd >= 0;
	return SQLITE_OK;
}

static int name_in_vfs(sqlite3_vfs *vfs, const char *name, int size, char *full)
{
	(void) vfs;
	(void) sqlite3_snprintf(size, full, "%s", name);
	return SQLITE_OK;
}

static int set_up_vfs(struct foreign *foreign)
{
	const sqlite3_vfs *ordinary = sqlite3_vfs_find(NULL);

	if (!ordinary)
		return SQLITE_ERROR;
	(void) snprintf(foreign->name, sizeof(foreign->name), "foreign-%p", (void *) foreign);
	foreign->vfs = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct file),
		.mxPathname = 64,
		.zName = foreign->name,
		.xOpen = open_in_vfs,
		.xDelete = delete_in_vfs,
		.xAccess = access_in_vfs,
		.xFullPathname = name_in_vfs,
		.xRandomness = ordinary->xRandomness,
		.xSleep = ordinary->xSleep,
		.xCurrentTime = ordinary->xCurrentTime,
	};
	if (sqlite3_vfs_register(&foreign->vfs, 0) != SQLITE_OK)
		return SQLITE_ERROR;
	foreign->registered = true;
	return SQLITE_OK;
}

// ---- the database ----

static int authorize_read(void *context, int action, const char *a, const char *b,
	const char *database, const char *trigger)
{
	(void) context;
	(void) a;
	(void) b;
	(void) database;
	(void) trigger;
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_FUNCTION:
	case SQLITE_RECURSIVE:
		return SQLITE_OK;
	default:
		return SQLITE_DENY;
	}
}

static int on_progress(void *context)
{
	struct foreign *foreign = context;

	return foreign->cancelled && foreign->cancelled(foreign->context);
}

// The schema is what an attacker may have written: nothing in it may do more than hold data.
static void distrust(struct foreign *foreign)
{
	static const char *kept[] = { "json_each", "json_tree", NULL };
	sqlite3 *db = foreign->db;

	(void) sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	(void) sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	(void) sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	(void) sqlite3_drop_modules(db, kept);
	(void) sqlite3_limit(db, SQLITE_LIMIT_LENGTH, VALUE_BYTES_MOST);
	(void) sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_progress_handler(db, CANCEL_STEPS, on_progress, foreign);
}

static int open_database(struct foreign *foreign, const char *path, struct fault *why)
{
	int r = set_up_vfs(foreign);

	if (r == SQLITE_OK)
		r = sqlite3_open_v2("database", &foreign->db,
			SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE,
			foreign->name);
	if (r == SQLITE_OK) {
		distrust(foreign);
		r = sqlite3_exec(foreign->db,
			"PRAGMA locking_mode = exclusive; PRAGMA temp_store = memory; "
			"PRAGMA mmap_size = 0; PRAGMA cell_size_check = on",
			NULL, NULL, NULL);
	}
	if (r != SQLITE_OK)
		return fail(why, -EIO, "%s: %s", path,
			foreign->db ? sqlite3_errmsg(foreign->db) : sqlite3_errstr(r));
	(void) sqlite3_set_authorizer(foreign->db, authorize_read, foreign);
	return 0;
}

// Whether the descriptor is that of a foreign file which is open, as of the same table twice in one
// query.
static bool is_foreign(int fd)
{
	for (sqlite3_vfs *vfs = sqlite3_vfs_find(NULL); vfs; vfs = vfs->pNext) {
		const struct foreign *foreign = (const struct foreign *) vfs;

		if (vfs->xOpen == open_in_vfs && (foreign->fd == fd || foreign->log_fd == fd))
			return true;
	}
	return false;
}

// Whether this process has the file open itself, as it has its store. POSIX locks of a process end
// when it closes any descriptor of the file: to open and close it once more would leave the store
// without its locks.
static bool is_our_own(const struct stat *status, int but)
{
	auto_closedir DIR *descriptors = opendir("/proc/self/fd");
	struct dirent *entry;

	while (descriptors && (entry = readdir(descriptors))) {
		struct stat other;
		int64_t fd;

		if (text_integer(entry->d_name, 10, &fd) < 0 || fd == but)
			continue;
		if (fstat((int) fd, &other) == 0 && other.st_dev == status->st_dev &&
			other.st_ino == status->st_ino && !is_foreign((int) fd))
			return true;
	}
	return false;
}

// -1 with errno: EINVAL when it is no regular file, EBUSY when it is our own. Never waits, and
// never opens a device.
static int open_regular(const struct root *root, const char *path)
{
	auto_close int place = root_openat(root, path, O_PATH);
	struct stat status;
	char link[64];

	if (place < 0 || fstat(place, &status) < 0)
		return -1;
	if (!S_ISREG(status.st_mode) || is_our_own(&status, place)) {
		errno = S_ISREG(status.st_mode) ? EBUSY : EINVAL;
		return -1;
	}
	(void) snprintf(link, sizeof(link), "/proc/self/fd/%d", place);
	return open(link, O_RDONLY | O_NOCTTY | O_CLOEXEC);
}

static const char *reason(int error)
{
	switch (error) {
	case EINVAL:
		return "it is no regular file";
	case EBUSY:
		return "this program uses it itself";
	default:
		return strerror(error);
	}
}

struct foreign *foreign_open(const struct root *root, const char *path,
	bool (*cancelled)(void *context), void *context, struct fault *why)
{
	auto_text struct text log_path = { 0 };
	struct foreign *foreign = must_alloc(sizeof(*foreign));

	*foreign = (struct foreign){
		.fd = -1, .log_fd = -1, .cancelled = cancelled, .context = context
	};
	foreign->fd = open_regular(root, path);
	if (foreign->fd < 0) {
		(void) fail(why, -errno, "%s: %s", path, reason(errno));
		foreign_close(foreign);
		return NULL;
	}
	text_printf(&log_path, "%s-wal", path);
	foreign->log_fd = open_regular(root, log_path.bytes);
	if (open_database(foreign, path, why) < 0) {
		foreign_close(foreign);
		return NULL;
	}
	return foreign;
}

void foreign_close(struct foreign *foreign)
{
	if (!foreign)
		return;
	(void) sqlite3_close(foreign->db);
	if (foreign->registered)
		(void) sqlite3_vfs_unregister(&foreign->vfs);
	if (foreign->fd >= 0)
		(void) close(foreign->fd);
	if (foreign->log_fd >= 0)
		(void) close(foreign->log_fd);
	free(foreign);
}

sqlite3 *foreign_database(const struct foreign *foreign)
{
	return foreign->db;
}
