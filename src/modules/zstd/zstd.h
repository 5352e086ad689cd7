// SPDX-License-Identifier: Apache-2.0
#pragma once
// Compression by Zstandard (RFC 8878).

#include <stddef.h>
#include <sys/types.h>

// Memory for many frames, one after another; of one thread.
struct zstd_context;

struct zstd_library {
	// The most that `length` bytes can become.
	size_t (*bound)(size_t length);

	// One frame that says how much it holds: its length, or -1 when it does not fit in `room`.
	ssize_t (*compress)(char *to, size_t room, const char *from, size_t length);

	// What one frame holds: its length, or -1 when the frame is damaged or holds more than
	// `room`.
	ssize_t (*expand)(char *to, size_t room, const char *from, size_t length);

	// NULL when there is no memory. `close` accepts NULL.
	struct zstd_context *(*open)(void);
	void (*close)(struct zstd_context *context);

	// As `compress` and `expand`, in half the time where frames are small. `level` is one of
	// Zstandard's.
	ssize_t (*compress_next)(struct zstd_context *context, int level, char *to, size_t room,
		const char *from, size_t length);
	ssize_t (*expand_next)(struct zstd_context *context, char *to, size_t room,
		const char *from, size_t length);

	// Writes all of `from` as a frame to `to`: 0, or a negative errno.
	int (*compress_file)(int to, int from);
};
