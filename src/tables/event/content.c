// SPDX-License-Identifier: Apache-2.0
#include "tables/event/content.h"

#include <errno.h>
#include <fcntl.h>
#include <time.h>

#include "host/digest_cache.h"
#include "host/host.h"

static bool is_cancelled(void *scan)
{
	return scan_cancelled(scan);
}

static struct digest_cache *open_cache(struct host *host)
{
	if (flags_bool(host->flags, "disable_hash_cache"))
		return NULL;
	if (!host->digests)
		host->digests = digest_cache_new(
			(size_t) flags_integer(host->flags, "hash_cache_max"));
	return host->digests;
}

int content_digest(struct scan *scan, const char *path, int64_t inode, int64_t mtime,
	unsigned kinds, struct digest *digest)
{
	struct digest_cache *cache = open_cache(scan_host(scan));
	// never waits for a FIFO or a device
	auto_close int fd = root_openat(scan_root(scan), path, O_RDONLY | O_NOCTTY | O_NONBLOCK);
	const struct digest *kept;
	struct stat before, after;
	time_t began = time(NULL);
	int r;

	if (fd < 0 || fstat(fd, &before) < 0)
		return -errno;
	if (!S_ISREG(before.st_mode) || (int64_t) before.st_ino != inode ||
		before.st_mtime != mtime)
		return -ESTALE;
	kept = cache ? digest_cache_find(cache, &before, kinds) : NULL;
	if (kept) {
		*digest = *kept;
		return 0;
	}
	r = digest_fd(fd, kinds, (uint64_t) scan_flag(scan, "read_max"), digest, is_cancelled, scan,
		NULL);
	if (r == 0 && cache && fstat(fd, &after) == 0)
		digest_cache_keep(cache, began, &before, &after, kinds, digest);
	return r;
}
