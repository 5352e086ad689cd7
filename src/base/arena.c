// SPDX-License-Identifier: Apache-2.0
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CHUNK_BYTES = 16 * 1024, // the first chunk; later ones double up to
	CHUNK_MAX_BYTES = 1024 * 1024, // this
};

struct arena_chunk {
	struct arena_chunk *older;
	size_t size_bytes;
	size_t used_bytes;
	alignas(max_align_t) char memory[];
};

void *must_alloc(size_t size_bytes)
{
	void *memory = malloc(size_bytes ? size_bytes : 1);

	if (!memory) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return memory;
}

void *must_resize(void *memory, size_t size_bytes)
{
	void *resized = realloc(memory, size_bytes ? size_bytes : 1);

	if (!resized) {
		fputs("out of memory\n", stderr);
		abort();
	}
	return resized;
}

char *must_dup(const char *string)
{
	size_t size = strlen(string) + 1;

	return memcpy(must_alloc(size), string, size);
}

static void add_chunk(struct arena *arena, size_t at_least_bytes)
{
	size_t size = arena->chunk ? arena->chunk->size_bytes * 2 : CHUNK_BYTES;
	struct arena_chunk *chunk;

	if (size > CHUNK_MAX_BYTES)
		size = CHUNK_MAX_BYTES;
	if (size < at_least_bytes)
		size = at_least_bytes;

	chunk = must_alloc(sizeof(*chunk) + size);
	chunk->older = arena->chunk;
	chunk->size_bytes = size;
	chunk->used_bytes = 0;
	arena->chunk = chunk;
	arena->held_bytes += size;
}

void *arena_alloc(struct arena *arena, size_t size_bytes)
{
	const size_t alignment = alignof(max_align_t);
	size_t size = (size_bytes + alignment - 1) & ~(alignment - 1);
	void *memory;

	if (size < size_bytes) // so close to SIZE_MAX that rounding up wrapped
		abort();
	if (!arena->chunk || arena->chunk->size_bytes - arena->chunk->used_bytes < size)
		add_chunk(arena, size);

	memory = arena->chunk->memory + arena->chunk->used_bytes;
	arena->chunk->used_bytes += size;
	arena->used_bytes += size;
	return memory;
}

void *arena_zero(struct arena *arena, size_t size_bytes)
{
	return memset(arena_alloc(arena, size_bytes), 0, size_bytes);
}

char *arena_copy(struct arena *arena, const char *bytes, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	if (length > 0)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	char small[256];
	va_list arguments;
	char *text;
	int length;

	va_start(arguments, format);
	length = vsnprintf(small, sizeof(small), format, arguments);
	va_end(arguments);
	if (length < 0)
		abort(); // a broken format string: our mistake
	if ((size_t) length < sizeof(small))
		return arena_copy(arena, small, (size_t) length);

	text = arena_alloc(arena, (size_t) length + 1);
	va_start(arguments, format);
	(void) vsnprintf(text, (size_t) length + 1, format, arguments);
	va_end(arguments);
	return text;
}

void arena_reset(struct arena *arena)
{
	struct arena_chunk *chunk = arena->chunk;

	while (chunk && chunk->older) {
		struct arena_chunk *older = chunk->older;

		arena->held_bytes -= chunk->size_bytes;
		free(chunk);
		chunk = older;
	}
	if (chunk && chunk->size_bytes > CHUNK_MAX_BYTES) {
		arena->held_bytes -= chunk->size_bytes;
		free(chunk);
		chunk = NULL;
	}
	if (chunk)
		chunk->used_bytes = 0;
	arena->chunk = chunk;
	arena->used_bytes = 0;
}

void arena_done(struct arena *arena)
{
	while (arena->chunk) {
		struct arena_chunk *older = arena->chunk->older;

		free(arena->chunk);
		arena->chunk = older;
	}
	*arena = (struct arena){ 0 };
}
