// SPDX-License-Identifier: Apache-2.0
#pragma once
// Paths that programs gave to system calls: where they lie in the folders that are watched. Folders
// are looked up when the record is read, and remembered for a second, or until a folder or a link
// may have changed.

#include "events/bpf_decode.h"
#include "events/bpf_watch.h"

struct bpf_paths {
	struct bpf_watches *watches;
	struct bpf_folder *folders; // what is remembered
	int64_t since_ms; // when the first of it was
};

enum { BPF_PATH_MAX = 4096 + WIRE_TEXT };

void bpf_paths_open(struct bpf_paths *paths, struct bpf_watches *watches);
void bpf_paths_done(struct bpf_paths *paths);

// Forgets all folders.
void bpf_paths_forget(struct bpf_paths *paths);

// Writes the path (of paths 0 or 1) of the record: 1 when it is in a watched folder, 0 when it is
// not: the path is as the program gave it then. -ENAMETOOLONG. `follow`: if it is a link, what that
// points to is meant. `path` has room for BPF_PATH_MAX bytes.
int bpf_paths_find(struct bpf_paths *paths, const struct wire_view *view, unsigned which,
	bool follow, int64_t now_ms, char *path);
