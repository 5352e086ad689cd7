// SPDX-License-Identifier: Apache-2.0
// Groups, from the view of /etc/group that the host keeps, and from the name service where
// nsswitch.conf(5) names more than the files.
#include <grp.h>

#include "base/set.h"
#include "host/accounts.h"
#include "host/host.h"
#include "sql/table.h"

enum { GID, GID_SIGNED, GROUPNAME };

static const struct column columns[] = {
	[GID] = { "gid", BIGINT, "Group id.", INDEX },
	[GID_SIGNED] = { "gid_signed", BIGINT, "Group id as a signed 32-bit number." },
	[GROUPNAME] = { "groupname", TEXT, "Name." },
	{ "group_sid", TEXT, "Not filled on Linux.", INDEX | HIDDEN },
	ELSEWHERE("comment", TEXT),
	ELSEWHERE("is_hidden", INTEGER),
	NAMESPACE_PID,
};

struct state {
	struct accounts *accounts;
	const struct group_entry *groups;
	size_t n_groups, at;
	const struct given *gids;
	bool others; // the name service has more
	bool enumerating; // and is being read
	struct set seen; // gids that it gave
};

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	state->gids = scan_given(scan, GID);
	state->accounts = accounts_open(scan_host(scan));
	state->groups = accounts_groups(state->accounts, &state->n_groups);
	// another process' view and a recorded root have files only
	state->others = accounts_has_others(state->accounts, MORE_GROUPS) &&
		!scan_root(scan)->moved;
	return 0;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	if (state->enumerating)
		endgrent();
	set_done(&state->seen);
	accounts_close(state->accounts);
}

static int give(struct scan *scan, uint32_t gid, const char *name)
{
	scan_integer(scan, GID, gid);
	scan_integer(scan, GID_SIGNED, (int32_t) gid);
	scan_text(scan, GROUPNAME, name);
	return ROW;
}

static int next_given(struct scan *scan, struct state *state)
{
	while (state->at < state->gids->count) {
		int64_t gid = state->gids->values[state->at++].integer;
		const struct group_entry *entry;
		const struct group *answer;

		if (gid < 0 || gid > UINT32_MAX)
			continue;
		entry = accounts_group(state->accounts, (uint32_t) gid);
		if (entry)
			return give(scan, entry->gid, entry->name);
		answer = state->others ? getgrgid((gid_t) gid) : NULL;
		if (answer)
			return give(scan, answer->gr_gid, answer->gr_name);
	}
	return END;
}

// Of several groups with one gid the first is given.
static int next_local(struct scan *scan, struct state *state)
{
	while (state->at < state->n_groups) {
		const struct group_entry *entry = &state->groups[state->at++];

		if (accounts_group(state->accounts, entry->gid) == entry)
			return give(scan, entry->gid, entry->name);
	}
	return END;
}

static int next_remote(struct scan *scan, struct state *state)
{
	const struct group *answer;

	if (!state->enumerating)
		setgrent();
	state->enumerating = true;
	while ((answer = getgrent()))
		if (!accounts_group(state->accounts, answer->gr_gid) &&
			set_add(&state->seen, answer->gr_gid))
			return give(scan, answer->gr_gid, answer->gr_name);
	return END;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	if (state->gids)
		return next_given(scan, state);
	if (next_local(scan, state) == ROW)
		return ROW;
	return state->others ? next_remote(scan, state) : END;
}

const struct table table_groups = {
	.name = "groups",
	.about = "Groups of users.",
	COLUMNS(columns),
	EXAMPLES("SELECT groupname FROM groups WHERE gid = 0",
		"SELECT username, groupname FROM users u JOIN user_groups m ON m.uid = u.uid "
		"JOIN groups g ON g.gid = m.gid"),
	.estimate.rows = 70,
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
