// SPDX-License-Identifier: Apache-2.0
#pragma once
// The users and groups of the host: a view of /etc/passwd and /etc/group in memory with indexes on
// uid, gid and name, made when it is first asked for and made anew when one of the files changes
// (watched with inotify(7); below a moved root by comparing their status).
//
// Entries are borrowed: they stay until accounts_open is called again.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

struct host;
struct accounts;

struct user {
	const char *name, *description, *home, *shell;
	uint32_t uid, gid;
};

struct group {
	const char *name;
	uint32_t gid;
	const char *const *members; // names, NULL-terminated
};

// The view of this host, fresh as of now. Never NULL; a file that is missing or garbled has no
// entries from its first bad line on.
struct accounts *accounts_open(struct host *host);
void accounts_free(struct accounts *accounts);

// In the order of the files.
const struct user *accounts_users(const struct accounts *accounts, size_t *n);
const struct group *accounts_groups(const struct accounts *accounts, size_t *n);

// The first entry with that number or name, or NULL.
const struct user *accounts_user(const struct accounts *accounts, uint32_t uid);
const struct user *accounts_user_named(const struct accounts *accounts, const char *name);
const struct group *accounts_group(const struct accounts *accounts, uint32_t gid);
const struct group *accounts_group_named(const struct accounts *accounts, const char *name);

// The groups that name the user as a member, by gid in the order of the file; NULL-terminated.
const struct group *const *accounts_memberships(const struct accounts *accounts, const char *user);

// Whether nsswitch.conf(5) names sources beside the files for "passwd" or "group".
bool accounts_has_others(const struct accounts *accounts, const char *database);
