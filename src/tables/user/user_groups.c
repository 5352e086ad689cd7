// SPDX-License-Identifier: Apache-2.0
// Which user is in which group: the primary group of the user, then those that name the user. From
// the view of the files that the host keeps, and from the name service where nsswitch.conf(5) names
// more.
#include <grp.h>
#include <pwd.h>
#include <string.h>

#include "base/set.h"
#include "host/accounts.h"
#include "host/host.h"
#include "sql/table.h"

enum { UID, GID };

static const struct column columns[] = {
	[UID] = { "uid", BIGINT, "User id.", INDEX | OPTIMIZED },
	[GID] = { "gid", BIGINT, "A group of the user.", INDEX },
};

enum { GROUPS_MAX = 65536 }; // of one user, as the kernel has it (NGROUPS_MAX)

struct state {
	struct accounts *accounts;
	const struct user_entry *users;
	size_t n_users, at;
	const struct given *uids;
	bool more_users, more_groups; // the name service has them
	bool enumerating;
	struct set seen; // users that the name service gave

	// the user at hand
	int64_t uid;
	gid_t *gids;
	size_t n_gids, room, gid_at;
};

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	state->uids = scan_given(scan, UID);
	state->accounts = accounts_open(scan_host(scan));
	state->users = accounts_users(state->accounts, &state->n_users);
	// another process' view and a recorded root have files only
	if (!scan_root(scan)->moved) {
		state->more_users = accounts_has_others(state->accounts, MORE_USERS);
		state->more_groups = accounts_has_others(state->accounts, MORE_MEMBERSHIPS);
	}
	return 0;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	if (state->enumerating)
		endpwent();
	free(state->gids);
	set_done(&state->seen);
	accounts_close(state->accounts);
}

static void make_room(struct state *state, size_t n)
{
	if (n <= state->room)
		return;
	state->room = n * 2;
	state->gids = must_resize(state->gids, state->room * sizeof(*state->gids));
}

// Each group once, whether it is named twice or is the primary one too.
static void add_group(struct state *state, gid_t gid)
{
	for (size_t i = 0; i < state->n_gids; i++)
		if (state->gids[i] == gid)
			return;
	make_room(state, state->n_gids + 1);
	state->gids[state->n_gids++] = gid;
}

static void begin_user(struct state *state, uint32_t uid)
{
	state->uid = uid;
	state->n_gids = state->gid_at = 0;
}

static void ask_name_service(struct state *state, const char *name, gid_t gid)
{
	int n = 64;

	for (;;) {
		make_room(state, (size_t) n);
		if (getgrouplist(name, gid, state->gids, &n) >= 0 || n > GROUPS_MAX)
			break;
	}
	state->n_gids = n > 0 && (size_t) n <= state->room ? (size_t) n : 0;
}

static void take_local(struct state *state, const struct user_entry *user)
{
	const struct group_entry *const *groups;

	begin_user(state, user->uid);
	if (state->more_groups) {
		ask_name_service(state, user->name, user->gid);
		return;
	}
	add_group(state, user->gid);
	for (groups = accounts_memberships(state->accounts, user->name); *groups; groups++)
		add_group(state, (*groups)->gid);
}

static void take_remote(struct state *state, const struct passwd *entry)
{
	begin_user(state, entry->pw_uid);
	ask_name_service(state, entry->pw_name, entry->pw_gid);
}

static bool next_given_user(struct state *state)
{
	while (state->at < state->uids->count) {
		int64_t uid = state->uids->values[state->at++].integer;
		const struct user_entry *user;
		const struct passwd *entry;

		if (uid < 0 || uid > UINT32_MAX)
			continue;
		user = accounts_user(state->accounts, (uint32_t) uid);
		if (user) {
			take_local(state, user);
			return true;
		}
		entry = state->more_users ? getpwuid((uid_t) uid) : NULL;
		if (entry) {
			take_remote(state, entry);
			return true;
		}
	}
	return false;
}

// Of several users with one uid the first counts.
static bool next_local_user(struct state *state)
{
	while (state->at < state->n_users) {
		const struct user_entry *user = &state->users[state->at++];

		if (accounts_user(state->accounts, user->uid) == user) {
			take_local(state, user);
			return true;
		}
	}
	return false;
}

static bool next_remote_user(struct state *state)
{
	const struct passwd *entry;

	if (!state->enumerating)
		setpwent();
	state->enumerating = true;
	while ((entry = getpwent())) {
		if (accounts_user(state->accounts, entry->pw_uid) ||
			!set_add(&state->seen, entry->pw_uid))
			continue;
		take_remote(state, entry);
		return true;
	}
	return false;
}

static bool next_user(struct state *state)
{
	if (state->uids)
		return next_given_user(state);
	return next_local_user(state) || (state->more_users && next_remote_user(state));
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	if (state->gid_at == state->n_gids && !next_user(state))
		return END;
	if (state->gid_at == state->n_gids) // a user without any group
		return SKIP;
	scan_integer(scan, UID, state->uid);
	scan_integer(scan, GID, state->gids[state->gid_at++]);
	return ROW;
}

const struct table table_user_groups = {
	.name = "user_groups",
	.about = "Groups that each user is in.",
	COLUMNS(columns),
	EXAMPLES("SELECT gid FROM user_groups WHERE uid = 0"),
	.estimate = { .rows = 100, .per_key = 3 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
