// SPDX-License-Identifier: Apache-2.0
#pragma once
// Bytes as they are stored: compressed when that is worth it.
//
//	byte 0		enum blob_form
//	bytes 1 to 4	length when expanded, little-endian; BLOB_ZSTD only
//	the rest	the bytes, or one Zstandard frame

#include "base/base.h"

enum blob_form { BLOB_PLAIN, BLOB_ZSTD };

enum {
	BLOB_LEAST_BYTES = 2048, // below that they are left as they are
	BLOB_MOST_BYTES = 64 << 20, // expanded
};

// Adds the bytes, packed.
void blob_pack(struct text *packed, const char *bytes, size_t length);

// Adds what was packed. -EUCLEAN when it is damaged.
int blob_unpack(struct text *bytes, const char *packed, size_t length, struct fault *why);
