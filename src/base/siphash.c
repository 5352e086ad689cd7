// SPDX-License-Identifier: Apache-2.0
#include "base/siphash.h"

#include <string.h>

struct state {
	uint64_t a, b, c, d;
};

static inline uint64_t rotate(uint64_t word, int bits)
{
	return word << bits | word >> (64 - bits);
}

static inline void mix(struct state *s, int rounds)
{
	while (rounds-- > 0) {
		s->a += s->b;
		s->b = rotate(s->b, 13) ^ s->a;
		s->a = rotate(s->a, 32);
		s->c += s->d;
		s->d = rotate(s->d, 16) ^ s->c;
		s->a += s->d;
		s->d = rotate(s->d, 21) ^ s->a;
		s->c += s->b;
		s->b = rotate(s->b, 17) ^ s->c;
		s->c = rotate(s->c, 32);
	}
}

static inline void take(struct state *s, uint64_t word)
{
	s->d ^= word;
	mix(s, 2);
	s->a ^= word;
}

// The last bytes, and the length of all in the highest byte.
static uint64_t last_word(const unsigned char *rest, size_t length)
{
	uint64_t word = (uint64_t) length << 56;

	for (size_t i = 0; i < length % 8; i++)
		word |= (uint64_t) rest[i] << 8 * i;
	return word;
}

struct digest128 siphash(const struct siphash_key *key, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	struct state s = {
		.a = key->words[0] ^ 0x736f6d6570736575,
		.b = key->words[1] ^ 0x646f72616e646f6d ^ 0xee,
		.c = key->words[0] ^ 0x6c7967656e657261,
		.d = key->words[1] ^ 0x7465646279746573,
	};
	struct digest128 digest;

	for (size_t left = length; left >= 8; left -= 8, at += 8) {
		uint64_t word;

		memcpy(&word, at, sizeof(word)); // the machine is little-endian
		take(&s, word);
	}
	take(&s, last_word(at, length));

	s.c ^= 0xee;
	mix(&s, 4);
	digest.words[0] = s.a ^ s.b ^ s.c ^ s.d;
	s.b ^= 0xdd;
	mix(&s, 4);
	digest.words[1] = s.a ^ s.b ^ s.c ^ s.d;
	return digest;
}
