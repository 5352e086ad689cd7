// SPDX-License-Identifier: Apache-2.0
// Results and status lines on standard output.
#include <errno.h>
#include <unistd.h>

#include "output/output.h"

static ssize_t put(
	void *state, enum channel channel, const char *bytes, size_t length, struct fault *why)
{
	ssize_t written = write(STDOUT_FILENO, bytes, length);

	(void) state;
	(void) channel;
	return written < 0 ? fail(why, -errno, "standard output: %m") : written;
}

const struct output output_stdout = {
	.name = "stdout",
	.about = "Standard output.",
	.write = put,
};
