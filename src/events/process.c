// SPDX-License-Identifier: Apache-2.0
#include "events/process.h"

#include <ctype.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "host/folder.h"

enum {
	FIRST_BUCKETS = 1024,
	KEPT_MS = 60000, // how long one that has ended is kept
	KEPT_MOST = 4096, // of those that have ended and are nobody's parent
	ANCESTORS = 32,
	CONTAINER_ID = 64,
	PROC_BYTES = 64 << 10, // of a cmdline that is read
};

// What a process has of its last exec, shared by those that it forks.
struct image {
	size_t users;
	const char *path, *cmdline, *cgroup_path, *container_id; // behind the struct
};

struct entry {
	struct process shown; // first
	struct entry *next; // of the same bucket
	struct entry *parent;
	struct entry *before, *after; // among those that have ended
	struct image *image;
	char *cwd;
	size_t users; // children, and 1 as long as it is in the table
	int64_t exited_ms;
	uint64_t changed; // version at which its path or its parent became what they are
	char *chain; // JSON of itself and its ancestors, without the brackets
	uint64_t chain_version; // at which that was made
};

struct processes {
	const struct root *root;
	struct entry **buckets;
	size_t n_buckets, n;
	struct entry *first_exited, *last_exited;
	size_t n_exited;
	uint64_t version; // goes up with each change that a chain may show
	struct text ancestry;
};

// ---- images ----

static const char *put(char **at, const char *string)
{
	size_t size = strlen(string) + 1;
	char *start = memcpy(*at, string, size);

	*at += size;
	return start;
}

static struct image *make_image(const char *path, const char *cmdline, const char *cgroup_path)
{
	char container[CONTAINER_ID + 1];
	struct image *image;
	char *at;

	container_of_cgroup(cgroup_path, container);
	image = must_alloc(sizeof(*image) + strlen(path) + strlen(cmdline) + strlen(cgroup_path) +
		strlen(container) + 4);
	at = (char *) (image + 1);
	image->users = 1;
	image->path = put(&at, path);
	image->cmdline = put(&at, cmdline);
	image->cgroup_path = put(&at, cgroup_path);
	image->container_id = put(&at, container);
	return image;
}

static void drop_image(struct image *image)
{
	if (image && --image->users == 0)
		free(image);
}

static void set_image(struct entry *entry, struct image *image)
{
	drop_image(entry->image);
	entry->image = image;
	entry->shown.path = image->path;
	entry->shown.cmdline = image->cmdline;
	entry->shown.cgroup_path = image->cgroup_path;
	entry->shown.container_id = image->container_id;
}

static void set_cwd(struct entry *entry, const char *cwd)
{
	if (entry->cwd && strcmp(entry->cwd, cwd) == 0)
		return;
	free(entry->cwd);
	entry->cwd = must_dup(cwd);
	entry->shown.cwd = entry->cwd;
}

// ---- the table ----

static struct entry **bucket_of(const struct processes *processes, uint32_t pid)
{
	return &processes->buckets[pid * UINT32_C(2654435769) & (processes->n_buckets - 1)];
}

static void grow(struct processes *processes)
{
	struct entry **old = processes->buckets;
	size_t n = processes->n_buckets;

	processes->n_buckets = n ? n * 2 : FIRST_BUCKETS;
	processes->buckets = must_alloc(processes->n_buckets * sizeof(struct entry *));
	memset(processes->buckets, 0, processes->n_buckets * sizeof(struct entry *));
	for (size_t i = 0; i < n; i++)
		for (struct entry *entry = old[i], *next; entry; entry = next) {
			struct entry **bucket = bucket_of(processes, entry->shown.pid);

			next = entry->next;
			// the newest of one id stays before the others
			while (*bucket && (*bucket)->shown.pid == entry->shown.pid)
				bucket = &(*bucket)->next;
			entry->next = *bucket;
			*bucket = entry;
		}
	free(old);
}

static struct entry *find(const struct processes *processes, uint32_t pid, uint64_t start_ticks)
{
	for (struct entry *entry = *bucket_of(processes, pid); entry; entry = entry->next)
		if (entry->shown.pid == pid &&
			(start_ticks == 0 || entry->shown.start_ticks == start_ticks))
			return entry;
	return NULL;
}

