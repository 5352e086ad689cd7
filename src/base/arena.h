// SPDX-License-Identifier: Apache-2.0
#pragma once
// Memory that is given back all at once: that of a row, a query, a message.

#include <stddef.h>

// An arena lives in its owner's memory; all zero is an empty one.
struct arena {
	struct arena_chunk *chunk; // the newest, the only one with room
	size_t used_bytes; // asked for since the last reset
	size_t held_bytes; // taken from malloc
};

// Uninitialised memory, aligned for any type, until the arena is reset or done. Never NULL: when
// the system has no more memory the program ends (must_alloc).
__attribute__((malloc, returns_nonnull, alloc_size(2))) void *arena_alloc(
	struct arena *arena, size_t size_bytes);

// The same, all zero.
__attribute__((malloc, returns_nonnull)) void *arena_zero(struct arena *arena, size_t size_bytes);

// A copy of `length` bytes with a NUL behind them.
__attribute__((returns_nonnull)) char *arena_copy(
	struct arena *arena, const char *bytes, size_t length);

__attribute__((returns_nonnull, format(printf, 2, 3))) char *arena_printf(
	struct arena *arena, const char *format, ...);

// Frees everything but one small chunk, which is used again.
void arena_reset(struct arena *arena);

// Frees everything. The arena is empty then and may be used again.
void arena_done(struct arena *arena);

// malloc, realloc and strdup that end the program when there is no memory: for sizes that nobody
// outside can choose. Sizes from outside are checked against a limit before.
__attribute__((malloc, returns_nonnull)) void *must_alloc(size_t size_bytes);
__attribute__((returns_nonnull)) void *must_resize(void *memory, size_t size_bytes);
__attribute__((malloc, returns_nonnull)) char *must_dup(const char *string);
