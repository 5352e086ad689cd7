// SPDX-License-Identifier: Apache-2.0
#pragma once
// Digests, by OpenSSL's libcrypto.

#include <stddef.h>

enum { CRYPTO_DIGEST_BYTES = 32 };

struct crypto_digest;

struct crypto_library {
	// `name` is md5, sha1 or sha256. NULL when the library has no such digest or no memory.
	struct crypto_digest *(*begin)(const char *name);
	void (*add)(struct crypto_digest *digest, const void *bytes, size_t length);

	// Writes the digest, ends and frees it. The number of bytes, or 0 on failure. `result` may
	// be NULL.
	size_t (*end)(struct crypto_digest *digest, unsigned char result[CRYPTO_DIGEST_BYTES]);
};
