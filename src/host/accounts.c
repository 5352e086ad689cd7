// SPDX-License-Identifier: Apache-2.0
// passwd(5) and group(5), kept in memory with indexes.
#include "host/accounts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>

#include "host/host.h"

enum { FILE_LIMIT_BYTES = 256 << 20 };

enum { PASSWD, GROUP, SWITCH, FILES };
static const char *const paths[FILES] = { "etc/passwd", "etc/group", "etc/nsswitch.conf" };

// A vector of numbers that order an array by one of its members.
struct index {
	uint32_t *order; // NULL: not made yet
};

// One member of one group.
struct membership {
	const char *user;
	const struct group_entry *group;
};

struct accounts {
	unsigned holders;
	bool loaded;
	int watch; // inotify on the folder, -1: compare the status
	struct stat status[FILES];

	struct arena arena; // everything below
	struct user_entry *users;
	size_t n_users;
	struct group_entry *groups;
	size_t n_groups;
	struct index users_by_uid, users_by_name, groups_by_gid;
	struct membership *memberships; // by user, then in the order of the file
	const struct group_entry **joined; // the groups of `memberships`, a NULL after each user's
	size_t n_memberships;
	bool others[ACCOUNTS_QUESTIONS];
};

// ---- parsing ----

// Cuts the text up to the next ':' off. The last field ends with the line.
static char *next_field(char **rest)
{
	char *field = *rest;
	char *end = field ? strchr(field, ':') : NULL;

	if (end)
		*end++ = '\0';
	*rest = end;
	return field;
}

static bool parse_id(const char *text, uint32_t *id)
{
	uint64_t number;

	if (!text || text_unsigned(text, 10, &number) < 0 || number > UINT32_MAX)
		return false;
	*id = (uint32_t) number;
	return true;
}

// Comments, and the lines that only mean something to NIS.
static bool is_entry(const char *line)
{
	return *line != '\0' && *line != '#' && *line != '+' && *line != '-';
}

static bool parse_user(char *line, struct user_entry *user)
{
	char *rest = line + strspn(line, " \t");
	const char *uid, *gid;

	if (!is_entry(rest))
		return false;
	user->name = next_field(&rest);
	(void) next_field(&rest);
	uid = next_field(&rest);
	gid = next_field(&rest);
	user->description = next_field(&rest);
	user->home = next_field(&rest);
	user->shell = rest ? rest : "";
	if (!user->description)
		user->description = "";
	if (!user->home)
		user->home = "";
	return parse_id(uid, &user->uid) && parse_id(gid, &user->gid);
}

// As libc has it: only commas part names, blanks before a name do not count, those after it do.
static const char *const *split_members(struct arena *arena, char *list)
{
	size_t n = 1, count = 0;
	const char **members;
	char *member;

	for (const char *at = list; *at; at++)
		n += *at == ',';
	members = arena_alloc(arena, (n + 1) * sizeof(*members));
	while ((member = strsep(&list, ","))) {
		member += strspn(member, " \t\r\v\f");
		if (*member != '\0')
			members[count++] = member;
	}
	members[count] = NULL;
	return members;
}

static bool parse_group(struct arena *arena, char *line, struct group_entry *group)
{
	char *rest = line + strspn(line, " \t");
	const char *gid;

	if (!is_entry(rest))
		return false;
	group->name = next_field(&rest);
	(void) next_field(&rest);
	gid = next_field(&rest);
	if (!parse_id(gid, &group->gid))
		return false;
	group->members = split_members(arena, rest ? rest : arena_copy(arena, "", 0));
	return true;
}

