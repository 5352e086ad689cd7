// SPDX-License-Identifier: Apache-2.0
#pragma once
// Compression by Zstandard (RFC 8878).

#include <stddef.h>
#include <sys/types.h>

struct zstd_library {
	// The most that `length` bytes can become.
	size_t (*bound)(size_t length);

	// One frame that says how much it holds: its length, or -1 when it does not fit in `room`.
	ssize_t (*compress)(char *to, size_t room, const char *from, size_t length);

	// What one frame holds: its length, or -1 when the frame is damaged or holds more than
	// `room`.
	ssize_t (*expand)(char *to, size_t room, const char *from, size_t length);

	// Writes all of `from` as a frame to `to`: 0, or a negative errno.
	int (*compress_file)(int to, int from);
};
