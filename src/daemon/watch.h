// SPDX-License-Identifier: Apache-2.0
#pragma once
// The watchdog: how much a role may use, and what happens when it uses more. Measuring reads /proc;
// judging knows only samples, so that it can be tested with made ones.
//
// A limit costs the query that runs, and nothing else, as long as the role obeys: it is told to end
// that query. Only when the query goes on all the same is the role ended, first politely.

#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/flags.h"

struct watch_limits {
	uint64_t memory_bytes; // more than at the start of the role
	int64_t cpu_percent; // of all CPUs
	int64_t n_cpus;
	int64_t excess_ms; // how long CPU time may be exceeded
	int64_t delay_ms; // after the start, before CPU and memory are limited
	int64_t grace_ms; // between two steps against a role
	int64_t stall_ms; // how long a query may go without a beat; 0: for ever
	int64_t wall_ms; // how long a query may take; 0: for ever
	int64_t interval_ms; // between two samples
};

// The limits by flags; false when there are none.
bool watch_limits_read(struct watch_limits *limits, const struct flags *flags);

struct watch_sample {
	int64_t at_ms; // CLOCK_MONOTONIC, like the following two, which are those of the board
	int64_t began_ms, beat_ms;
	int64_t cpu_ms; // user and system, since the start
	uint64_t memory_bytes; // real memory: anonymous and shared, no mapped files
};

// Fills CPU time and memory of a process; -ESRCH when it is gone.
int watch_measure(struct watch_sample *sample, int pid);

// What /proc/PID/stat and /proc/PID/status say. -EINVAL when it can't be read.
int watch_parse_stat(char *text, int64_t *cpu_ticks);
int watch_parse_status(char *text, uint64_t *memory_bytes);

enum watch_step { WATCH_NOTHING, WATCH_CANCEL, WATCH_TERMINATE, WATCH_KILL };

// What is known of a role since its start.
struct watch {
	struct watch_sample first, last;
	int64_t excess_ms; // how long it has used too much CPU time
	enum watch_step step; // the last one taken
	int64_t step_ms; // when
	int64_t cancelled_ms; // when the query began that was to be ended
	struct fault reason; // for the last step
};

void watch_begin(struct watch *watch, const struct watch_sample *first);

// Takes a sample: the step to take now.
enum watch_step watch_judge(
	struct watch *watch, const struct watch_limits *limits, const struct watch_sample *sample);

// When the next sample is to be taken.
int64_t watch_due(const struct watch *watch, const struct watch_limits *limits);
