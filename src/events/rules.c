// SPDX-License-Identifier: Apache-2.0
#include "events/rules.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"

// A pattern, cut into what is compared.
struct rule {
	const char *text; // as it was given
	size_t folder; // length of the part of the text that names a folder: before a wildcard
	char *prefix; // the folder without links, as far as it is there; ends in '/'
	size_t prefix_length;
	const char *rest; // of the text, behind the folder: parts with wildcards
	bool everything; // ends in %%
	bool directly; // a folder whose direct content is meant, with nothing behind it
	unsigned depth; // levels that the pattern reaches below its folder
	size_t category; // of struct rules
};

struct rule_set {
	struct rule *rules;
	size_t n;
};

struct rules {
	const struct root *root;
	struct arena arena; // names and texts
	struct rule_set paths, excluded, muted_paths, muted_processes;
	struct event_category *categories;
	size_t n_categories;
	bool opens;
	struct event_category *found; // of the last match
	struct rule_watch *watches;
	size_t n_watches;
};

// ---- patterns ----

static bool is_wildcard(char character)
{
	return character == '%' || character == '*';
}

static bool is_folder(const struct rules *rules, const char *path)
{
	struct stat status;

	return root_stat(rules->root, path, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

// The length of the part that names a folder, with its '/'.
static size_t folder_length(const char *text)
{
	size_t slash = 0;

	for (size_t i = 0; text[i] && !is_wildcard(text[i]); i++)
		if (text[i] == '/')
			slash = i + 1;
	return slash;
}

static unsigned count_parts(const char *rest)
{
	unsigned n = *rest != '\0';

	for (; *rest; rest++)
		n += *rest == '/' && rest[1];
	return n;
}

static bool ends_in_everything(const char *text)
{
	size_t length = strlen(text);

	return length >= 3 && is_wildcard(text[length - 1]) && is_wildcard(text[length - 2]) &&
		text[length - 3] == '/';
}

static void add_rule(struct rules *rules, struct rule_set *set, const char *text, size_t category)
{
	struct rule rule = { .category = category };
	size_t length = strlen(text);

	if (text[0] != '/' || length >= PATH_MAX) {
		if (*text)
			log_warning("file_paths: \"%s\" is no absolute path and is left out", text);
		return;
	}
	rule.text = arena_copy(&rules->arena, text, length);
	rule.everything = ends_in_everything(text);
	set->rules = must_resize(set->rules, (set->n + 1) * sizeof(rule));
	set->rules[set->n++] = rule;
}

static void add_rules(
	struct rules *rules, struct rule_set *set, const char *const *texts, size_t category)
{
	for (; texts && *texts; texts++)
		add_rule(rules, set, *texts, category);
}

// The longest part of `path` that is there, without links, and behind it what is missing. `path`
// and the result end in '/'.
static char *resolve(const struct rules *rules, const char *path, size_t length, bool *missing)
{
	auto_free char *there = must_alloc(length + 1);
	auto_text struct text whole = { 0 };
	size_t end = length;

	memcpy(there, path, length);
	there[length] = '\0';
	*missing = false;
	while (end > 1) {
		auto_free char *real = NULL;

		there[end - 1] = '\0'; // the '/'
		real = rules->root->moved ? must_dup(there) : realpath(there, NULL);
		if (real && is_folder(rules, real)) {
			text_add_string(&whole, strcmp(real, "/") == 0 ? "" : real);
			break;
		}
		*missing = true;
		for (end--; end > 1 && there[end - 1] != '/'; end--)
			;
	}
	text_add(&whole, path + end - 1, length - end + 1);
	return take(whole.bytes);
}

// Finds out what the folder of a rule is at present.
static void settle(const struct rules *rules, struct rule *rule)
{
	bool missing;

	rule->folder = folder_length(rule->text);
	rule->rest = rule->text + rule->folder;
	rule->directly = false;
	free(rule->prefix);
	if (*rule->rest && !strpbrk(rule->rest, "%*") && is_folder(rules, rule->text)) {
		// "/etc" is what is in it, as "/etc/" is
		auto_text struct text text = { 0 };

		text_printf(&text, "%s/", rule->text);
		rule->prefix = resolve(rules, text.bytes, text.length, &missing);
		rule->rest = "";
	} else {
		rule->prefix = resolve(rules, rule->text, rule->folder, &missing);
	}
	rule->directly = *rule->rest == '\0';
	rule->prefix_length = strlen(rule->prefix);
	rule->depth = rule->everything ? UINT_MAX : rule->directly ? 1 : count_parts(rule->rest);
}

// ---- matching ----

// One part of a path against one of a pattern.
static bool part_matches(
	const char *pattern, const char *pattern_end, const char *part, const char *part_end)
{
	const char *star = NULL, *again = NULL;

	while (part < part_end) {
		if (pattern < pattern_end && is_wildcard(*pattern)) {
			star = ++pattern;
			again = part;
		} else if (pattern < pattern_end && *pattern == *part) {
			pattern++;
			part++;
		} else if (star) {
			pattern = star;
			part = ++again;
		} else {
			return false;
		}
	}
	while (pattern < pattern_end && is_wildcard(*pattern))
		pattern++;
	return pattern == pattern_end;
}

static const char *part_end(const char *part)
{
	const char *slash = strchr(part, '/');

	return slash ? slash : part + strlen(part);
}

// What is behind the folder.
static bool rest_matches(const struct rule *rule, const char *path)
{
	const char *pattern = rule->rest;

	if (rule->directly)
		return *path && !strchr(path, '/');
	while (*pattern && *path) {
		const char *pattern_stop = part_end(pattern), *stop = part_end(path);

		if (rule->everything && *pattern_stop == '\0')
			return true;
		if (!part_matches(pattern, pattern_stop, path, stop))
			return false;
		pattern = *pattern_stop ? pattern_stop + 1 : pattern_stop;
		path = *stop ? stop + 1 : stop;
	}
	return *pattern == '\0' && *path == '\0';
}

static bool rule_matches(const struct rule *rule, const char *path, size_t length)
{
	return length >= rule->prefix_length &&
		memcmp(path, rule->prefix, rule->prefix_length) == 0 &&
		rest_matches(rule, path + rule->prefix_length);
}

static bool set_matches(const struct rule_set *set, const char *path, size_t length)
{
	for (size_t i = 0; i < set->n; i++)
		if (rule_matches(&set->rules[i], path, length))
			return true;
	return false;
}

// A path is excluded by its own name or by that of its folder.
static bool is_excluded(const struct rules *rules, const char *path, size_t length)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t folder_bytes = (size_t) (slash - path);

	if (rules->excluded.n == 0)
		return false;
	if (set_matches(&rules->excluded, path, length))
		return true;
	if (folder_bytes == 0 || folder_bytes >= sizeof(folder))
		return false;
	memcpy(folder, path, folder_bytes);
	folder[folder_bytes] = '\0';
	return set_matches(&rules->excluded, folder, folder_bytes);
}

const struct event_category *rules_match(
	struct rules *rules, enum event_kind kind, const char *path, size_t *n)
{
	size_t length = strlen(path), last = SIZE_MAX;

	*n = 0;
	for (size_t i = 0; i < rules->paths.n; i++) {
		const struct rule *rule = &rules->paths.rules[i];
		const struct event_category *category = &rules->categories[rule->category];

		// the patterns of a category stand together
		if (rule->category == last || !rule_matches(rule, path, length) ||
			(kind == EVENT_OPEN && !(rules->opens && category->accesses)))
			continue;
		last = rule->category;
		rules->found[(*n)++] = *category;
	}
	if (*n > 0 &&
		(is_excluded(rules, path, length) ||
			set_matches(&rules->muted_paths, path, length)))
		*n = 0;
	return rules->found;
}

bool rules_mute_process(struct rules *rules, const char *executable)
{
	return set_matches(&rules->muted_processes, executable, strlen(executable));
}

// ---- watches ----

// A folder of the same name may be another one; inodes are used again.
static void identify(const struct rules *rules, struct rule_watch *watch)
{
	struct stat status;
	struct statx more;

	if (root_stat(rules->root, watch->path, &status, 0) < 0)
		return;
	watch->device = status.st_dev;
	watch->inode = status.st_ino;
	if (!rules->root->moved &&
		statx(AT_FDCWD, watch->path, AT_NO_AUTOMOUNT, STATX_BTIME, &more) == 0 &&
		more.stx_mask & STATX_BTIME)
		watch->born_ns = (uint64_t) more.stx_btime.tv_sec * 1000000000 +
			more.stx_btime.tv_nsec;
}

static void add_watch(struct rules *rules, const struct rule_watch *watch)
{
	for (size_t i = 0; i < rules->n_watches; i++) {
		struct rule_watch *known = &rules->watches[i];

		if (strcmp(known->path, watch->path) != 0)
			continue;
		if (known->depth < watch->depth)
			known->depth = watch->depth;
		known->opens |= watch->opens;
		known->missing |= watch->missing;
		return;
	}
	rules->watches = must_resize(
		rules->watches, (rules->n_watches + 1) * sizeof(*rules->watches));
	rules->watches[rules->n_watches] = *watch;
	rules->watches[rules->n_watches].path = must_dup(watch->path);
	identify(rules, &rules->watches[rules->n_watches++]);
}

// The folder that is watched for a rule: its own, or the nearest above it that is there.
static void watch_for(struct rules *rules, const struct rule *rule)
{
	char path[PATH_MAX * 2];
	struct rule_watch watch = {
		.path = path,
		.depth = rule->depth,
		.opens = rules->opens && rules->categories[rule->category].accesses,
	};
	size_t end = rule->prefix_length;

	if (end >= sizeof(path))
		return;
	memcpy(path, rule->prefix, end + 1);
	while (end > 1) {
		path[--end] = '\0'; // the '/'
		if (is_folder(rules, path))
			break;
		watch.missing = true;
		if (watch.depth != UINT_MAX)
			watch.depth++;
		while (end > 1 && path[end - 1] != '/')
			end--;
	}
	if (end <= 1)
		(void) snprintf(path, sizeof(path), "/");
	add_watch(rules, &watch);
}

static void forget_watches(struct rule_watch *watches, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *) watches[i].path);
	free(watches);
}

