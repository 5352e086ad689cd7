// SPDX-License-Identifier: Apache-2.0
#include "events/rules.h"

#include <limits.h>
#include <sys/stat.h>

#include "test.h"

// A folder with etc/, etc/ssl/, home/a/.ssh/, and a link conf -> etc.
struct place {
	char path[64];
	struct root root;
};

static void make_place(struct place *place)
{
	struct fault why;
	char path[256];
	const char *folders[] = { "etc", "etc/ssl", "home", "home/a", "home/a/.ssh" };

	(void) snprintf(place->path, sizeof(place->path), "/tmp/rules_test.XXXXXX");
	CHECK(mkdtemp(place->path));
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void) snprintf(path, sizeof(path), "%s/%s", place->path, folders[i]);
		CHECK(mkdir(path, 0755) == 0);
	}
	(void) snprintf(path, sizeof(path), "%s/conf", place->path);
	CHECK(symlink("etc", path) == 0);
	CHECK(root_open(&place->root, "/", &why) == 0);
}

static void remove_place(struct place *place)
{
	char path[256];
	const char *names[] = { "conf", "new/deep", "new", "etc/ssl", "etc", "home/a/.ssh",
		"home/a", "home" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void) snprintf(path, sizeof(path), "%s/%s", place->path, names[i]);
		(void) remove(path);
	}
	CHECK(rmdir(place->path) == 0);
	root_close(&place->root);
}

static const char *in(const struct place *place, const char *path)
{
	static char room[8][256];
	static unsigned next;
	char *text = room[next++ % 8];

	(void) snprintf(text, 256, "%s%s", place->path, path);
	return text;
}

static struct rules *open_one(const struct place *place, const char *pattern, bool opens)
{
	const char *patterns[] = { pattern, NULL };
	const char *accesses[] = { "one", NULL };
	struct rule_list list = { "one", patterns };

	return rules_open(&place->root,
		&(struct rules_given){ .file_paths = &list,
			.n_file_paths = 1,
			.file_accesses = accesses,
			.opens = opens });
}

static bool matches(struct rules *rules, const char *path)
{
	size_t n;

	(void) rules_match(rules, EVENT_WRITE, path, &n);
	return n > 0;
}

TEST(a_wildcard_is_one_part_and_two_are_everything_below)
{
	struct place place;
	struct rules *rules;

	make_place(&place);
	rules = open_one(&place, in(&place, "/etc/%"), false);
	CHECK(matches(rules, in(&place, "/etc/passwd")));
	CHECK(!matches(rules, in(&place, "/etc/ssl/cert")));
	CHECK(!matches(rules, in(&place, "/etcetera")));
	rules_close(rules);

	rules = open_one(&place, in(&place, "/etc/%%"), false);
	CHECK(matches(rules, in(&place, "/etc/passwd")));
	CHECK(matches(rules, in(&place, "/etc/ssl/a/b/c")));
	CHECK(!matches(rules, in(&place, "/etc")));
	rules_close(rules);

	rules = open_one(&place, in(&place, "/home/%/.ssh/%%"), false);
	CHECK(matches(rules, in(&place, "/home/a/.ssh/id")));
	CHECK(matches(rules, in(&place, "/home/b/.ssh/x/y")));
	CHECK(!matches(rules, in(&place, "/home/a/b/.ssh/id")));
	CHECK(!matches(rules, in(&place, "/home/a/.sshd/id")));
	rules_close(rules);

	rules = open_one(&place, in(&place, "/etc/pa*.c%f"), false);
	CHECK(matches(rules, in(&place, "/etc/pam.conf")));
	CHECK(!matches(rules, in(&place, "/etc/pam.con")));
	rules_close(rules);
	remove_place(&place);
}

TEST(a_folder_means_what_is_in_it_and_a_file_itself)
{
	struct place place;
	struct rules *rules;
	size_t n;

	make_place(&place);
	rules = open_one(&place, in(&place, "/etc"), false);
	CHECK(matches(rules, in(&place, "/etc/passwd")));
	CHECK(!matches(rules, in(&place, "/etc/ssl/cert")));
	rules_close(rules);

	rules = open_one(&place, in(&place, "/etc/passwd"), false);
	CHECK(matches(rules, in(&place, "/etc/passwd")));
	CHECK(!matches(rules, in(&place, "/etc/shadow")));
	CHECK(strcmp(rules_watches(rules, &n)[0].path, in(&place, "/etc")) == 0);
	CHECK(n == 1 && rules_watches(rules, &n)[0].depth == 1);
	rules_close(rules);
	remove_place(&place);
}

