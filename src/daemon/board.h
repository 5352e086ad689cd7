// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a role tells the supervisor while it works: a page of memory that both see, so that a role
// that hangs can still be read.

#include <stdatomic.h>
#include <stdint.h>

enum { BOARD_NAME = 256 };

// All times are milliseconds of CLOCK_MONOTONIC.
struct board {
	atomic_uint_least64_t beat_ms; // when the role last showed that it is alive
	atomic_uint_least64_t began_ms; // when the query that runs began; 0: none runs
	atomic_uint_least64_t finished; // queries that ended since the role was started
	char name[BOARD_NAME]; // of the query that runs; set before began_ms
};
