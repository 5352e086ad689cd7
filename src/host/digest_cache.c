// SPDX-License-Identifier: Apache-2.0
#include "host/digest_cache.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec mtime, ctime;
	unsigned kinds;
	uint64_t used; // the clock when it last was
	struct digest digest;
	int32_t next; // in its bucket, -1 at the end
};

struct digest_cache {
	size_t room, count;
	uint64_t clock;
	struct entry *entries;
	int32_t *buckets;
	size_t n_buckets; // a power of 2
};

struct digest_cache *digest_cache_new(size_t room)
{
	struct digest_cache *cache = must_alloc(sizeof(*cache));

	*cache = (struct digest_cache){ .room = room ? room : 1, .n_buckets = 64 };
	while (cache->n_buckets < room && cache->n_buckets < 1 << 20)
		cache->n_buckets *= 2;
	if (cache->room > INT32_MAX / 2)
		cache->room = INT32_MAX / 2;
	cache->buckets = must_alloc(cache->n_buckets * sizeof(*cache->buckets));
	memset(cache->buckets, 0xff, cache->n_buckets * sizeof(*cache->buckets));
	return cache;
}

void digest_cache_free(struct digest_cache *cache)
{
	if (!cache)
		return;
	free(cache->entries);
	free(cache->buckets);
	free(cache);
}

static int32_t *bucket_of(const struct digest_cache *cache, dev_t device, ino_t inode)
{
	uint64_t hash = ((uint64_t) inode ^ (uint64_t) device << 32) * 0x9e3779b97f4a7c15u;

	return &cache->buckets[(hash >> 32) & (cache->n_buckets - 1)];
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

// No file system that keeps times of change has coarser ones.
enum { COARSEST_TIME_S = 2 };

static bool is_same_content(const struct entry *entry, const struct stat *status)
{
	return entry->size == status->st_size && same_time(entry->mtime, status->st_mtim) &&
		same_time(entry->ctime, status->st_ctim);
}

static struct entry *find_entry(const struct digest_cache *cache, const struct stat *status)
{
	int32_t at = *bucket_of(cache, status->st_dev, status->st_ino);

	for (; at >= 0; at = cache->entries[at].next)
		if (cache->entries[at].inode == status->st_ino &&
			cache->entries[at].device == status->st_dev)
			return &cache->entries[at];
	return NULL;
}

const struct digest *digest_cache_find(
	struct digest_cache *cache, const struct stat *status, unsigned kinds)
{
	struct entry *entry = find_entry(cache, status);

	if (!entry || !is_same_content(entry, status) || (entry->kinds & kinds) != kinds)
		return NULL;
	entry->used = ++cache->clock;
	return &entry->digest;
}

static void unlink_entry(struct digest_cache *cache, const struct entry *entry)
{
	int32_t *at = bucket_of(cache, entry->device, entry->inode);

	while (&cache->entries[*at] != entry)
		at = &cache->entries[*at].next;
	*at = entry->next;
}

// An entry to fill: a new one, or the one that was not used for the longest time.
static struct entry *make_entry(struct digest_cache *cache)
{
	struct entry *oldest;

	if (cache->count < cache->room) {
		if ((cache->count & (cache->count - 1)) == 0)
			cache->entries = must_resize(cache->entries,
				(cache->count ? cache->count * 2 : 1) * sizeof(*cache->entries));
		return &cache->entries[cache->count++];
	}
	oldest = &cache->entries[0];
	for (size_t i = 1; i < cache->count; i++)
		if (cache->entries[i].used < oldest->used)
			oldest = &cache->entries[i];
	unlink_entry(cache, oldest);
	return oldest;
}

static struct entry *entry_for(struct digest_cache *cache, const struct stat *status)
{
	struct entry *entry = find_entry(cache, status);

	if (!entry) {
		int32_t *bucket = bucket_of(cache, status->st_dev, status->st_ino);

		entry = make_entry(cache);
		*entry = (struct entry){ .device = status->st_dev, .inode = status->st_ino };
		// the entry that had to go may have been the bucket's
		entry->next = *bucket;
		*bucket = (int32_t) (entry - cache->entries);
	} else if (!is_same_content(entry, status)) {
		entry->kinds = 0;
	}
	entry->size = status->st_size;
	entry->mtime = status->st_mtim;
	entry->ctime = status->st_ctim;
	return entry;
}

void digest_cache_keep(struct digest_cache *cache, time_t began, const struct stat *before,
	const struct stat *after, unsigned kinds, const struct digest *digest)
{
	struct entry *entry;

	if (before->st_ctim.tv_sec + COARSEST_TIME_S >= began ||
		before->st_size != after->st_size || !same_time(before->st_mtim, after->st_mtim) ||
		!same_time(before->st_ctim, after->st_ctim))
		return;
	entry = entry_for(cache, after);
	entry->used = ++cache->clock;
	entry->kinds |= kinds;
	for (int kind = 0; kind < DIGEST_KINDS; kind++)
		if (kinds >> kind & 1)
			memcpy(entry->digest.hex[kind], digest->hex[kind], DIGEST_HEX);
}
