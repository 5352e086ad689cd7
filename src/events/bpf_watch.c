// SPDX-License-Identifier: Apache-2.0
#include "events/bpf_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/log.h"

enum { WATCHES_MAX = 16384 }; // as many as the map of the kernel has room for

// ---- asking the kernel ----

// Without the program: stat(2), which tells another device for some file systems (btrfs,
// overlayfs).
static int locate_by_stat(struct bpf_watches *watches, int fd)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	watches->answer.key = (struct wire_key){
		(uint64_t) major(status.st_dev) << 20 | minor(status.st_dev), status.st_ino
	};
	watches->answer.names = (struct wire_names){ 0 };
	return 0;
}

int bpf_watches_locate(struct bpf_watches *watches, int fd)
{
	const struct bpf_library *library = watches->library;
	struct wire_answer *answer = &watches->answer;
	uint32_t first = 0;

	if (library->run(watches->loaded->locate, (uint64_t) fd) < 0 ||
		library->lookup(watches->loaded->maps[BPF_MAP_ANSWER], &first, answer) < 0)
		return locate_by_stat(watches, fd);
	return answer->found ? 0 : -EBADF;
}

// ---- the list that is to be ----

// The same for the same path, so that records of an earlier process are understood.
static uint32_t name_id(const char *path)
{
	uint32_t hash = 2166136261; // FNV-1a

	for (; *path; path++)
		hash = (hash ^ (unsigned char) *path) * 16777619;
	return hash;
}

static void free_list(struct bpf_watch *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i].path);
	free(list);
}

static struct bpf_watch *find_key(struct bpf_watch *list, size_t n, const struct wire_key *key)
{
	for (size_t i = 0; i < n; i++)
		if (memcmp(&list[i].key, key, sizeof(*key)) == 0)
			return &list[i];
	return NULL;
}

// Adds a folder; one that is there already is widened.
static void add(struct bpf_watches *watches, const char *path, const struct wire_watch *wanted)
{
	auto_close int fd = open(path, O_PATH | O_CLOEXEC | O_NOFOLLOW);
	struct bpf_watch *watch;

	if (fd < 0 || bpf_watches_locate(watches, fd) < 0)
		return; // gone meanwhile
	watch = find_key(watches->list, watches->n, &watches->answer.key);
	if (!watch) {
		if (watches->n >= WATCHES_MAX)
			return;
		watches->list = must_resize(watches->list, (watches->n + 1) * sizeof(*watch));
		watch = &watches->list[watches->n++];
		*watch = (struct bpf_watch){ must_dup(path), watches->answer.key, { 0 } };
		watch->wire.id = name_id(path);
	}
	if (wanted->depth > watch->wire.depth)
		watch->wire.depth = wanted->depth;
	watch->wire.opens |= wanted->opens;
	watch->wire.whole |= wanted->whole;
}

// How many levels the path is below the folder; 0: it is not.
static unsigned level_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);
	unsigned level = 0;

	while (length > 0 && folder[length - 1] == '/')
		length--;
	if (strncmp(path, folder, length) != 0 || path[length] != '/' || path[length + 1] == '\0')
		return 0;
	for (const char *at = path + length; *at; at++)
		level += *at == '/';
	return level;
}

// Mountinfo writes blanks, tabs, newlines and backslashes as three octal digits.
static void unescape(char *path)
{
	char *to = path;

	for (const char *at = path; *at; at++) {
		if (*at == '\\' && at[1] >= '0' && at[1] <= '3' && at[2] && at[3]) {
			*to++ = (char) ((at[1] - '0') * 64 + (at[2] - '0') * 8 + (at[3] - '0'));
			at += 3;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
}

static void add_mount(
	struct bpf_watches *watches, const char *point, const struct rule_watch *rules, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned level = level_below(point, rules[i].path);
		struct wire_watch wanted = { 0, rules[i].depth, rules[i].opens, true };

		if (level == 0 || level > rules[i].depth)
			continue;
		if (rules[i].depth != UINT_MAX)
			wanted.depth -= level;
		add(watches, point, &wanted);
	}
}

static void add_mounts(struct bpf_watches *watches, const struct rule_watch *rules, size_t n)
{
	auto_fclose FILE *file = fopen("/proc/self/mountinfo", "re");
	auto_free char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) > 0) {
		char *rest = line, *point = NULL;

		for (unsigned i = 0; i < 5; i++) // the fifth word is the mount point
			point = text_word(&rest, " \n");
		if (!point)
			continue;
		unescape(point);
		add_mount(watches, point, rules, n);
	}
}

