// SPDX-License-Identifier: Apache-2.0
#pragma once
// A set of numbers, by open addressing.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// All zero is the empty set.
struct set {
	uint64_t *slots; // the number plus 1, 0 where there is none
	size_t room, count;
};

// True if the number was not in the set yet. UINT64_MAX cannot be a member.
bool set_add(struct set *set, uint64_t number);
void set_done(struct set *set);
