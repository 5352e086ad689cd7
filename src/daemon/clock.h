// SPDX-License-Identifier: Apache-2.0
#pragma once
// The clock that everything here is timed by: it neither jumps nor counts while the host sleeps.

#include <stdint.h>
#include <time.h>

// Milliseconds of CLOCK_MONOTONIC.
static inline int64_t clock_ms(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}