static void unlink_exited(struct processes *processes, struct entry *entry)
{
	if (!entry->shown.exited)
		return;
	if (entry->before)
		entry->before->after = entry->after;
	else
		processes->first_exited = entry->after;
	if (entry->after)
		entry->after->before = entry->before;
	else
		processes->last_exited = entry->before;
	processes->n_exited--;
}

static void drop(struct entry *entry)
{
	while (entry && --entry->users == 0) {
		struct entry *parent = entry->parent;

		drop_image(entry->image);
		free(entry->cwd);
		free(entry->chain);
		free(entry);
		entry = parent;
	}
}

static void take_out(struct processes *processes, struct entry *entry)
{
	struct entry **place = bucket_of(processes, entry->shown.pid);

	while (*place != entry)
		place = &(*place)->next;
	*place = entry->next;
	processes->n--;
	unlink_exited(processes, entry);
	drop(entry);
}

static void set_parent(struct processes *processes, struct entry *entry, struct entry *parent)
{
	struct entry *old = entry->parent;

	// ids are used again: nobody becomes its own ancestor
	for (const struct entry *at = parent; at; at = at->parent)
		if (at == entry)
			return;
	if (parent == old)
		return;
	if (parent)
		parent->users++;
	entry->parent = parent;
	entry->shown.parent = parent ? &parent->shown : NULL;
	drop(old);
	entry->changed = ++processes->version;
}

static struct entry *add(struct processes *processes, uint32_t pid, uint64_t start_ticks)
{
	static const struct credentials nobody = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
		UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
	struct entry *entry = must_alloc(sizeof(*entry));
	struct entry **bucket;

	if (processes->n >= processes->n_buckets)
		grow(processes);
	*entry = (struct entry){
		.shown = { .pid = pid, .start_ticks = start_ticks, .ids = nobody },
		.users = 1,
	};
	bucket = bucket_of(processes, pid);
	entry->next = *bucket;
	*bucket = entry;
	processes->n++;
	return entry;
}

// Those that ended long ago go, and those that are too many.
static void forget_exited(struct processes *processes, int64_t now_ms)
{
	while (processes->first_exited &&
		(processes->n_exited > KEPT_MOST ||
			now_ms - processes->first_exited->exited_ms > KEPT_MS))
		take_out(processes, processes->first_exited);
}

// ---- /proc ----

// What follows the name in the stat file: field 3 on.
static char *after_name(char *stat)
{
	char *end = strrchr(stat, ')');

	return end ? end + 1 : NULL;
}

static bool read_stat(int proc, const char *pid, uint32_t *parent, uint64_t *start_ticks)
{
	enum { PARENT_FIELD = 4, START_FIELD = 22 };
	char path[64], stat[1024];
	char *rest, *word;
	int field = 3;

	(void) snprintf(path, sizeof(path), "%s/stat", pid);
	if (read_small(proc, path, stat, sizeof(stat)) < 0)
		return false;
	rest = after_name(stat);
	while (rest && (word = text_word(&rest, " \n"))) {
		if (field == PARENT_FIELD)
			*parent = (uint32_t) strtoul(word, NULL, 10);
		if (field++ == START_FIELD) {
			*start_ticks = strtoull(word, NULL, 10);
			return true;
		}
	}
	return false;
}

static void read_link(int proc, const char *pid, const char *name, char target[PATH_MAX])
{
	static const char deleted[] = " (deleted)";
	char path[64];
	ssize_t length;

	(void) snprintf(path, sizeof(path), "%s/%s", pid, name);
	length = readlinkat(proc, path, target, PATH_MAX - 1);
	target[length < 0 ? 0 : length] = '\0';
	if (text_ends(target, deleted))
		target[length - (ssize_t) strlen(deleted)] = '\0';
}

static void read_cmdline(int proc, const char *pid, char *cmdline, size_t size)
{
	char path[64];
	ssize_t length;

	(void) snprintf(path, sizeof(path), "%s/cmdline", pid);
	length = read_small(proc, path, cmdline, size);
	cmdline[length < 0 ? 0 : length] = '\0';
	for (ssize_t i = 0; i + 1 < length; i++)
		if (cmdline[i] == '\0')
			cmdline[i] = ' ';
	while (length > 0 && (cmdline[length - 1] == ' ' || cmdline[length - 1] == '\0'))
		cmdline[--length] = '\0';
}

