// SPDX-License-Identifier: Apache-2.0
#include "tables/user/homes.h"

#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "host/folder.h"

void homes_open(struct homes *homes, struct scan *scan, unsigned uid)
{
	*homes = (struct homes){ .scan = scan, .uids = scan_given(scan, uid) };
	homes->accounts = accounts_open(scan_host(scan));
	if (!homes->uids && geteuid() == 0)
		scan_warn(scan,
			"these are data of the current user only; join users to have those of all: "
			"… FROM users JOIN … USING (uid)");
}

void homes_close(struct homes *homes)
{
	if (homes->accounts)
		accounts_close(homes->accounts);
	text_done(&homes->home);
	*homes = (struct homes){ 0 };
}

static const char *home_of(const struct homes *homes, uint32_t uid)
{
	const struct user_entry *user = accounts_user(homes->accounts, uid);
	const struct passwd *entry;

	if (user)
		return user->home;
	// another process' view and a recorded root have files only
	if (scan_root(homes->scan)->moved || !accounts_has_others(homes->accounts, MORE_USERS))
		return NULL;
	entry = getpwuid(uid);
	return entry ? entry->pw_dir : NULL;
}

bool homes_next(struct homes *homes)
{
	size_t count = homes->uids ? homes->uids->count : 1;

	while (homes->at < count) {
		const char *home;
		size_t length;

		homes->uid = homes->uids ? homes->uids->values[homes->at].integer : geteuid();
		homes->at++;
		home = homes->uid >= 0 && homes->uid <= UINT32_MAX
			? home_of(homes, (uint32_t) homes->uid)
			: NULL;
		if (!home || *home != '/')
			continue;
		length = strlen(home);
		while (length > 0 && home[length - 1] == '/')
			length--;
		text_clear(&homes->home);
		text_add(&homes->home, home, length);
		return true;
	}
	return false;
}

bool homes_want(const struct homes *homes, int64_t uid)
{
	for (size_t i = 0; homes->uids && i < homes->uids->count; i++)
		if (homes->uids->values[i].integer == uid)
			return true;
	return !homes->uids;
}

// ---- lines ----

void home_lines_open(
	struct home_lines *lines, struct scan *scan, unsigned uid, const char *const *files)
{
	homes_open(&lines->homes, scan, uid);
	lines->files = files;
}

void home_lines_close(struct home_lines *lines)
{
	homes_close(&lines->homes);
	lines_close(&lines->lines);
	text_done(&lines->path);
	arena_done(&lines->arena);
}

static int open_file(struct home_lines *lines)
{
	lines->first = true;
	(void) lines_open(&lines->lines, scan_root(lines->homes.scan), lines->path.bytes);
	return SKIP;
}

// A file of the folder whose names are at hand, which the current entry of the list is about.
static int open_of_folder(struct home_lines *lines)
{
	const char *pattern = *lines->file, *star = strchr(pattern, '*');
	const char *name = *lines->names;

	if (!name) {
		lines->names = NULL;
		lines->file++;
		return SKIP;
	}
	lines->names++;
	if (!text_ends(name, star + 1))
		return SKIP;
	text_clear(&lines->path);
	text_printf(&lines->path, "%s/%.*s%s", lines->homes.home.bytes, (int) (star - pattern),
		pattern, name);
	return open_file(lines);
}

static int next_file(struct home_lines *lines)
{
	const char *star;

	if (lines->names)
		return open_of_folder(lines);
	if (!lines->file || !*lines->file) {
		lines->file = lines->files;
		return homes_next(&lines->homes) ? SKIP : END;
	}
	star = strchr(*lines->file, '*');
	text_clear(&lines->path);
	text_printf(&lines->path, "%s/%.*s", lines->homes.home.bytes,
		(int) (star ? (size_t) (star - *lines->file) : strlen(*lines->file)), *lines->file);
	if (star) {
		arena_reset(&lines->arena);
		lines->names = folder_names(
			scan_root(lines->homes.scan), lines->path.bytes, &lines->arena);
		return SKIP;
	}
	lines->file++;
	return open_file(lines);
}

int home_lines_next(struct home_lines *lines)
{
	return lines_next(&lines->lines) ? ROW : next_file(lines);
}