// ---- making it so ----

static void set_filter(struct wire_settings *settings, const struct bpf_watch *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint32_t bit = wire_filter(list[i].key.inode);

		settings->filter[bit / 64] |= UINT64_C(1) << bit % 64;
	}
}

// Removes what an earlier process has left.
static void remove_unknown(struct bpf_watches *watches)
{
	int map = watches->loaded->maps[BPF_MAP_WATCHES];
	struct wire_key key, after;
	const void *at = NULL;

	while (watches->library->next(map, at, &after) == 0) {
		if (at && !find_key(watches->list, watches->n, &key))
			(void) watches->library->remove(map, &key);
		key = after;
		at = &key;
	}
	if (at && !find_key(watches->list, watches->n, &key))
		(void) watches->library->remove(map, &key);
}

static int compare_ids(const void *left, const void *right)
{
	uint32_t a = ((const struct bpf_watch *) left)->wire.id;
	uint32_t b = ((const struct bpf_watch *) right)->wire.id;

	return (a > b) - (a < b);
}

int bpf_watches_set(struct bpf_watches *watches, const struct rules *rules,
	struct wire_settings *settings, struct fault *why)
{
	int map = watches->loaded->maps[BPF_MAP_WATCHES], r;
	const struct rule_watch *list;
	size_t n;

	free_list(watches->before, watches->n_before);
	watches->before = watches->list;
	watches->n_before = watches->n;
	watches->list = NULL;
	watches->n = 0;
	list = rules_watches(rules, &n);
	for (size_t i = 0; i < n; i++)
		add(watches, list[i].path,
			&(struct wire_watch){ 0, list[i].depth, list[i].opens, false });
	add_mounts(watches, list, n);
	if (watches->n > 0)
		qsort(watches->list, watches->n, sizeof(*watches->list), compare_ids);
	for (size_t i = 0; i < watches->n; i++) {
		r = watches->library->update(map, &watches->list[i].key, &watches->list[i].wire);
		if (r < 0) {
			errno = -r;
			return fail(why, r, "bpf: watching %s: %m", watches->list[i].path);
		}
	}
	set_filter(settings, watches->list, watches->n);
	return 0;
}

void bpf_watches_finish(struct bpf_watches *watches, struct wire_settings *settings)
{
	int map = watches->loaded->maps[BPF_MAP_WATCHES];

	for (size_t i = 0; i < watches->n_before; i++)
		if (!find_key(watches->list, watches->n, &watches->before[i].key))
			(void) watches->library->remove(map, &watches->before[i].key);
	if (!watches->seen)
		remove_unknown(watches);
	watches->seen = true;
	memset(settings->filter, 0, sizeof(settings->filter));
	set_filter(settings, watches->list, watches->n);
}

void bpf_watches_done(struct bpf_watches *watches)
{
	free_list(watches->list, watches->n);
	free_list(watches->before, watches->n_before);
	*watches = (struct bpf_watches){ 0 };
}

// ---- asking the list ----

static const char *find_id(const struct bpf_watch *list, size_t n, uint32_t id)
{
	const struct bpf_watch key = { .wire = { .id = id } };
	const struct bpf_watch *found = n > 0 ? bsearch(&key, list, n, sizeof(*list), compare_ids)
					      : NULL;

	return found ? found->path : NULL;
}

const char *bpf_watches_path(const struct bpf_watches *watches, uint32_t id)
{
	const char *path = find_id(watches->list, watches->n, id);

	return path ? path : find_id(watches->before, watches->n_before, id);
}

bool bpf_watches_hold(const struct bpf_watches *watches, const char *path)
{
	for (size_t i = 0; i < watches->n; i++)
		if (level_below(path, watches->list[i].path) > 0 ||
			strcmp(path, watches->list[i].path) == 0)
			return true;
	return false;
}