TEST(links_in_a_pattern_are_followed)
{
	struct place place;
	struct rules *rules;
	size_t n;

	make_place(&place);
	rules = open_one(&place, in(&place, "/conf/%%"), false);
	CHECK(matches(rules, in(&place, "/etc/passwd")));
	CHECK(!matches(rules, in(&place, "/conf/passwd"))); // nobody tells it by that name
	CHECK(strcmp(rules_watches(rules, &n)[0].path, in(&place, "/etc")) == 0);
	CHECK(rules_watches(rules, &n)[0].depth == UINT_MAX);
	rules_close(rules);
	remove_place(&place);
}

TEST(a_folder_that_is_missing_is_watched_from_above_until_it_is_there)
{
	struct place place;
	struct rules *rules;
	const struct rule_watch *watch;
	size_t n;

	make_place(&place);
	rules = open_one(&place, in(&place, "/new/deep/%"), false);
	watch = rules_watches(rules, &n);
	CHECK(n == 1 && watch->missing && strcmp(watch->path, place.path) == 0);
	CHECK(watch->depth == 3);
	CHECK(rules_concern(rules, in(&place, "/new")));
	CHECK(rules_concern(rules, in(&place, "/new/deep")));
	CHECK(!rules_concern(rules, in(&place, "/new/other")));
	CHECK(matches(rules, in(&place, "/new/deep/file")));
	CHECK(!rules_resolve(rules));

	CHECK(mkdir(in(&place, "/new"), 0755) == 0);
	CHECK(rules_resolve(rules));
	CHECK(mkdir(in(&place, "/new/deep"), 0755) == 0);
	CHECK(rules_resolve(rules));
	watch = rules_watches(rules, &n);
	CHECK(n == 1 && !watch->missing && watch->depth == 1);
	CHECK(strcmp(watch->path, in(&place, "/new/deep")) == 0);
	rules_close(rules);
	remove_place(&place);
}

TEST(opens_are_for_categories_with_accesses_and_only_on_request)
{
	struct place place;
	struct rules *rules;
	size_t n;

	make_place(&place);
	rules = open_one(&place, in(&place, "/etc/%%"), false);
	(void) rules_match(rules, EVENT_OPEN, in(&place, "/etc/passwd"), &n);
	CHECK(n == 0 && !rules_watches(rules, &n)[0].opens);
	rules_close(rules);

	rules = open_one(&place, in(&place, "/etc/%%"), true);
	CHECK(rules_match(rules, EVENT_OPEN, in(&place, "/etc/passwd"), &n)->accesses);
	CHECK(n == 1 && rules_watches(rules, &n)[0].opens);
	rules_close(rules);
	remove_place(&place);
}

TEST(what_is_excluded_or_muted_matches_no_category)
{
	struct place place;
	struct rules *rules;
	const char *first[3], *second[2], *out[3], *mute[2];
	struct rule_list lists[2], excluded;
	const char *processes[] = { "/usr/bin/noisy", "/opt/%%", NULL };
	const struct event_category *found;
	size_t n;

	make_place(&place);
	first[0] = in(&place, "/etc/%%");
	first[1] = in(&place, "/etc/passwd"); // twice in one category is once
	second[0] = in(&place, "/etc/passwd");
	out[0] = in(&place, "/etc/ssl/%%");
	out[1] = in(&place, "/etc/%.swp");
	mute[0] = in(&place, "/etc/mtab");
	first[2] = second[1] = out[2] = mute[1] = NULL;
	lists[0] = (struct rule_list){ "first", first };
	lists[1] = (struct rule_list){ "second", second };
	excluded = (struct rule_list){ "first", out };
	rules = rules_open(&place.root,
		&(struct rules_given){ .file_paths = lists,
			.n_file_paths = 2,
			.exclude_paths = &excluded,
			.n_exclude_paths = 1,
			.mute_paths = mute,
			.mute_processes = processes });
	found = rules_match(rules, EVENT_WRITE, in(&place, "/etc/passwd"), &n);
	CHECK(n == 2 && strcmp(found[0].name, "first") == 0);
	CHECK(strcmp(found[1].name, "second") == 0);
	CHECK(!matches(rules, in(&place, "/etc/ssl/cert")));
	CHECK(!matches(rules, in(&place, "/etc/.passwd.swp")));
	CHECK(!matches(rules, in(&place, "/etc/mtab")));
	CHECK(rules_mute_process(rules, "/usr/bin/noisy"));
	CHECK(rules_mute_process(rules, "/opt/a/b"));
	CHECK(!rules_mute_process(rules, "/usr/bin/noisy2"));
	rules_close(rules);
	remove_place(&place);
}
