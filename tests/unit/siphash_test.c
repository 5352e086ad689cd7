// SPDX-License-Identifier: Apache-2.0
// SipHash-2-4-128 against the first vectors of its authors' reference.
#include "base/siphash.h"
#include "test.h"

static const struct siphash_key key = { { 0x0706050403020100, 0x0f0e0d0c0b0a0908 } };

static void check(size_t length, const unsigned char expected[16])
{
	unsigned char bytes[64];
	struct digest128 digest;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char) i;
	digest = siphash(&key, bytes, length);
	CHECK(memcmp(&digest, expected, sizeof(digest)) == 0);
}

TEST(the_reference_vectors_come_out)
{
	check(0,
		(const unsigned char[16]){ 0xa3, 0x81, 0x7f, 0x04, 0xba, 0x25, 0xa8, 0xe6, 0x6d,
			0xf6, 0x72, 0x14, 0xc7, 0x55, 0x02, 0x93 });
	check(1,
		(const unsigned char[16]){ 0xda, 0x87, 0xc1, 0xd8, 0x6b, 0x99, 0xaf, 0x44, 0x34,
			0x76, 0x59, 0x11, 0x9b, 0x22, 0xfc, 0x45 });
	check(2,
		(const unsigned char[16]){ 0x81, 0x77, 0x22, 0x8d, 0xa4, 0xa4, 0x5d, 0xc7, 0xfc,
			0xa3, 0x8b, 0xde, 0xf6, 0x0a, 0xff, 0xe4 });
}

TEST(one_bit_changes_the_digest)
{
	struct digest128 a = siphash(&key, "12345678", 8), b = siphash(&key, "12345679", 8);

	CHECK(memcmp(&a, &b, sizeof(a)) != 0);
}
