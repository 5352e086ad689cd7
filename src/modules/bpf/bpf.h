// SPDX-License-Identifier: Apache-2.0
#pragma once
// The kernel programs of event sources (events/bpf/), and libbpf, which fits them to the running
// kernel and loads them.

#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

enum bpf_map_name {
	BPF_MAP_RING,
	BPF_MAP_SETTINGS,
	BPF_MAP_CALLS,
	BPF_MAP_WATCHES,
	BPF_MAP_COUNTERS,
	BPF_MAP_ANSWER,
	N_BPF_MAPS
};

enum bpf_link_name {
	BPF_LINK_ENTER,
	BPF_LINK_LEAVE,
	BPF_LINK_EXEC,
	BPF_LINK_FORK,
	BPF_LINK_EXIT,
	N_BPF_LINKS
};

// Descriptors; -1: there is none.
struct bpf_loaded {
	int maps[N_BPF_MAPS];
	int links[N_BPF_LINKS]; // programs that run
	int locate; // the program that bpf_library.run runs
};

struct bpf_library {
	// A number that is another one for other programs.
	uint64_t (*version)(void);

	// Loads the programs with a ring of so many bytes, a power of two, and attaches them.
	// Nothing is held in memory afterwards but the descriptors. A link that the kernel refuses
	// is missing; the first such reason is in `refused`.
	int (*load)(struct bpf_loaded *loaded, uint32_t ring_bytes, struct fault *refused,
		struct fault *why);

	// Pins everything in a folder of bpffs, so that it outlives the process, and takes it from
	// there. Both all or nothing.
	int (*pin)(const struct bpf_loaded *loaded, const char *folder, struct fault *why);
	int (*reopen)(struct bpf_loaded *loaded, const char *folder, struct fault *why);
	void (*close)(struct bpf_loaded *loaded);

	// Maps; 0 or a negative errno. `next` gives the key behind another (NULL: the first).
	int (*update)(int map, const void *key, const void *value);
	int (*lookup)(int map, const void *key, void *value);
	int (*remove)(int map, const void *key);
	int (*next)(int map, const void *key, void *after);

	// The id that the kernel gave a map, and how many bytes its ring has.
	int (*ask)(int map, uint32_t *id, uint32_t *entries);

	// Runs the program once, here, with one argument.
	int (*run)(int program, uint64_t argument);

	// How often a program was not run because it already did.
	uint64_t (*missed)(int link);

	// Processors that there can be: a value of BPF_MAP_COUNTERS for each.
	int (*processors)(void);
};
