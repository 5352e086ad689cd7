// SPDX-License-Identifier: Apache-2.0
#pragma once
// Digests of files and of memory, by OpenSSL's libcrypto, which is loaded when the first is asked
// for.

#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"

enum digest_kind { DIGEST_MD5, DIGEST_SHA1, DIGEST_SHA256, DIGEST_KINDS };

enum { DIGEST_HEX = 64 + 1 };

// Lower-case hexadecimal, empty for the kinds that were not asked for.
struct digest {
	char hex[DIGEST_KINDS][DIGEST_HEX];
};

// `kinds`: bits 1 << DIGEST_…. The bytes are read once for all of them. `cancelled` (or NULL) is
// asked now and then. -ECANCELED; -EFBIG if there are more than `limit_bytes`; -EINVAL if it is not
// a regular file (never waits for a FIFO or a device).
int digest_fd(int fd, unsigned kinds, uint64_t limit_bytes, struct digest *digest,
	bool (*cancelled)(void *context), void *context, struct fault *why);

int digest_bytes(
	const void *bytes, size_t length, unsigned kinds, struct digest *digest, struct fault *why);