static bool watches_differ(
	const struct rule_watch *a, size_t n_a, const struct rule_watch *b, size_t n_b)
{
	if (n_a != n_b)
		return true;
	for (size_t i = 0; i < n_a; i++)
		if (strcmp(a[i].path, b[i].path) != 0 || a[i].depth != b[i].depth ||
			a[i].opens != b[i].opens || a[i].missing != b[i].missing ||
			a[i].device != b[i].device || a[i].inode != b[i].inode ||
			a[i].born_ns != b[i].born_ns)
			return true;
	return false;
}

bool rules_resolve(struct rules *rules)
{
	struct rule_set *sets[] = { &rules->paths, &rules->excluded, &rules->muted_paths,
		&rules->muted_processes };
	struct rule_watch *before = rules->watches;
	size_t n_before = rules->n_watches;
	bool differ;

	for (size_t s = 0; s < sizeof(sets) / sizeof(sets[0]); s++)
		for (size_t i = 0; i < sets[s]->n; i++)
			settle(rules, &sets[s]->rules[i]);
	rules->watches = NULL;
	rules->n_watches = 0;
	for (size_t i = 0; i < rules->paths.n; i++)
		watch_for(rules, &rules->paths.rules[i]);
	differ = watches_differ(before, n_before, rules->watches, rules->n_watches);
	forget_watches(before, n_before);
	return differ;
}

