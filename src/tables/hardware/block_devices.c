// SPDX-License-Identifier: Apache-2.0
// Disks, partitions and what is built of them, from /sys/class/block (sysfs(5)); what they hold, by
// libblkid.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "base/module.h"
#include "modules/blkid/blkid.h"
#include "sql/table.h"

enum group { PLACE = 1, DEVICE, SIZES, CONTENT };

enum { NAME, PARENT, VENDOR, MODEL, SERIAL, SIZE, BLOCK_SIZE, UUID, TYPE, LABEL };

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Path of the device, below /dev.", INDEX },
	[PARENT] = { "parent", TEXT, "The device that it is a part of, or is built on.", 0, PLACE },
	[VENDOR] = { "vendor", TEXT, "Maker of the device.", 0, DEVICE },
	[MODEL] = { "model", TEXT, "Model of the device.", 0, DEVICE },
	[SERIAL] = { "serial", TEXT, "World-wide name or serial number of the device.", 0, DEVICE },
	[SIZE] = { "size", BIGINT, "Size in sectors of 512 bytes.", 0, SIZES },
	[BLOCK_SIZE] = { "block_size", INTEGER, "Bytes that are read or written at once.", 0,
		SIZES },
	[UUID] = { "uuid", TEXT, "UUID of the file system on it; only root may read it.", NOCASE,
		CONTENT },
	[TYPE] = { "type", TEXT, "Type of the file system on it; only root may read it.", 0,
		CONTENT },
	[LABEL] = { "label", TEXT, "Label of the file system on it; only root may read it.", 0,
		CONTENT },
};

static const char class_path[] = "sys/class/block";

enum { NAME_SIZE = 256, ANCESTORS = 8 };

struct state {
	DIR *folder; // NULL when the query names the devices
	const struct given *names;
	size_t at;
	char name[NAME_SIZE]; // of the kernel, with ! for /
	const struct blkid_library *blkid;
	bool blkid_tried;
};

// ---- the walk ----

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	int fd;

	state->names = scan_given(scan, NAME);
	if (state->names)
		return 0;
	fd = root_openat(scan_root(scan), class_path, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return errno == ENOENT ? 0
				       : fail(why, -errno, "block_devices: /%s: %m", class_path);
	state->folder = fdopendir(fd);
	if (!state->folder)
		(void) close(fd);
	return state->folder ? 0 : fail(why, -errno, "block_devices: /%s: %m", class_path);
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	if (state->folder)
		(void) closedir(state->folder);
}

static bool set_name(struct state *state, const char *name)
{
	if (*name == '\0' || *name == '.' || strlen(name) >= sizeof(state->name))
		return false;
	(void) snprintf(state->name, sizeof(state->name), "%s", name);
	return true;
}

// "/dev/cciss/c0d0" is "cciss!c0d0" to the kernel.
static bool set_given_name(struct state *state, const char *path)
{
	if (!text_starts(path, "/dev/") || !set_name(state, path + strlen("/dev/")))
		return false;
	for (char *at = state->name; (at = strchr(at, '/'));)
		*at = '!';
	return true;
}

static bool next_name(struct state *state)
{
	struct dirent *entry;

	if (state->names) {
		while (state->at < state->names->count)
			if (set_given_name(state, state->names->values[state->at++].text))
				return true;
		return false;
	}
	while (state->folder && (entry = readdir(state->folder)))
		if (set_name(state, entry->d_name))
			return true;
	return false;
}

static void give_path(struct scan *scan, unsigned column, const char *name)
{
	char *path = arena_printf(scan_row_arena(scan), "/dev/%s", name);

	for (char *at = path; (at = strchr(at, '!'));)
		*at = '/';
	scan_text(scan, column, path);
}

// A descriptor of the folder of a device; -1 with errno.
static int open_device(struct scan *scan, const char *name)
{
	return root_openat(scan_root(scan),
		arena_printf(scan_row_arena(scan), "%s/%s", class_path, name),
		O_PATH | O_DIRECTORY);
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	auto_close int device = -1;

	(void) why; // what cannot be read is missing
	if (!next_name(state))
		return END;
	device = open_device(scan, state->name);
	if (device < 0 || faccessat(device, "uevent", F_OK, 0) < 0)
		return SKIP;
	give_path(scan, NAME, state->name);
	return ROW;
}

// ---- the columns ----

