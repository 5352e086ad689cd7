// SPDX-License-Identifier: Apache-2.0
#pragma once
// The folders that the kernel programs watch: found by device and inode in the kernel, by their id
// here.

#include "events/bpf/wire.h"
#include "events/rules.h"
#include "modules/bpf/bpf.h"

struct bpf_watch {
	char *path; // as of the rules, or a mount point below one of them
	struct wire_key key;
	struct wire_watch wire;
};

struct bpf_watches {
	const struct bpf_library *library;
	const struct bpf_loaded *loaded;
	struct bpf_watch *list; // in force
	size_t n;
	struct bpf_watch *before; // until the last change: records that name them may still wait
	size_t n_before;
	bool seen; // the maps of the kernel hold no others
	struct wire_answer answer;
};

// Asks the kernel about a descriptor of ours: watches->answer. -EBADF when it is none.
int bpf_watches_locate(struct bpf_watches *watches, int fd);

// Takes over the watches of the rules, with the file systems that are mounted below them. So that
// nothing is missed there are two steps, and the settings are written to the kernel after each: the
// first adds what is new to the watches and to the filter, the second removes what is no more.
int bpf_watches_set(struct bpf_watches *watches, const struct rules *rules,
	struct wire_settings *settings, struct fault *why);
void bpf_watches_finish(struct bpf_watches *watches, struct wire_settings *settings);
void bpf_watches_done(struct bpf_watches *watches);

// The path of a watch; NULL: there is none of this id.
const char *bpf_watches_path(const struct bpf_watches *watches, uint32_t id);

// Whether the path is in the folder of a watch, however deep.
bool bpf_watches_hold(const struct bpf_watches *watches, const char *path);
