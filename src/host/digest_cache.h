// SPDX-License-Identifier: Apache-2.0
#pragma once
// Digests of files that were computed before. An entry counts as long as the file's device, inode,
// size and times of change are the same; the least recently used one goes when there are too many.

#include <sys/stat.h>
#include <time.h>

#include "host/digest.h"

struct digest_cache;

// `room`: how many files are kept.
struct digest_cache *digest_cache_new(size_t room);
void digest_cache_free(struct digest_cache *cache);

// The kept digest of the file, with at least the kinds asked for, or NULL. Borrowed until the next
// call.
const struct digest *digest_cache_find(
	struct digest_cache *cache, const struct stat *status, unsigned kinds);

// Keeps what was computed, together with other kinds kept for the same content. `before` and
// `after` are the file's before and after it was read, from the time `began` on. Nothing is kept if
// it changed meanwhile, or so lately before that the next change might bear the same time.
void digest_cache_keep(struct digest_cache *cache, time_t began, const struct stat *before,
	const struct stat *after, unsigned kinds, const struct digest *digest);
