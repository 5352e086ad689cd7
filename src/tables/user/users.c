// SPDX-License-Identifier: Apache-2.0
// Users, from the view of /etc/passwd that the host keeps; from the name service only when the
// query asks for remote ones.
#include <errno.h>
#include <pwd.h>

#include "host/accounts.h"
#include "host/host.h"
#include "sql/table.h"

enum {
	UID,
	GID,
	UID_SIGNED,
	GID_SIGNED,
	USERNAME,
	DESCRIPTION,
	DIRECTORY,
	SHELL,
	UUID,
	PID_WITH_NAMESPACE = 11,
	INCLUDE_REMOTE
};

static const struct column columns[] = {
	[UID] = { "uid", BIGINT, "User id.", INDEX },
	[GID] = { "gid", BIGINT, "Primary group." },
	[UID_SIGNED] = { "uid_signed", BIGINT, "User id as a signed 32-bit number." },
	[GID_SIGNED] = { "gid_signed", BIGINT, "Primary group as a signed 32-bit number." },
	[USERNAME] = { "username", TEXT, "Login name.", ADDITIONAL },
	[DESCRIPTION] = { "description", TEXT, "Full name or comment." },
	[DIRECTORY] = { "directory", TEXT, "Home directory." },
	[SHELL] = { "shell", TEXT, "Program that a login starts." },
	[UUID] = { "uuid", TEXT, "Not filled on Linux.", INDEX | NOCASE },
	ELSEWHERE("type", TEXT),
	ELSEWHERE("is_hidden", INTEGER),
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
	[INCLUDE_REMOTE] = { "include_remote", INTEGER,
		"1 to ask the name service (LDAP and the like) too.", ADDITIONAL | HIDDEN },
};

struct state {
	struct accounts *accounts;
	const struct user_entry *users;
	size_t n_users, at;
	const struct given *uids, *names;
	const struct user_entry *found; // by the last of them; others can have the same
	bool asks_remote, remote, enumerating;
};

static bool wants_remote(struct scan *scan)
{
	const struct given *remote = scan_given(scan, INCLUDE_REMOTE);

	for (size_t i = 0; remote && i < remote->count; i++)
		if (remote->values[i].integer == 1)
			return true;
	return false;
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	state->names = scan_given(scan, USERNAME);
	state->uids = state->names ? NULL : scan_given(scan, UID);
	// another process' view and a recorded root have files only
	state->asks_remote = wants_remote(scan);
	state->remote = state->asks_remote && !scan_root(scan)->moved;
	state->accounts = accounts_open(scan_host(scan));
	state->users = accounts_users(state->accounts, &state->n_users);
	return 0;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	if (state->enumerating)
		endpwent();
	accounts_close(state->accounts);
}

static bool is_id(int64_t number)
{
	return number >= 0 && number <= UINT32_MAX;
}

static const struct user_entry *find(struct state *state, const struct given *given, size_t i)
{
	if (state->names)
		return accounts_user_named(state->accounts, given->values[i].text);
	return is_id(given->values[i].integer)
		? accounts_user(state->accounts, (uint32_t) given->values[i].integer)
		: NULL;
}

static const struct user_entry *next_local(struct state *state)
{
	const struct given *given = state->names ? state->names : state->uids;

	if (!given)
		return state->at < state->n_users ? &state->users[state->at++] : NULL;
	if (state->found)
		state->found = state->names ? accounts_same_name(state->accounts, state->found)
					    : accounts_same_uid(state->accounts, state->found);
	while (!state->found && state->at < given->count)
		state->found = find(state, given, state->at++);
	return state->found;
}

static const struct passwd *ask_name_service(struct state *state)
{
	const struct given *given = state->names ? state->names : state->uids;

	if (!given) {
		if (!state->enumerating)
			setpwent();
		state->enumerating = true;
		return getpwent();
	}
	while (state->at < given->count) {
		size_t i = state->at++;
		const struct passwd *entry = NULL;

		if (state->names)
			entry = getpwnam(given->values[i].text);
		else if (is_id(given->values[i].integer))
			entry = getpwuid((uid_t) given->values[i].integer);
		if (entry)
			return entry;
	}
	return NULL;
}

static bool next_remote(struct state *state, struct user_entry *user)
{
	const struct passwd *entry = ask_name_service(state);

	if (!entry)
		return false;
	*user = (struct user_entry){
		.name = entry->pw_name,
		.description = entry->pw_gecos,
		.home = entry->pw_dir,
		.shell = entry->pw_shell,
		.uid = entry->pw_uid,
		.gid = entry->pw_gid,
	};
	return true;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	const struct user_entry *user;
	struct user_entry remote;

	(void) why;
	if (state->remote)
		user = next_remote(state, &remote) ? &remote : NULL;
	else
		user = next_local(state);
	if (!user)
		return END;

	scan_integer(scan, UID, user->uid);
	scan_integer(scan, GID, user->gid);
	scan_integer(scan, UID_SIGNED, (int32_t) user->uid);
	scan_integer(scan, GID_SIGNED, (int32_t) user->gid);
	scan_text(scan, USERNAME, user->name);
	scan_text(scan, DESCRIPTION, user->description);
	scan_text(scan, DIRECTORY, user->home);
	scan_text(scan, SHELL, user->shell);
	scan_integer(scan, INCLUDE_REMOTE, state->asks_remote);
	return ROW;
}

const struct table table_users = {
	.name = "users",
	.about = "Users that the machine knows by itself.",
	COLUMNS(columns),
	EXAMPLES("SELECT uid, username, shell FROM users WHERE uid >= 1000",
		"SELECT * FROM users WHERE username = 'root'"),
	.estimate.rows = 50,
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