const struct rule_watch *rules_watches(const struct rules *rules, size_t *n)
{
	*n = rules->n_watches;
	return rules->watches;
}

// Whether `path` is `folder` or above it; both without a '/' at the end, `folder` may have one.
static bool is_above(const char *path, const char *folder)
{
	size_t length = strlen(path);

	return strncmp(path, folder, length) == 0 &&
		(folder[length] == '/' || folder[length] == '\0');
}

bool rules_concern(const struct rules *rules, const char *path)
{
	for (size_t i = 0; i < rules->paths.n; i++) {
		const struct rule *rule = &rules->paths.rules[i];

		// as it was written, and where its links lead; a name that may become a folder
		if (is_above(path, rule->text) || is_above(path, rule->prefix))
			return true;
	}
	return false;
}

// ---- opening ----

static bool has(const char *const *list, const char *name)
{
	for (; list && *list; list++)
		if (strcmp(*list, name) == 0)
			return true;
	return false;
}

struct rules *rules_open(const struct root *root, const struct rules_given *given)
{
	struct rules *rules = must_alloc(sizeof(*rules));

	*rules = (struct rules){
		.root = root,
		.opens = given->opens,
		.n_categories = given->n_file_paths,
		.categories = must_alloc((given->n_file_paths + 1) * sizeof(*rules->categories)),
		.found = must_alloc((given->n_file_paths + 1) * sizeof(*rules->found)),
	};
	for (size_t i = 0; i < given->n_file_paths; i++) {
		const struct rule_list *list = &given->file_paths[i];

		rules->categories[i] = (struct event_category){
			.name = arena_copy(&rules->arena, list->name, strlen(list->name)),
			.accesses = has(given->file_accesses, list->name),
		};
		add_rules(rules, &rules->paths, list->values, i);
	}
	for (size_t i = 0; i < given->n_exclude_paths; i++)
		add_rules(rules, &rules->excluded, given->exclude_paths[i].values, 0);
	add_rules(rules, &rules->muted_paths, given->mute_paths, 0);
	add_rules(rules, &rules->muted_processes, given->mute_processes, 0);
	(void) rules_resolve(rules);
	return rules;
}

static void forget_rules(struct rule_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		free(set->rules[i].prefix);
	free(set->rules);
}

void rules_close(struct rules *rules)
{
	if (!rules)
		return;
	forget_rules(&rules->paths);
	forget_rules(&rules->excluded);
	forget_rules(&rules->muted_paths);
	forget_rules(&rules->muted_processes);
	forget_watches(rules->watches, rules->n_watches);
	free(rules->categories);
	free(rules->found);
	arena_done(&rules->arena);
	free(rules);
}
