// SPDX-License-Identifier: Apache-2.0
#include "host/digest_cache.h"
#include "test.h"

static struct stat file(ino_t inode, time_t changed)
{
	return (struct stat){
		.st_ino = inode, .st_size = 5, .st_mtim.tv_sec = 10, .st_ctim.tv_sec = changed
	};
}

static void keep(struct digest_cache *cache, struct stat status, unsigned kinds, const char *hex)
{
	struct digest digest = { 0 };

	for (int kind = 0; kind < DIGEST_KINDS; kind++)
		if (kinds >> kind & 1)
			(void) snprintf(digest.hex[kind], DIGEST_HEX, "%s", hex);
	digest_cache_keep(cache, 1000, &status, &status, kinds, &digest);
}

static const struct digest *find(struct digest_cache *cache, struct stat status, unsigned kinds)
{
	return digest_cache_find(cache, &status, kinds);
}

enum { MD5 = 1 << DIGEST_MD5, SHA1 = 1 << DIGEST_SHA1 };

TEST(what_is_kept_is_found)
{
	struct digest_cache *cache = digest_cache_new(4);

	keep(cache, file(7, 100), MD5, "abc");
	CHECK_TEXT(find(cache, file(7, 100), MD5)->hex[DIGEST_MD5], "abc");
	CHECK(!find(cache, file(8, 100), MD5));
	CHECK(!find(cache, file(7, 100), MD5 | SHA1));
	keep(cache, file(7, 100), SHA1, "def");
	CHECK_TEXT(find(cache, file(7, 100), MD5 | SHA1)->hex[DIGEST_MD5], "abc");
	digest_cache_free(cache);
}

TEST(a_changed_file_is_not_found)
{
	struct digest_cache *cache = digest_cache_new(4);
	struct stat longer = file(7, 100);

	longer.st_size++;
	keep(cache, file(7, 100), MD5, "abc");
	CHECK(!find(cache, longer, MD5));
	CHECK(!find(cache, file(7, 101), MD5));
	keep(cache, file(7, 101), SHA1, "def");
	CHECK(!find(cache, file(7, 101), MD5));
	CHECK(find(cache, file(7, 101), SHA1));
	digest_cache_free(cache);
}

TEST(a_file_that_changed_just_now_is_not_kept)
{
	struct digest_cache *cache = digest_cache_new(4);

	keep(cache, file(7, 1000), MD5, "abc");
	CHECK(!find(cache, file(7, 1000), MD5));
	keep(cache, file(7, 998), MD5, "abc");
	CHECK(!find(cache, file(7, 998), MD5));
	keep(cache, file(7, 997), MD5, "abc");
	CHECK(find(cache, file(7, 997), MD5));
	digest_cache_free(cache);
}

TEST(a_file_that_changes_while_it_is_read_is_not_kept)
{
	struct digest_cache *cache = digest_cache_new(4);
	struct stat before = file(7, 100), after = file(7, 101);
	struct digest digest = { 0 };

	digest_cache_keep(cache, 1000, &before, &after, MD5, &digest);
	CHECK(!find(cache, before, MD5));
	CHECK(!find(cache, after, MD5));
	digest_cache_free(cache);
}

TEST(the_least_recently_used_one_goes)
{
	struct digest_cache *cache = digest_cache_new(2);

	keep(cache, file(1, 100), MD5, "one");
	keep(cache, file(2, 100), MD5, "two");
	CHECK(find(cache, file(1, 100), MD5));
	keep(cache, file(3, 100), MD5, "three");
	CHECK_TEXT(find(cache, file(1, 100), MD5)->hex[DIGEST_MD5], "one");
	CHECK(!find(cache, file(2, 100), MD5));
	CHECK_TEXT(find(cache, file(3, 100), MD5)->hex[DIGEST_MD5], "three");
	digest_cache_free(cache);
}
