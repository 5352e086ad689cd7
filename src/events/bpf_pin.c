// SPDX-License-Identifier: Apache-2.0
#include "events/bpf_pin.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/siphash.h"
#include "events/bpf/wire.h"

#define BPFFS "/sys/fs/bpf"
#define PINS BPFFS "/hostql"

static bool is_mounted(void)
{
	struct statfs status;

	return statfs(BPFFS, &status) == 0 && status.f_type == BPF_FS_MAGIC;
}

static int make_folder(const char *path, struct fault *why)
{
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return fail(why, -errno, "%s: %m", path);
	return 0;
}

// What the names of a store's folders begin with: STORE-WIRE-PROGRAMS. (bpffs allows no dots.)
static void name_store(const char *store_folder, char store[24])
{
	static const struct siphash_key key; // it need not be secret

	(void) snprintf(store, 24, "%016" PRIx64 "-",
		siphash(&key, store_folder, strlen(store_folder)).words[0]);
}

// Removes the folders of a store but one.
static void remove_stale(const char *store, const char *name)
{
	auto_closedir DIR *folder = opendir(PINS);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder))) {
		char path[BPF_PIN_PATH + sizeof(entry->d_name)];

		if (!text_starts(entry->d_name, store) ||
			(name && strcmp(entry->d_name, name) == 0))
			continue;
		(void) snprintf(path, sizeof(path), PINS "/%s", entry->d_name);
		bpf_pin_remove(path);
	}
}

void bpf_pin_forget(const char *store_folder)
{
	char store[24];

	name_store(store_folder, store);
	remove_stale(store, NULL);
}

int bpf_pin_prepare(const char *store_folder, uint64_t version, char folder[BPF_PIN_PATH],
	bool *mounted, struct fault *why)
{
	char store[24], name[64];
	int r;

	*mounted = false;
	if (!is_mounted()) {
		if (mount("bpf", BPFFS, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=700") < 0)
			return fail(why, -errno, BPFFS ": %m");
		*mounted = true;
	}
	name_store(store_folder, store);
	(void) snprintf(name, sizeof(name), "%s%d-%016" PRIx64, store, WIRE_VERSION, version);
	(void) snprintf(folder, BPF_PIN_PATH, PINS "/%s", name);
	r = make_folder(PINS, why);
	if (r < 0)
		return r;
	remove_stale(store, name);
	return make_folder(folder, why);
}

void bpf_pin_remove(const char *folder)
{
	auto_closedir DIR *pins = opendir(folder);
	const struct dirent *entry;

	while (pins && (entry = readdir(pins)))
		if (entry->d_name[0] != '.')
			(void) unlinkat(dirfd(pins), entry->d_name, 0);
	(void) rmdir(folder);
	(void) rmdir(PINS); // unless others have some
}
