// SPDX-License-Identifier: Apache-2.0
#pragma once
// The users and groups of the host: a view of /etc/passwd and /etc/group in memory with indexes on
// uid, gid and name, made when it is first asked for and made anew when one of the files changes
// (watched with inotify(7); below a moved root by comparing their status).
//
// Entries are borrowed from an open view and stay as long as it is open; a view that somebody has
// open is not made anew, so that one statement sees one state of the files.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

struct host;
struct accounts;

struct user_entry {
	const char *name, *description, *home, *shell;
	uint32_t uid, gid;
};

struct group_entry {
	const char *name;
	uint32_t gid;
	const char *const *members; // names, NULL-terminated
};

// The view of this host, fresh as of now unless it was open already. Never NULL: a file that is
// missing has no entries, a line that is none is passed over. It stays with the host, which frees
// it with accounts_free; accounts_close ends the use.
struct accounts *accounts_open(struct host *host);
void accounts_close(struct accounts *accounts);
void accounts_free(struct accounts *accounts);

// In the order of the files.
const struct user_entry *accounts_users(const struct accounts *accounts, size_t *n);
const struct group_entry *accounts_groups(const struct accounts *accounts, size_t *n);

// The first entry with that number or name, or NULL.
const struct user_entry *accounts_user(const struct accounts *accounts, uint32_t uid);
const struct user_entry *accounts_user_named(const struct accounts *accounts, const char *name);
const struct group_entry *accounts_group(const struct accounts *accounts, uint32_t gid);

// The next entry behind that one with the same number or name, or NULL.
const struct user_entry *accounts_same_uid(
	const struct accounts *accounts, const struct user_entry *user);
const struct user_entry *accounts_same_name(
	const struct accounts *accounts, const struct user_entry *user);

// The groups that name the user as a member, by gid in the order of the file; NULL-terminated.
const struct group_entry *const *accounts_memberships(
	const struct accounts *accounts, const char *user);

// Whether nsswitch.conf(5) names sources beside the files that may know more users, more groups, or
// more groups of the users in the files. (systemd knows users of its own; it only adds groups to
// others where there is a userdb folder, see nss-systemd(8).)
enum accounts_question { MORE_USERS, MORE_GROUPS, MORE_MEMBERSHIPS, ACCOUNTS_QUESTIONS };
bool accounts_has_others(const struct accounts *accounts, enum accounts_question question);
