// SPDX-License-Identifier: Apache-2.0
#include <errno.h>

#include "base/arena.h"
#include "base/fault.h"
#include "base/set.h"
#include "test.h"

TEST(an_arena_gives_memory_that_stays_until_it_is_reset)
{
	struct arena arena = { 0 };
	char *texts[1000];

	for (int i = 0; i < 1000; i++)
		texts[i] = arena_printf(&arena, "%0*d", i, i);
	for (int i = 1; i < 1000; i++)
		CHECK(strtol(texts[i], NULL, 10) == i);
	CHECK(arena.used_bytes > 1000 * 999 / 2 && arena.held_bytes >= arena.used_bytes);
	arena_reset(&arena);
	CHECK(arena.used_bytes == 0 && arena.held_bytes <= 16 * 1024);
	arena_done(&arena);
	CHECK(arena.held_bytes == 0);
}

TEST(an_arena_gives_back_what_was_large)
{
	struct arena arena = { 0 };

	memset(arena_alloc(&arena, 8 << 20), 1, 8 << 20);
	arena_reset(&arena);
	CHECK(arena.held_bytes == 0);
	arena_done(&arena);
}

TEST(a_set_knows_its_numbers)
{
	struct set set = { 0 };

	for (uint64_t i = 0; i < 5000; i++)
		CHECK(set_add(&set, i * 64));
	for (uint64_t i = 0; i < 5000; i++)
		CHECK(!set_add(&set, i * 64));
	CHECK(set.count == 5000);
	set_done(&set);
}

TEST(a_fault_that_is_too_long_is_cut)
{
	struct fault why;

	CHECK(fail(&why, -EIO, "%01000d", 7) == -EIO);
	CHECK(strlen(why.text) == FAULT_TEXT - 1 && why.code == -EIO);
	CHECK(fail(NULL, -EPERM, "nobody reads this") == -EPERM);
}