// The path in the unified hierarchy, or in the first one that does not have the process in its
// root.
static void read_cgroup(int proc, const char *pid, char cgroup[PATH_MAX])
{
	char path[64], text[8192];
	char *rest = text, *line;

	cgroup[0] = '\0';
	(void) snprintf(path, sizeof(path), "%s/cgroup", pid);
	if (read_small(proc, path, text, sizeof(text)) < 0)
		return;
	while ((line = text_line(&rest))) {
		char *colon = strchr(line, ':');
		char *second = colon ? strchr(colon + 1, ':') : NULL;

		if (!second || (cgroup[0] && strcmp(second + 1, "/") == 0))
			continue;
		if (cgroup[0] == '\0' || strcmp(cgroup, "/") == 0)
			(void) snprintf(cgroup, PATH_MAX, "%s", second + 1);
		if (text_starts(line, "0::") && strcmp(second + 1, "/") != 0) {
			(void) snprintf(cgroup, PATH_MAX, "%s", second + 1);
			return;
		}
	}
}

static uint32_t to_id(const char *word)
{
	return word ? (uint32_t) strtoul(word, NULL, 10) : UINT32_MAX;
}

static void read_four(
	char *values, uint32_t *real, uint32_t *effective, uint32_t *saved, uint32_t *file_system)
{
	*real = to_id(text_word(&values, "\t "));
	*effective = to_id(text_word(&values, "\t "));
	*saved = to_id(text_word(&values, "\t "));
	*file_system = to_id(text_word(&values, "\t "));
}

static uint32_t read_number(int proc, const char *pid, const char *name)
{
	char path[64], text[32];

	(void) snprintf(path, sizeof(path), "%s/%s", pid, name);
	return read_small(proc, path, text, sizeof(text)) > 0 ? to_id(text) : UINT32_MAX;
}

static void read_ids(int proc, const char *pid, struct credentials *ids)
{
	char path[64], text[4096];
	char *rest = text, *line;

	(void) snprintf(path, sizeof(path), "%s/status", pid);
	if (read_small(proc, path, text, sizeof(text)) < 0)
		return;
	while ((line = text_line(&rest))) {
		if (text_starts(line, "Uid:"))
			read_four(line + 4, &ids->uid, &ids->euid, &ids->suid, &ids->fsuid);
		else if (text_starts(line, "Gid:"))
			read_four(line + 4, &ids->gid, &ids->egid, &ids->sgid, &ids->fsgid);
	}
	ids->auid = read_number(proc, pid, "loginuid");
	ids->session = read_number(proc, pid, "sessionid");
}

static struct entry *read_process(struct processes *processes, int proc, const char *pid)
{
	char path[PATH_MAX], cwd[PATH_MAX], cgroup[PATH_MAX];
	auto_free char *cmdline = NULL;
	uint32_t id = (uint32_t) strtoul(pid, NULL, 10), parent = 0;
	uint64_t start_ticks;
	struct entry *entry;

	if (!read_stat(proc, pid, &parent, &start_ticks))
		return NULL;
	entry = find(processes, id, start_ticks);
	if (entry)
		return entry;
	cmdline = must_alloc(PROC_BYTES);
	read_link(proc, pid, "exe", path);
	read_link(proc, pid, "cwd", cwd);
	read_cmdline(proc, pid, cmdline, PROC_BYTES);
	read_cgroup(proc, pid, cgroup);
	entry = add(processes, id, start_ticks);
	entry->shown.ppid = parent;
	read_ids(proc, pid, &entry->shown.ids);
	set_image(entry, make_image(path, cmdline, cgroup));
	set_cwd(entry, cwd);
	if (parent)
		set_parent(processes, entry, find(processes, parent, 0));
	return entry;
}

static struct entry *look_up(struct processes *processes, uint32_t pid)
{
	auto_close int proc = root_openat(processes->root, "/proc", O_RDONLY | O_DIRECTORY);
	char name[16];

	(void) snprintf(name, sizeof(name), "%" PRIu32, pid);
	return proc < 0 ? NULL : read_process(processes, proc, name);
}

