// SPDX-License-Identifier: Apache-2.0
#include "schedule/counts.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

enum { LEAST = 64 };

// The slot of the digest, or the free one where it belongs. The digest is keyed, so nobody can make
// many fall onto one slot.
static struct count *find(const struct counts *counts, struct digest128 digest)
{
	size_t at = digest.words[0] & (counts->room - 1);

	while (counts->slots[at].used &&
		memcmp(&counts->slots[at].digest, &digest, sizeof(digest)) != 0)
		at = (at + 1) & (counts->room - 1);
	return &counts->slots[at];
}

static void resize(struct counts *counts, size_t room)
{
	struct counts larger = { .slots = calloc(room, sizeof(*larger.slots)), .room = room };

	if (!larger.slots)
		abort(); // as must_alloc
	for (size_t i = 0; i < counts->room; i++)
		if (counts->slots[i].used)
			*find(&larger, counts->slots[i].digest) = counts->slots[i];
	larger.n_slots = counts->n_slots;
	free(counts->slots);
	*counts = larger;
}

void counts_reserve(struct counts *counts, size_t n)
{
	size_t room = counts->room ? counts->room : LEAST;

	while (room / 4 * 3 < n)
		room *= 2;
	if (room > counts->room)
		resize(counts, room);
}

void counts_add(struct counts *counts, struct digest128 digest)
{
	struct count *slot;

	counts_reserve(counts, counts->n_slots + 1);
	slot = find(counts, digest);
	if (!slot->used) {
		slot->digest = digest;
		slot->used = 1;
		counts->n_slots++;
	}
	slot->n++;
}

bool counts_take(struct counts *counts, struct digest128 digest)
{
	struct count *slot;

	if (counts->room == 0)
		return false;
	slot = find(counts, digest);
	if (!slot->used || slot->n == 0)
		return false;
	slot->n--;
	return true;
}

void counts_done(struct counts *counts)
{
	free(counts->slots);
	*counts = (struct counts){ 0 };
}