// The first entry of the folder slaves/: what a mapped or RAID device is built on.
static bool find_slave(int device, char parent[NAME_SIZE])
{
	auto_close int fd = openat(device, "slaves", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	auto_closedir DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool found = false;

	if (!folder)
		return false;
	(void) take_fd(&fd); // the folder closes it
	while ((entry = readdir(folder))) {
		if (entry->d_name[0] == '.' || (found && strcmp(entry->d_name, parent) >= 0))
			continue;
		(void) snprintf(parent, NAME_SIZE, "%s", entry->d_name);
		found = true;
	}
	return found;
}

// A partition's folder lies in that of its disk.
static bool find_parent(struct scan *scan, const char *name, char parent[NAME_SIZE])
{
	auto_close int device = open_device(scan, name);
	char link[PATH_MAX], *slash;
	struct stat status;

	if (root_readlink(scan_root(scan),
		    arena_printf(scan_row_arena(scan), "%s/%s", class_path, name), link,
		    sizeof(link)) > 0 &&
		(slash = strrchr(link, '/'))) {
		*slash = '\0';
		slash = strrchr(link, '/');
		slash = slash ? slash + 1 : link;
		if (strlen(slash) >= NAME_SIZE)
			return false;
		memcpy(parent, slash, strlen(slash) + 1);
		if (*parent && *parent != '.' &&
			root_stat(scan_root(scan),
				arena_printf(scan_row_arena(scan), "%s/%s", class_path, parent),
				&status, AT_SYMLINK_NOFOLLOW) == 0)
			return true;
	}
	return device >= 0 && find_slave(device, parent);
}

// The first of the files that says something, NULL-terminated names.
static bool give_first(struct scan *scan, unsigned column, int device, const char *const *names)
{
	char text[1024];

	for (; *names; names++) {
		const char *value;

		if (read_small(device, *names, text, sizeof(text)) <= 0)
			continue;
		value = text_trim(text);
		if (*value) {
			scan_text(scan, column, value);
			return true;
		}
	}
	return false;
}

// What the device does not say, that which it is a part of may say.
static void give_device(struct scan *scan)
{
	static const struct {
		unsigned column;
		const char *files[4];
	} values[] = {
		{ VENDOR, { "device/vendor" } },
		{ MODEL, { "device/model" } },
		{ SERIAL, { "device/wwid", "device/serial", "serial" } },
	};
	enum { COUNT = sizeof(values) / sizeof(values[0]) };
	const struct state *state = scan_state(scan);
	bool known[COUNT] = { false };
	char name[NAME_SIZE], parent[NAME_SIZE];

	(void) snprintf(name, sizeof(name), "%s", state->name);
	for (int generation = 0; generation < ANCESTORS; generation++) {
		auto_close int device = open_device(scan, name);
		bool all = true;

		for (size_t i = 0; device >= 0 && i < COUNT; i++) {
			if (!known[i])
				known[i] = give_first(
					scan, values[i].column, device, values[i].files);
			all = all && known[i];
		}
		if (all || !find_parent(scan, name, parent))
			break;
		(void) snprintf(name, sizeof(name), "%s", parent);
	}
}

static void give_sizes(struct scan *scan)
{
	static const char *const size[] = { "size", NULL };
	static const char *const block[] = { "queue/logical_block_size",
		"../queue/logical_block_size", NULL };
	const struct state *state = scan_state(scan);
	auto_close int device = open_device(scan, state->name);

	if (device < 0)
		return;
	(void) give_first(scan, SIZE, device, size);
	(void) give_first(scan, BLOCK_SIZE, device, block);
}

// Whether reading the device would give nothing, or not return: an empty drive, a suspended map.
static bool is_silent(struct scan *scan, const char *name)
{
	auto_close int device = open_device(scan, name);
	char text[32];

	if (device < 0 || read_small(device, "size", text, sizeof(text)) <= 0 || *text == '0')
		return true;
	return read_small(device, "dm/suspended", text, sizeof(text)) > 0 && *text == '1';
}

static void give_content(struct scan *scan)
{
	struct state *state = scan_state(scan);
	struct blkid_content content;
	auto_close int fd = -1;
	struct stat status;
	struct fault why;
	char *path;

	if (scan_root(scan)->moved || is_silent(scan, state->name))
		return;
	if (!state->blkid_tried) {
		state->blkid = module_open("blkid", &why);
		if (!state->blkid)
			scan_warn(scan, "%s", why.text);
	}
	state->blkid_tried = true;

	path = arena_printf(scan_row_arena(scan), "dev/%s", state->name);
	for (char *at = path; (at = strchr(at, '!'));)
		*at = '/';
	fd = root_openat(scan_root(scan), path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (!state->blkid || fd < 0 || fstat(fd, &status) < 0 || !S_ISBLK(status.st_mode) ||
		state->blkid->probe(fd, &content) < 0)
		return;
	scan_text(scan, TYPE, content.type);
	scan_text(scan, UUID, content.uuid);
	scan_text(scan, LABEL, content.label);
}

static int fetch(struct scan *scan, unsigned group, struct fault *why)
{
	const struct state *state = scan_state(scan);
	char parent[NAME_SIZE];

	(void) why; // what cannot be read is missing
	switch ((enum group) group) {
	case PLACE:
		if (find_parent(scan, state->name, parent))
			give_path(scan, PARENT, parent);
		break;
	case DEVICE:
		give_device(scan);
		break;
	case SIZES:
		give_sizes(scan);
		break;
	case CONTENT:
		give_content(scan);
		break;
	}
	return 0;
}

const struct table table_block_devices = {
	.name = "block_devices",
	.about = "Disks, partitions and the devices built of them.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, parent, size * 512 / 1000000000 AS gigabytes, model FROM "
		 "block_devices",
		"SELECT name, uuid FROM block_devices WHERE type = 'ext4'"),
	.estimate = { .rows = 20, .row = 50 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.fetch = fetch,
	.close = close_scan,
};
