// SPDX-License-Identifier: Apache-2.0
#pragma once
// Clocks in milliseconds.

#include <stdint.h>
#include <time.h>

// That of clock_gettime(2).
static inline int64_t clock_read_ms(clockid_t clock)
{
	struct timespec now;

	(void) clock_gettime(clock, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

// The clock that durations are timed by: it neither jumps nor counts while the host sleeps.
static inline int64_t clock_ms(void)
{
	return clock_read_ms(CLOCK_MONOTONIC);
}

// A number of seconds that somebody chose, as milliseconds: what lies beyond some hundred years
// stays there, so that times can be added.
static inline int64_t clock_from_s(int64_t seconds)
{
	const int64_t most = INT64_C(10000000000);

	return (seconds < most ? seconds : most) * 1000;
}