void processes_scan(struct processes *processes)
{
	auto_closedir DIR *folder = folder_open(processes->root, "/proc");
	const char *name;

	if (!folder)
		return;
	while ((name = folder_next(folder)))
		if (isdigit((unsigned char) name[0]))
			(void) read_process(processes, dirfd(folder), name);
	// parents may have been read after their children
	for (size_t i = 0; i < processes->n_buckets; i++)
		for (struct entry *entry = processes->buckets[i]; entry; entry = entry->next)
			if (!entry->parent && entry->shown.ppid)
				set_parent(processes, entry, find(processes, entry->shown.ppid, 0));
}

// ---- what events tell ----

struct processes *processes_open(const struct root *root)
{
	struct processes *processes = must_alloc(sizeof(*processes));

	*processes = (struct processes){ .root = root };
	grow(processes);
	return processes;
}

void processes_close(struct processes *processes)
{
	if (!processes)
		return;
	for (size_t i = 0; i < processes->n_buckets; i++)
		while (processes->buckets[i])
			take_out(processes, processes->buckets[i]);
	free(processes->buckets);
	text_done(&processes->ancestry);
	free(processes);
}

const struct process *processes_find(
	struct processes *processes, uint32_t pid, uint64_t start_ticks)
{
	struct entry *entry = find(processes, pid, start_ticks);

	if (!entry) {
		entry = look_up(processes, pid);
		if (entry && start_ticks && entry->shown.start_ticks != start_ticks)
			entry = NULL; // its id is another's by now
	}
	return entry ? &entry->shown : NULL;
}

// One that shows up under the same id ends whatever had it before.
static struct entry *settle(struct processes *processes, uint32_t pid, uint64_t start_ticks)
{
	struct entry *entry = find(processes, pid, start_ticks);

	if (entry)
		return entry;
	entry = find(processes, pid, 0);
	if (entry && !entry->shown.exited)
		processes_exit(processes, pid, entry->shown.start_ticks);
	return add(processes, pid, start_ticks);
}

const struct process *processes_fork(struct processes *processes, uint32_t parent, uint32_t child,
	uint64_t start_ticks, const struct credentials *ids)
{
	struct entry *from = find(processes, parent, 0);
	struct entry *entry;

	if (!from)
		from = look_up(processes, parent);
	entry = settle(processes, child, start_ticks);
	entry->shown.ppid = parent;
	if (ids)
		entry->shown.ids = *ids;
	if (from && from != entry) {
		if (!entry->image) {
			from->image->users++;
			set_image(entry, from->image);
			set_cwd(entry, from->shown.cwd);
		}
		set_parent(processes, entry, from);
	} else if (!entry->image) {
		set_image(entry, make_image("", "", ""));
		set_cwd(entry, "");
	}
	return &entry->shown;
}

static const char *or_else(const char *string, const char *otherwise)
{
	return string ? string : otherwise ? otherwise : "";
}

const struct process *processes_exec(struct processes *processes, const struct process_image *image)
{
	struct entry *entry = settle(processes, image->pid, image->start_ticks);
	const struct image *old = entry->image;

	if (image->path || image->cmdline || image->cgroup_path || !old)
		set_image(entry,
			make_image(or_else(image->path, old ? old->path : NULL),
				or_else(image->cmdline, old ? old->cmdline : NULL),
				or_else(image->cgroup_path, old ? old->cgroup_path : NULL)));
	set_cwd(entry, or_else(image->cwd, entry->cwd));
	if (image->ids)
		entry->shown.ids = *image->ids;
	if (image->ppid) {
		entry->shown.ppid = image->ppid;
		set_parent(processes, entry, find(processes, image->ppid, 0));
	}
	entry->changed = ++processes->version;
	return &entry->shown;
}

void processes_exit(struct processes *processes, uint32_t pid, uint64_t start_ticks)
{
	struct entry *entry = find(processes, pid, start_ticks);

	if (!entry || entry->shown.exited)
		return;
	entry->shown.exited = true;
	entry->exited_ms = clock_ms();
	entry->before = processes->last_exited;
	if (entry->before)
		entry->before->after = entry;
	else
		processes->first_exited = entry;
	processes->last_exited = entry;
	processes->n_exited++;
	forget_exited(processes, entry->exited_ms);
}

// ---- what is shown ----

