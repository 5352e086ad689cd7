// SPDX-License-Identifier: Apache-2.0
#pragma once
// How often each row occurs: a multiset of digests, by open addressing, 24 bytes a slot.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"

// All zero is the empty multiset.
struct counts {
	struct count {
		struct digest128 digest;
		uint32_t n; // how many there are
		uint32_t used; // not 0: the slot is taken
	} * slots;
	size_t room, n_slots; // `room` is a power of two
};

// Expects about so many different ones.
void counts_reserve(struct counts *counts, size_t n);

void counts_add(struct counts *counts, struct digest128 digest);

// Takes one out: false if there is none.
bool counts_take(struct counts *counts, struct digest128 digest);
void counts_done(struct counts *counts);
