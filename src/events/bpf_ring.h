// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reading the ring buffer of the kernel (BPF_MAP_TYPE_RINGBUF): what is read stays in it until it
// is released, so that it can be read again by whoever comes next.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

// The most bytes of a record.
enum { BPF_RING_RECORD = 64 << 10 };

// The pages of the ring: a position of the reader, one of the kernel, and the data. (The kernel
// offers the data twice in a row, too; that would count twice as our memory.)
struct bpf_ring {
	uint64_t *consumer;
	const uint64_t *producer;
	const unsigned char *data;
	uint64_t size_bytes; // a power of two
	uint64_t position; // read up to here
	uint64_t last; // where the record that was read last begins
	void *joined; // room for a record that goes around the end
	void *pages[2];
};

// Maps the ring of the descriptor.
int bpf_ring_open(struct bpf_ring *ring, int fd, uint64_t size_bytes, struct fault *why);
void bpf_ring_close(struct bpf_ring *ring);

// Goes on at `position` if that is in the ring and not released yet, else at the first record that
// is not.
void bpf_ring_seek(struct bpf_ring *ring, uint64_t position);

// 1 with the next record, aligned to 8 bytes and valid until the next call; 0 when there is none
// yet; -EUCLEAN when the ring says impossible things: all that is in it is passed over then.
int bpf_ring_next(struct bpf_ring *ring, const void **bytes, size_t *length);

// Gives the room of all that was read back to the kernel. True when the ring is empty then: the
// next record, if it is sent without flags, makes the descriptor readable.
bool bpf_ring_release(struct bpf_ring *ring);

// The same for all but the last record: as long as that one is there, records that are sent without
// flags wake nobody.
void bpf_ring_release_most(struct bpf_ring *ring);

// How much of the ring is read, and waits to be released.
uint64_t bpf_ring_held_bytes(const struct bpf_ring *ring);
