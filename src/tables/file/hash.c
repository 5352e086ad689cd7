// SPDX-License-Identifier: Apache-2.0
// Digests of regular files: only those that are asked for, with one reading of the file for all of
// them.
#include <errno.h>
#include <string.h>
#include <time.h>

#include "host/digest_cache.h"
#include "host/host.h"
#include "sql/table.h"
#include "tables/file/paths.h"

enum group { DIGESTS = 1 };

enum { PATH, DIRECTORY, MD5, SHA1, SHA256, PID_WITH_NAMESPACE, MOUNT_NAMESPACE_ID };

static const struct column columns[] = {
	[PATH] = { "path", TEXT, "Path of a regular file, or of a link to one.",
		INDEX | OPTIMIZED | REQUIRED | PATTERN },
	[DIRECTORY] = { "directory", TEXT, "Folder that holds it.", OPTIMIZED | REQUIRED },
	[MD5] = { "md5", TEXT, "MD5 of the content; empty if it could not be read.", NOCASE,
		DIGESTS },
	[SHA1] = { "sha1", TEXT, "SHA-1 of the content.", NOCASE, DIGESTS },
	[SHA256] = { "sha256", TEXT, "SHA-256 of the content.", NOCASE, DIGESTS },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
	[MOUNT_NAMESPACE_ID] = NAMESPACE_MOUNT,
};

struct state {
	struct paths paths;
	unsigned kinds;
	uint64_t limit_bytes;
	int64_t delay_ms;
	struct digest_cache *cache; // NULL: none
};

static struct digest_cache *open_cache(struct host *host)
{
	if (flags_bool(host->flags, "disable_hash_cache"))
		return NULL;
	if (!host->digests)
		host->digests = digest_cache_new(
			(size_t) flags_integer(host->flags, "hash_cache_max"));
	return host->digests;
}

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	(void) why;
	paths_open(&state->paths, scan, PATH, DIRECTORY);
	state->kinds = (unsigned) scan_wants(scan, MD5) << DIGEST_MD5 |
		(unsigned) scan_wants(scan, SHA1) << DIGEST_SHA1 |
		(unsigned) scan_wants(scan, SHA256) << DIGEST_SHA256;
	state->limit_bytes = (uint64_t) scan_flag(scan, "read_max");
	state->cache = open_cache(scan_host(scan));
	state->delay_ms = state->cache ? 0 : scan_flag(scan, "hash_delay");
	return 0;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	paths_close(&state->paths);
}

static bool cancelled(void *scan)
{
	return scan_cancelled(scan);
}

static int compute(
	struct scan *scan, const struct state *state, struct digest *digest, struct fault *why)
{
	auto_close int fd = paths_openat(&state->paths);
	struct timespec pause = { state->delay_ms / 1000, state->delay_ms % 1000 * 1000000 };
	struct stat before, after;
	time_t began;
	int r;

	// the path may lead to another file than it did a moment ago
	if (fd < 0 || fstat(fd, &before) < 0)
		return -EACCES;
	if (state->delay_ms > 0)
		(void) nanosleep(&pause, NULL);
	began = time(NULL);
	r = digest_fd(fd, state->kinds, state->limit_bytes, digest, cancelled, scan, why);
	if (r == 0 && state->cache && fstat(fd, &after) == 0)
		digest_cache_keep(state->cache, began, &before, &after, state->kinds, digest);
	return r;
}

static void give(struct scan *scan, const struct digest *digest)
{
	scan_text(scan, MD5, digest->hex[DIGEST_MD5]);
	scan_text(scan, SHA1, digest->hex[DIGEST_SHA1]);
	scan_text(scan, SHA256, digest->hex[DIGEST_SHA256]);
}

static int fetch(struct scan *scan, unsigned group, struct fault *why)
{
	const struct state *state = scan_state(scan);
	const struct digest *kept = NULL;
	struct digest digest;
	struct stat status;
	int r;

	(void) group;
	if (paths_stat(&state->paths, &status) < 0)
		return 0;
	if (state->cache)
		kept = digest_cache_find(state->cache, &status, state->kinds);
	if (kept) {
		give(scan, kept);
		return 0;
	}
	r = compute(scan, state, &digest, why);
	// without libcrypto there is no answer at all; a file that cannot be read has an empty one
	if (r == -ENOENT || r == -ENOTSUP || r == -ECANCELED)
		return r;
	if (r < 0)
		return 0;
	give(scan, &digest);
	return 0;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	struct stat status;

	(void) why;
	if (!paths_next(&state->paths))
		return END;
	if (paths_stat(&state->paths, &status) < 0 || !S_ISREG(status.st_mode))
		return SKIP;
	paths_give(&state->paths, PATH, DIRECTORY, -1);
	return ROW;
}

const struct table table_hash = {
	.name = "hash",
	.about = "Digests of the content of files.",
	COLUMNS(columns),
	EXAMPLES("SELECT path, sha256 FROM hash WHERE path = '/etc/passwd'",
		"SELECT path, md5 FROM hash WHERE directory = '/etc/cron.d'"),
	.estimate = { .rows = 100000, .per_key = 1, .start = 5, .row = 10000 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.fetch = fetch,
	.close = close_scan,
};
