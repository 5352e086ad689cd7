// SPDX-License-Identifier: Apache-2.0
#pragma once
// The state of the bpf source (sources/bpf.c), and how a record of the kernel becomes an event.

#include "events/bpf_calls.h"
#include "events/bpf_decode.h"
#include "events/bpf_path.h"
#include "events/bpf_pin.h"
#include "events/bpf_ring.h"
#include "events/bpf_watch.h"
#include "events/source.h"

enum { BPF_IDENTITY = 64 };

struct bpf_state {
	const struct bpf_library *library;
	struct bpf_loaded loaded;
	struct bpf_ring ring;
	struct bpf_watches watches;
	struct bpf_paths paths;
	struct wire_settings settings;
	int mounts; // /proc/self/mountinfo, which says when it has changed
	char pins[BPF_PIN_PATH]; // "": nothing is pinned
	char identity[BPF_IDENTITY]; // of the ring
	uint64_t counted; // losses of the kernel that are in counts
	uint64_t missed; // runs of programs
	int64_t now_ms, ticked_ms; // when it is, when the once-a-second things were done
	int64_t looked_ms; // when the missed runs were counted
	int64_t busy_ms; // when something came last
	bool held; // what was read is not stored yet
	int64_t offset_ns; // from CLOCK_BOOTTIME to the time since 1970
	struct wire_counters *counters; // room for those of each processor
	const struct call *calls[2 * WIRE_CALLS]; // by their number
	char path[BPF_PATH_MAX], new_path[BPF_PATH_MAX], cwd[BPF_PATH_MAX], cgroup[BPF_PATH_MAX];
	char cmdline[WIRE_ARGUMENTS + 1];
};

// Gives what the record says, if it is wanted, and tells the table of processes.
void bpf_give(struct source *source, const struct wire_view *view);
