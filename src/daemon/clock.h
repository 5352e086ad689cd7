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

// A number of seconds that somebody chose, as milliseconds: what lies beyond some hundred years
// stays there, so that times can be added.
static inline int64_t clock_from_s(int64_t seconds)
{
	const int64_t most = INT64_C(10000000000);

	return (seconds < most ? seconds : most) * 1000;
}
