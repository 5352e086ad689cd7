// SPDX-License-Identifier: Apache-2.0
#include "events/bpf_ring.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/base.h"

int bpf_ring_open(struct bpf_ring *ring, int fd, uint64_t size_bytes, struct fault *why)
{
	size_t page = (size_t) sysconf(_SC_PAGESIZE);
	void *consumer, *producer;

	consumer = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (consumer == MAP_FAILED)
		return fail(why, -errno, "bpf: the ring cannot be mapped: %m");
	producer = mmap(NULL, page + size_bytes, PROT_READ, MAP_SHARED, fd, (off_t) page);
	if (producer == MAP_FAILED) {
		(void) fail(why, -errno, "bpf: the ring cannot be mapped: %m");
		(void) munmap(consumer, page);
		return why ? why->code : -EIO;
	}
	*ring = (struct bpf_ring){
		.consumer = consumer,
		.producer = producer,
		.data = (unsigned char *) producer + page,
		.size_bytes = size_bytes,
		.pages = { consumer, producer },
	};
	ring->position = __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
	ring->last = ring->position;
	return 0;
}

void bpf_ring_close(struct bpf_ring *ring)
{
	size_t page = (size_t) sysconf(_SC_PAGESIZE);

	if (ring->pages[0])
		(void) munmap(ring->pages[0], page);
	if (ring->pages[1])
		(void) munmap(ring->pages[1], page + ring->size_bytes);
	free(ring->joined);
	*ring = (struct bpf_ring){ 0 };
}

void bpf_ring_seek(struct bpf_ring *ring, uint64_t position)
{
	uint64_t consumer = __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
	uint64_t producer = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);

	ring->position = consumer;
	if (position > consumer && position <= producer && position % 8 == 0)
		ring->position = position;
	ring->last = consumer;
}

// A record that begins at the end of the data and goes on at its beginning is put together.
static const void *join(struct bpf_ring *ring, uint64_t start, uint64_t size)
{
	uint64_t first = ring->size_bytes - start;

	if (first >= size)
		return ring->data + start;
	if (!ring->joined)
		ring->joined = must_alloc(BPF_RING_RECORD);
	memcpy(ring->joined, ring->data + start, first);
	memcpy((char *) ring->joined + first, ring->data, size - first);
	return ring->joined;
}

static int give_up(struct bpf_ring *ring, uint64_t producer)
{
	ring->position = producer;
	ring->last = producer;
	return -EUCLEAN;
}

int bpf_ring_next(struct bpf_ring *ring, const void **bytes, size_t *length)
{
	uint64_t producer = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE);

	while (ring->position != producer) {
		uint64_t start = ring->position & (ring->size_bytes - 1);
		uint32_t word = __atomic_load_n(
			(const uint32_t *) (ring->data + start), __ATOMIC_ACQUIRE);
		uint64_t size = word & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		uint64_t step = (size + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;

		if (producer - ring->position > ring->size_bytes || ring->position % 8 != 0)
			return give_up(ring, producer);
		if (word & BPF_RINGBUF_BUSY_BIT)
			return 0; // it is being written
		if (step > producer - ring->position || size > BPF_RING_RECORD)
			return give_up(ring, producer);
		ring->last = ring->position;
		ring->position += step;
		if (word & BPF_RINGBUF_DISCARD_BIT)
			continue;
		start = (start + BPF_RINGBUF_HDR_SZ) & (ring->size_bytes - 1);
		*bytes = join(ring, start, size);
		*length = size;
		return 1;
	}
	return 0;
}

// The kernel first makes a record visible and then looks at the position of the reader; the reader
// does it the other way around. So one of them notices the other.
bool bpf_ring_release(struct bpf_ring *ring)
{
	__atomic_store_n(ring->consumer, ring->position, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) == ring->position;
}

void bpf_ring_release_most(struct bpf_ring *ring)
{
	if (ring->last > __atomic_load_n(ring->consumer, __ATOMIC_RELAXED))
		__atomic_store_n(ring->consumer, ring->last, __ATOMIC_RELEASE);
}

uint64_t bpf_ring_held_bytes(const struct bpf_ring *ring)
{
	return ring->position - __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);
}
