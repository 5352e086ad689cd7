// SPDX-License-Identifier: Apache-2.0
// The ring of the kernel, in ordinary memory: the test writes what the kernel would.
#include "test.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdbool.h>
#include <stdint.h>

#include "events/bpf_ring.h"

enum { SIZE = 4096 };

static struct {
	uint64_t consumer, producer;
	_Alignas(8) unsigned char data[SIZE];
} pages;

static struct bpf_ring ring_new(uint64_t start)
{
	pages.consumer = start;
	pages.producer = start;
	return (struct bpf_ring){
		.consumer = &pages.consumer,
		.producer = &pages.producer,
		.data = pages.data,
		.size_bytes = SIZE,
		.position = start,
	};
}

static void put_byte(uint64_t at, unsigned char byte)
{
	pages.data[at % SIZE] = byte;
}

// A record of `length` bytes that count up from `first`.
static void put(uint32_t length, uint32_t bits, unsigned char first)
{
	uint32_t head[2] = { length | bits, 0 };

	memcpy(pages.data + pages.producer % SIZE, head, sizeof(head));
	for (uint32_t i = 0; i < length; i++)
		put_byte(pages.producer + 8 + i, (unsigned char) (first + i));
	pages.producer += (length + 8 + 7) / 8 * 8;
}

static bool is_counting(const unsigned char *bytes, size_t length, unsigned char first)
{
	for (size_t i = 0; i < length; i++)
		if (bytes[i] != (unsigned char) (first + i))
			return false;
	return true;
}

TEST(records_come_in_order_and_around_the_end)
{
	struct bpf_ring ring = ring_new(0);
	const void *bytes;
	size_t length;

	for (unsigned round = 0; round < 10000; round++) {
		uint32_t size = 1 + round * 7 % 1000;

		put(size, 0, (unsigned char) round);
		put(5, 0, (unsigned char) (round + 1));
		CHECK(bpf_ring_next(&ring, &bytes, &length) == 1);
		CHECK(length == size && (uintptr_t) bytes % 8 == 0);
		CHECK(is_counting(bytes, length, (unsigned char) round));
		CHECK(bpf_ring_next(&ring, &bytes, &length) == 1);
		CHECK(length == 5 && is_counting(bytes, length, (unsigned char) (round + 1)));
		CHECK(bpf_ring_next(&ring, &bytes, &length) == 0);
		bpf_ring_release(&ring);
		CHECK(pages.consumer == pages.producer);
	}
	CHECK(ring.joined); // some went around the end
	free(ring.joined);
}

TEST(what_is_being_written_is_waited_for_and_what_was_discarded_is_not_seen)
{
	struct bpf_ring ring = ring_new(SIZE * 3ull - 64);
	uint64_t start = pages.producer;
	uint32_t done = 16;
	const void *bytes;
	size_t length;

	put(16, BPF_RINGBUF_BUSY_BIT, 1);
	put(16, BPF_RINGBUF_DISCARD_BIT, 2);
	put(16, 0, 3);
	CHECK(bpf_ring_next(&ring, &bytes, &length) == 0);
	memcpy(pages.data + start % SIZE, &done, sizeof(done));
	CHECK(bpf_ring_next(&ring, &bytes, &length) == 1 && is_counting(bytes, length, 1));
	CHECK(bpf_ring_next(&ring, &bytes, &length) == 1 && is_counting(bytes, length, 3));
	CHECK(bpf_ring_next(&ring, &bytes, &length) == 0);
	free(ring.joined);
}

TEST(nothing_is_given_back_before_it_is_released)
{
	struct bpf_ring ring = ring_new(0);
	const void *bytes;
	size_t length;

	put(8, 0, 1);
	CHECK(bpf_ring_next(&ring, &bytes, &length) == 1);
	CHECK(pages.consumer == 0);
	bpf_ring_seek(&ring, 0); // as the next reader would
	CHECK(bpf_ring_next(&ring, &bytes, &length) == 1);
	bpf_ring_release(&ring);
	CHECK(pages.consumer == 16);
}

TEST(the_last_record_can_stay_so_that_the_kernel_wakes_nobody)
{
	struct bpf_ring ring = ring_new(0);
	const void *bytes;
	size_t length;

	put(8, 0, 1);
	put(8, 0, 2);
	CHECK(bpf_ring_next(&ring, &bytes, &length) == 1);
	CHECK(bpf_ring_next(&ring, &bytes, &length) == 1);
	bpf_ring_release_most(&ring);
	CHECK(pages.consumer == 16);
	put(8, 0, 3);
	CHECK(!bpf_ring_release(&ring)); // there is one that was not read
	CHECK(pages.consumer == 32);
	bpf_ring_release_most(&ring); // nothing is taken back
	CHECK(pages.consumer == 32);
	CHECK(bpf_ring_next(&ring, &bytes, &length) == 1);
	CHECK(bpf_ring_release(&ring));
}

TEST(reading_goes_on_where_it_was_stored_if_that_can_be)
{
	struct bpf_ring ring = ring_new(0);

	put(8, 0, 1);
	put(8, 0, 2);
	bpf_ring_seek(&ring, 16);
	CHECK(ring.position == 16);
	bpf_ring_seek(&ring, 4096); // the kernel has not come so far
	CHECK(ring.position == 0);
	bpf_ring_seek(&ring, 7); // no record begins there
	CHECK(ring.position == 0);
	bpf_ring_seek(&ring, 32);
	CHECK(ring.position == 32);
}

TEST(a_ring_that_says_impossible_things_is_passed_over)
{
	struct bpf_ring ring = ring_new(0);
	const void *bytes;
	size_t length;

	put(8, 0, 1);
	memset(pages.data, 0x3f, 4); // a length beyond all that is in it
	CHECK(bpf_ring_next(&ring, &bytes, &length) == -EUCLEAN);
	CHECK(bpf_ring_next(&ring, &bytes, &length) == 0);
	pages.producer = ring.position + 2 * SIZE; // more than there is room for
	CHECK(bpf_ring_next(&ring, &bytes, &length) == -EUCLEAN);
	CHECK(ring.position == pages.producer);
}