// Writes the digits, which every row of an event has several of; returns where they end.
static char *write_number(char *to, uint64_t number)
{
	char digits[20];
	size_t n = 0;

	do
		digits[n++] = (char) ('0' + number % 10);
	while (number /= 10);
	while (n > 0)
		*to++ = digits[--n];
	return to;
}

void process_key(const struct process *process, char key[PROCESS_KEY])
{
	char *at = write_number(key, process->pid);

	*at++ = '-';
	*write_number(at, process->start_ticks) = '\0';
}

static void add_link(struct text *text, const struct process *process)
{
	char key[PROCESS_KEY];

	process_key(process, key);
	text_add_string(text, text->length > 0 ? ",{\"pid\":" : "{\"pid\":");
	text_add(text, key, strcspn(key, "-"));
	text_add_string(text, ",\"key\":\"");
	text_add_string(text, key);
	text_add_string(text, "\",\"path\":");
	json_add_string(text, process->path, strlen(process->path));
	text_add_char(text, '}');
}

// Whether neither it nor an ancestor that is shown has changed since its chain was made.
static bool is_chain_right(const struct entry *entry)
{
	const struct entry *at = entry;

	if (!entry->chain)
		return false;
	for (int n = 0; at && n < ANCESTORS; at = at->parent, n++)
		if (at->changed > entry->chain_version)
			return false;
	return true;
}

static const char *chain_of(const struct processes *processes, struct entry *entry)
{
	struct text text = { 0 };
	int n = 0;

	if (is_chain_right(entry))
		return entry->chain;
	for (const struct process *at = &entry->shown; at && n < ANCESTORS; at = at->parent, n++)
		add_link(&text, at);
	free(entry->chain);
	entry->chain = text.bytes;
	entry->chain_version = processes->version;
	return entry->chain;
}

const char *process_ancestry(struct processes *processes, const struct process *process)
{
	struct entry *parent = ((const struct entry *) process)->parent;

	text_clear(&processes->ancestry);
	text_add_char(&processes->ancestry, '[');
	if (parent)
		text_add_string(&processes->ancestry, chain_of(processes, parent));
	text_add_char(&processes->ancestry, ']');
	return processes->ancestry.bytes;
}

size_t processes_n(const struct processes *processes)
{
	return processes->n;
}

// ---- containers ----

static size_t hex_length(const char *string)
{
	size_t n = 0;

	while (isxdigit((unsigned char) string[n]))
		n++;
	return n;
}

// What runtimes put before the id in the name of a control group.
static const char *const container_prefixes[] = { "docker-", "libpod-", "crio-", "cri-containerd-",
	"containerd-", "cri-o-" };

// The name of a container that is no id: "lxc.payload.NAME", "machine-NAME.scope".
static const char *const named_prefixes[] = { "lxc.payload.", "lxc/", "machine-" };

static bool take_hex(const char *part, char id[65])
{
	enum { FULL = 64 };

	for (size_t i = 0; i < sizeof(container_prefixes) / sizeof(container_prefixes[0]); i++)
		if (text_starts(part, container_prefixes[i])) {
			part += strlen(container_prefixes[i]);
			break;
		}
	if (hex_length(part) != FULL || (part[FULL] && !strchr("/.", part[FULL])))
		return false;
	memcpy(id, part, FULL);
	id[FULL] = '\0';
	return true;
}

static bool take_name(const char *part, char id[65])
{
	for (size_t i = 0; i < sizeof(named_prefixes) / sizeof(named_prefixes[0]); i++) {
		size_t length = strlen(named_prefixes[i]), n;

		if (!text_starts(part, named_prefixes[i]))
			continue;
		n = strcspn(part + length, "/");
		if (n > strlen(".scope") &&
			strncmp(part + length + n - strlen(".scope"), ".scope", 6) == 0)
			n -= strlen(".scope");
		if (n == 0 || n > CONTAINER_ID)
			continue;
		memcpy(id, part + length, n);
		id[n] = '\0';
		return true;
	}
	return false;
}

void container_of_cgroup(const char *cgroup_path, char id[65])
{
	id[0] = '\0';
	for (const char *slash = strchr(cgroup_path, '/'); slash; slash = strchr(slash + 1, '/'))
		if (take_hex(slash + 1, id))
			return;
	for (const char *slash = strchr(cgroup_path, '/'); slash; slash = strchr(slash + 1, '/'))
		if (take_name(slash + 1, id))
			return;
}
