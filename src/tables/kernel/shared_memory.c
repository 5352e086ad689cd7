// SPDX-License-Identifier: Apache-2.0
// Segments of System V shared memory, from /proc/sysvipc/shm (ipc/shm.c).
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/shm.h>

#include "host/accounts.h"
#include "sql/table.h"

enum {
	SHMID,
	OWNER_UID,
	CREATOR_UID,
	PID,
	CREATOR_PID,
	ATIME,
	DTIME,
	CTIME,
	PERMISSIONS,
	SIZE,
	ATTACHED,
	STATUS,
	LOCKED
};

static const struct column columns[] = {
	[SHMID] = { "shmid", INTEGER, "Number of the segment." },
	[OWNER_UID] = { "owner_uid", BIGINT, "User who owns it, if that user exists." },
	[CREATOR_UID] = { "creator_uid", BIGINT, "User who made it, if that user exists." },
	[PID] = { "pid", BIGINT, "Process that last attached or detached it." },
	[CREATOR_PID] = { "creator_pid", BIGINT, "Process that made it." },
	[ATIME] = { "atime", BIGINT, "Last attach, in seconds since 1970." },
	[DTIME] = { "dtime", BIGINT, "Last detach, in seconds since 1970." },
	[CTIME] = { "ctime", BIGINT, "Last change, in seconds since 1970." },
	[PERMISSIONS] = { "permissions", TEXT, "Who may use it, as four octal digits." },
	[SIZE] = { "size", BIGINT, "Its bytes." },
	[ATTACHED] = { "attached", INTEGER, "How many processes have attached it." },
	[STATUS] = { "status", TEXT, "dest if it goes with its last user, else empty." },
	[LOCKED] = { "locked", INTEGER, "1 if it is never swapped out, else 0." },
};

// The fields of a line, in their order.
enum {
	F_KEY,
	F_SHMID,
	F_MODE,
	F_SIZE,
	F_CREATOR_PID,
	F_PID,
	F_ATTACHED,
	F_UID,
	F_GID,
	F_CREATOR_UID,
	F_CREATOR_GID,
	F_ATIME,
	F_DTIME,
	F_CTIME,
	FIELDS
};

static bool split(char *line, int64_t fields[FIELDS])
{
	for (int i = 0; i < FIELDS; i++) {
		char *word = text_word(&line, " \n");

		if (!word || text_integer(word, i == F_MODE ? 8 : 10, &fields[i]) < 0)
			return false; // the heading, too
	}
	return true;
}

static void give_users(struct scan *scan, const int64_t *fields)
{
	struct accounts *accounts = accounts_open(scan_host(scan));

	if (accounts_user(accounts, (uint32_t) fields[F_UID]))
		scan_integer(scan, OWNER_UID, fields[F_UID]);
	if (accounts_user(accounts, (uint32_t) fields[F_CREATOR_UID]))
		scan_integer(scan, CREATOR_UID, fields[F_CREATOR_UID]);
	accounts_close(accounts);
}

static void give_segment(struct scan *scan, const int64_t *fields)
{
	if (scan_wants(scan, OWNER_UID) || scan_wants(scan, CREATOR_UID))
		give_users(scan, fields);
	scan_integer(scan, SHMID, fields[F_SHMID]);
	scan_integer(scan, PID, fields[F_PID]);
	scan_integer(scan, CREATOR_PID, fields[F_CREATOR_PID]);
	scan_integer(scan, ATIME, fields[F_ATIME]);
	scan_integer(scan, DTIME, fields[F_DTIME]);
	scan_integer(scan, CTIME, fields[F_CTIME]);
	scan_printf(scan, PERMISSIONS, "%04o", (unsigned) fields[F_MODE] & 0777);
	scan_integer(scan, SIZE, fields[F_SIZE]);
	scan_integer(scan, ATTACHED, fields[F_ATTACHED]);
	scan_text(scan, STATUS, fields[F_MODE] & SHM_DEST ? "dest" : "");
	scan_integer(scan, LOCKED, (fields[F_MODE] & SHM_LOCKED) != 0);
}

static int generate(struct scan *scan, struct fault *why)
{
	auto_fclose FILE *file = scan_open(scan, "proc/sysvipc/shm");
	int64_t fields[FIELDS];
	char line[512];
	bool more = true;

	if (!file) // a kernel without System V IPC
		return errno == ENOENT ? 0
				       : fail(why, -errno, "shared_memory: /proc/sysvipc/shm: %m");
	while (more && fgets(line, sizeof(line), file)) {
		if (!split(line, fields))
			continue;
		more = scan_row(scan);
		give_segment(scan, fields);
	}
	return 0;
}

const struct table table_shared_memory = {
	.name = "shared_memory",
	.about = "Segments of System V shared memory.",
	COLUMNS(columns),
	EXAMPLES("SELECT shmid, owner_uid, size FROM shared_memory WHERE attached = 0"),
	.estimate.rows = 10,
	.generate = generate,
};
