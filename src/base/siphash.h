// SPDX-License-Identifier: Apache-2.0
#pragma once
// SipHash-2-4 with a result of 128 bits (Aumasson and Bernstein, https://www.aumasson.jp/siphash/):
// with a secret key nobody who writes what is hashed can make two things look the same.

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
	uint64_t words[2];
};

struct digest128 {
	uint64_t words[2];
};

struct digest128 siphash(const struct siphash_key *key, const void *bytes, size_t length);
