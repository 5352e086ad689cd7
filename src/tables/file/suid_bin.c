// SPDX-License-Identifier: Apache-2.0
// Programs that run with the rights of their owner or group (setuid, setgid: inode(7)), where
// programs usually are. On systems where /bin is a link to /usr/bin both paths are given.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>

#include "host/accounts.h"
#include "host/tree.h"
#include "sql/table.h"

enum { PATH, USERNAME, GROUPNAME, PERMISSIONS, PID_WITH_NAMESPACE };

static const struct column columns[] = {
	[PATH] = { "path", TEXT, "Path of the program." },
	[USERNAME] = { "username", TEXT, "Its owner; the number if that user has no name." },
	[GROUPNAME] = { "groupname", TEXT, "Its group; the number if that group has no name." },
	[PERMISSIONS] = { "permissions", TEXT, "S for setuid, G for setgid, SG for both." },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
};

static const char *const folders[] = { "/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin",
	"/usr/local/sbin", "/tmp" };

enum { FOLDERS = sizeof(folders) / sizeof(folders[0]) };

struct state {
	struct tree *tree;
	size_t folder; // the next one
	struct accounts *accounts;
};

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why; // folders that do not exist hold nothing
	if (scan_wants(scan, USERNAME) || scan_wants(scan, GROUPNAME))
		state->accounts = accounts_open(scan_host(scan));
	return 0;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	tree_close(state->tree);
	if (state->accounts)
		accounts_close(state->accounts);
}

static void give_owners(struct scan *scan, const struct stat *status)
{
	const struct state *state = scan_state(scan);
	const struct user_entry *user;
	const struct group_entry *group;

	if (!state->accounts)
		return;
	user = accounts_user(state->accounts, status->st_uid);
	group = accounts_group(state->accounts, status->st_gid);
	if (user)
		scan_text(scan, USERNAME, user->name);
	else
		scan_integer(scan, USERNAME, status->st_uid);
	if (group)
		scan_text(scan, GROUPNAME, group->name);
	else
		scan_integer(scan, GROUPNAME, status->st_gid);
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	struct tree_entry entry;
	struct stat status;
	bool user, group;

	(void) why; // what cannot be read is no row
	while (!state->tree) {
		if (state->folder == FOLDERS)
			return END;
		state->tree = tree_open(scan_root(scan), folders[state->folder++]);
	}
	if (!tree_next(state->tree, &entry)) {
		tree_close(take(state->tree));
		return SKIP;
	}
	if (entry.type != DT_REG ||
		fstatat(entry.folder, entry.name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return SKIP;
	user = status.st_mode & S_ISUID;
	group = status.st_mode & S_ISGID;
	if (!S_ISREG(status.st_mode) || (!user && !group))
		return SKIP;

	scan_text(scan, PATH,
		arena_printf(
			scan_row_arena(scan), "%s/%s", folders[state->folder - 1], entry.path));
	scan_text(scan, PERMISSIONS, user && group ? "SG" : user ? "S" : "G");
	give_owners(scan, &status);
	return ROW;
}

const struct table table_suid_bin = {
	.name = "suid_bin",
	.about = "Programs that run with the rights of their owner or group.",
	COLUMNS(columns),
	EXAMPLES("SELECT path, username FROM suid_bin WHERE permissions LIKE 'S%'"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 30, .start = 5000, .row = 1 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
