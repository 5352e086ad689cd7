// SPDX-License-Identifier: Apache-2.0
#include "base/set.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

// The slot that holds the number or where it belongs. Multiplication by 2^64 divided by the golden
// ratio spreads numbers that are close to each other.
static uint64_t *slot_of(uint64_t *slots, size_t room, uint64_t number)
{
	size_t at = (size_t) ((number * 0x9e3779b97f4a7c15u) >> 32) & (room - 1);

	while (slots[at] != 0 && slots[at] != number + 1)
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static void grow(struct set *set)
{
	size_t room = set->room ? set->room * 2 : 64;
	uint64_t *slots = must_alloc(room * sizeof(*slots));

	memset(slots, 0, room * sizeof(*slots));
	for (size_t i = 0; i < set->room; i++)
		if (set->slots[i])
			*slot_of(slots, room, set->slots[i] - 1) = set->slots[i];
	free(set->slots);
	set->slots = slots;
	set->room = room;
}

bool set_add(struct set *set, uint64_t number)
{
	uint64_t *slot;

	assert(number != UINT64_MAX);
	if (set->count * 2 >= set->room)
		grow(set);
	slot = slot_of(set->slots, set->room, number);
	if (*slot)
		return false;
	*slot = number + 1;
	set->count++;
	return true;
}

void set_done(struct set *set)
{
	free(set->slots);
	*set = (struct set){ 0 };
}