static size_t count_lines(const char *text)
{
	size_t n = 1;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static char *read_file(struct accounts *accounts, const struct root *root, int file)
{
	char *text = root_read(root, paths[file], FILE_LIMIT_BYTES, &accounts->arena, NULL);

	return text ? text : arena_copy(&accounts->arena, "", 0);
}

static void load_users(struct accounts *accounts, const struct root *root)
{
	char *text = read_file(accounts, root, PASSWD);
	char *line;

	accounts->users = arena_alloc(
		&accounts->arena, count_lines(text) * sizeof(*accounts->users));
	accounts->n_users = 0;
	while ((line = text_line(&text)))
		if (parse_user(line, &accounts->users[accounts->n_users]))
			accounts->n_users++;
}

static void load_groups(struct accounts *accounts, const struct root *root)
{
	char *text = read_file(accounts, root, GROUP);
	char *line;

	accounts->groups = arena_alloc(
		&accounts->arena, count_lines(text) * sizeof(*accounts->groups));
	accounts->n_groups = 0;
	while ((line = text_line(&text)))
		if (parse_group(&accounts->arena, line, &accounts->groups[accounts->n_groups]))
			accounts->n_groups++;
}

struct sources {
	bool systemd, others; // beside files and compat, which we read ourselves
};

// "passwd: files systemd [NOTFOUND=return]"
static struct sources read_sources(char *words)
{
	struct sources sources = { 0 };
	char *word;

	while ((word = text_word(&words, " \t"))) {
		if (strcmp(word, "systemd") == 0)
			sources.systemd = true;
		else if (*word != '[' && strcmp(word, "files") != 0 && strcmp(word, "compat") != 0)
			sources.others = true;
	}
	return sources;
}

static bool has_userdb(const struct root *root)
{
	static const char *const folders[] = { "etc/userdb", "run/userdb", "usr/lib/userdb",
		"usr/local/lib/userdb", "run/host/userdb" };
	struct stat status;

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (root_stat(root, folders[i], &status, 0) == 0)
			return true;
	return false;
}

static void load_switch(struct accounts *accounts, const struct root *root)
{
	char *text = read_file(accounts, root, SWITCH);
	struct sources users = { 0 }, groups = { 0 };
	char *line;

	while ((line = text_line(&text))) {
		line[strcspn(line, "#")] = '\0';
		if (text_starts(line, "passwd:"))
			users = read_sources(line + strlen("passwd:"));
		else if (text_starts(line, "group:"))
			groups = read_sources(line + strlen("group:"));
	}
	accounts->others[MORE_USERS] = users.systemd || users.others;
	accounts->others[MORE_GROUPS] = groups.systemd || groups.others;
	accounts->others[MORE_MEMBERSHIPS] = groups.others || (groups.systemd && has_userdb(root));
}

// ---- freshness ----

static void watch(struct accounts *accounts, const struct root *root)
{
	if (root->moved)
		return;
	accounts->watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (accounts->watch >= 0 &&
		inotify_add_watch(accounts->watch, "/etc",
			IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
				IN_DELETE | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR) < 0) {
		(void) close(accounts->watch);
		accounts->watch = -1;
	}
}

static bool is_ours(const struct inotify_event *event)
{
	if (event->len == 0) // the folder itself, or a queue that overflowed
		return true;
	for (int i = 0; i < FILES; i++)
		if (strcmp(event->name, paths[i] + strlen("etc/")) == 0)
			return true;
	return false;
}

// Reads all that happened in the folder. True if one of the files may have changed.
static bool was_changed(const struct accounts *accounts)
{
	_Alignas(struct inotify_event) char buffer[4096];
	bool changed = false;
	ssize_t length;

	while ((length = read(accounts->watch, buffer, sizeof(buffer))) > 0) {
		for (ssize_t at = 0; at < length;) {
			const struct inotify_event *event = (const void *) (buffer + at);

			changed |= is_ours(event);
			at += (ssize_t) (sizeof(*event) + event->len);
		}
	}
	return changed;
}

static bool has_other_status(struct accounts *accounts, const struct root *root)
{
	bool other = false;

	for (int i = 0; i < FILES; i++) {
		struct stat now = { 0 };
		struct stat *then = &accounts->status[i];

		(void) root_stat(root, paths[i], &now, 0);
		other |= now.st_ino != then->st_ino || now.st_dev != then->st_dev ||
			now.st_size != then->st_size ||
			now.st_mtim.tv_sec != then->st_mtim.tv_sec ||
			now.st_mtim.tv_nsec != then->st_mtim.tv_nsec ||
			now.st_ctim.tv_sec != then->st_ctim.tv_sec ||
			now.st_ctim.tv_nsec != then->st_ctim.tv_nsec;
		*then = now;
	}
	return other;
}

static void forget(struct accounts *accounts)
{
	free(accounts->users_by_uid.order);
	free(accounts->users_by_name.order);
	free(accounts->groups_by_gid.order);
	arena_done(&accounts->arena);
	*accounts = (struct accounts){ .watch = accounts->watch,
		.status = { accounts->status[0], accounts->status[1], accounts->status[2] } };
}

struct accounts *accounts_open(struct host *host)
{
	struct accounts *accounts = host->accounts;

	if (!accounts) {
		accounts = host->accounts = must_alloc(sizeof(*accounts));
		*accounts = (struct accounts){ .watch = -1 };
		watch(accounts, &host->root);
	}
	if (accounts->holders++ > 0)
		return accounts;
	if (accounts->watch >= 0 ? was_changed(accounts) : has_other_status(accounts, &host->root))
		accounts->loaded = false;
	if (!accounts->loaded) {
		forget(accounts);
		load_users(accounts, &host->root);
		load_groups(accounts, &host->root);
		load_switch(accounts, &host->root);
		accounts->loaded = true;
		accounts->holders = 1;
	}
	return accounts;
}

void accounts_close(struct accounts *accounts)
{
	if (accounts)
		accounts->holders--;
}

void accounts_free(struct accounts *accounts)
{
	if (!accounts)
		return;
	if (accounts->watch >= 0)
		(void) close(accounts->watch);
	forget(accounts);
	free(accounts);
}

// ---- indexes ----

static int compare_numbers(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

// Entries of one key stay in the order of the file, so that the first one is found.
#define COMPARE(name, array, comparison)                                                           \
	static int name(const void *left, const void *right, void *context)                        \
	{                                                                                          \
		const struct accounts *accounts = context;                                         \
		uint32_t l = *(const uint32_t *) left, r = *(const uint32_t *) right;              \
		const __typeof__(accounts->array[0]) *a = &accounts->array[l];                     \
		const __typeof__(accounts->array[0]) *b = &accounts->array[r];                     \
		int order = comparison;                                                            \
                                                                                                   \
		return order ? order : compare_numbers(l, r);                                      \
	}

COMPARE(by_uid, users, compare_numbers(a->uid, b->uid))
COMPARE(by_user_name, users, strcmp(a->name, b->name))
COMPARE(by_gid, groups, compare_numbers(a->gid, b->gid))

static const uint32_t *order_of(const struct accounts *accounts, const struct index *index,
	size_t n, int (*compare)(const void *, const void *, void *))
{
	struct index *made = (struct index *)
		index; // made on first use, behind a view that is const

	if (made->order)
		return made->order;
	made->order = must_alloc(n * sizeof(*made->order));
	for (size_t i = 0; i < n; i++)
		made->order[i] = (uint32_t) i;
	qsort_r(made->order, n, sizeof(*made->order), compare, (void *) accounts);
	return made->order;
}

// The position of the first entry that is not below the key, by bisection: `below` is compared with
// it.
#define FIND_FIRST(order, n, is_below)                                                             \
	({                                                                                         \
		size_t low_ = 0, high_ = (n);                                                      \
		while (low_ < high_) {                                                             \
			size_t middle_ = low_ + (high_ - low_) / 2;                                \
			uint32_t at = (order)[middle_];                                            \
			if (is_below)                                                              \
				low_ = middle_ + 1;                                                \
			else                                                                       \
				high_ = middle_;                                                   \
		}                                                                                  \
		low_;                                                                              \
	})

const struct user_entry *accounts_users(const struct accounts *accounts, size_t *n)
{
	*n = accounts->n_users;
	return accounts->users;
}

const struct group_entry *accounts_groups(const struct accounts *accounts, size_t *n)
{
	*n = accounts->n_groups;
	return accounts->groups;
}

// The first entry of the key that stands at the position in the file or behind it.
static const struct user_entry *user_from(
	const struct accounts *accounts, uint32_t uid, size_t position)
{
	const struct user_entry *users = accounts->users;
	size_t n = accounts->n_users;
	const uint32_t *order = order_of(accounts, &accounts->users_by_uid, n, by_uid);
	size_t first = FIND_FIRST(
		order, n, users[at].uid < uid || (users[at].uid == uid && at < position));

	return first < n && users[order[first]].uid == uid ? &users[order[first]] : NULL;
}

static const struct user_entry *named_from(
	const struct accounts *accounts, const char *name, size_t position)
{
	const struct user_entry *users = accounts->users;
	size_t n = accounts->n_users;
	const uint32_t *order = order_of(accounts, &accounts->users_by_name, n, by_user_name);
	size_t first = FIND_FIRST(order, n, ({
		int r_ = strcmp(users[at].name, name);
		r_ < 0 || (r_ == 0 && at < position);
	}));

	return first < n && strcmp(users[order[first]].name, name) == 0 ? &users[order[first]]
									: NULL;
}

const struct user_entry *accounts_user(const struct accounts *accounts, uint32_t uid)
{
	return user_from(accounts, uid, 0);
}

const struct user_entry *accounts_user_named(const struct accounts *accounts, const char *name)
{
	return named_from(accounts, name, 0);
}

const struct user_entry *accounts_same_uid(
	const struct accounts *accounts, const struct user_entry *user)
{
	return user_from(accounts, user->uid, (size_t) (user - accounts->users) + 1);
}

const struct user_entry *accounts_same_name(
	const struct accounts *accounts, const struct user_entry *user)
{
	return named_from(accounts, user->name, (size_t) (user - accounts->users) + 1);
}

const struct group_entry *accounts_group(const struct accounts *accounts, uint32_t gid)
{
	const struct group_entry *groups = accounts->groups;
	size_t n = accounts->n_groups;
	const uint32_t *order = order_of(accounts, &accounts->groups_by_gid, n, by_gid);
	size_t first = FIND_FIRST(order, n, groups[at].gid < gid);

	return first < n && groups[order[first]].gid == gid ? &groups[order[first]] : NULL;
}

// ---- memberships ----

static int compare_memberships(const void *left, const void *right)
{
	const struct membership *a = left, *b = right;
	int order = strcmp(a->user, b->user);

	return order ? order : (a->group > b->group) - (a->group < b->group);
}

static void make_memberships(struct accounts *accounts)
{
	size_t n = 0, i = 0;

	for (size_t g = 0; g < accounts->n_groups; g++)
		for (const char *const *member = accounts->groups[g].members; *member; member++)
			n++;
	accounts->n_memberships = n;
	accounts->memberships = arena_alloc(&accounts->arena, (n + 1) * sizeof(struct membership));
	for (size_t g = 0; g < accounts->n_groups; g++)
		for (const char *const *member = accounts->groups[g].members; *member; member++)
			accounts->memberships[i++] = (struct membership){ *member,
				&accounts->groups[g] };
	qsort(accounts->memberships, n, sizeof(struct membership), compare_memberships);

	// with a NULL after each user's groups, there are at most twice as many
	accounts->joined = arena_alloc(&accounts->arena, (2 * n + 1) * sizeof(*accounts->joined));
}

const struct group_entry *const *accounts_memberships(const struct accounts *view, const char *user)
{
	static const struct group_entry *const none[] = { NULL };
	struct accounts *accounts = (struct accounts *) view; // made on first use
	size_t low = 0, high, n = 0;

	if (!accounts->memberships)
		make_memberships(accounts);
	high = accounts->n_memberships;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(accounts->memberships[middle].user, user) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	// each user has a part of `joined` of its own, at twice its first position
	high = low;
	for (; high < accounts->n_memberships &&
		strcmp(accounts->memberships[high].user, user) == 0;
		high++)
		accounts->joined[2 * low + n++] = accounts->memberships[high].group;
	if (n == 0)
		return none;
	accounts->joined[2 * low + n] = NULL;
	return accounts->joined + 2 * low;
}

bool accounts_has_others(const struct accounts *accounts, enum accounts_question question)
{
	return accounts->others[question];
}
