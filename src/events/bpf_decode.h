// SPDX-License-Identifier: Apache-2.0
#pragma once
// Records of the kernel programs (bpf/wire.h), checked: whatever the bytes are, what is taken out
// of them lies within them.

#include <stddef.h>
#include <sys/types.h>

#include "events/bpf/wire.h"
#include "events/event.h"

// Names of a path, the last one first, each with its NUL.
struct wire_slice {
	const struct wire_names *about;
	const char *names;
};

struct wire_view {
	const struct wire_record *record;
	union {
		struct {
			const struct wire_file *part;
			struct wire_slice names;
		} file;
		struct {
			const struct wire_paths *part;
			struct wire_slice folders[2];
			const char *strings[2]; // not terminated: part->paths[i].length bytes
		} paths;
		struct {
			const struct wire_exec *part;
			struct wire_slice cwd, executable, cgroup;
			const char *arguments; // part->arguments bytes
		} exec;
		struct {
			const struct wire_folder *part;
			struct wire_slice names;
		} folder;
		const struct wire_fork *fork;
		const struct wire_exit *exit;
		const struct wire_kill *kill;
		const struct wire_socket *socket;
	};
};

// -EINVAL when the bytes, which are aligned to 8, are no record.
int wire_decode(struct wire_view *view, const void *bytes, size_t length);

// The path of the names below a base, with a NUL: its length, or -ENAMETOOLONG. A base of "" or "/"
// is the root.
ssize_t wire_join(char *to, size_t room, const char *base, const struct wire_slice *slice);

// What all records say. `offset_ns` is what the time since 1970 is ahead of CLOCK_BOOTTIME.
void wire_event(struct event *event, const struct wire_record *record, int64_t offset_ns);

// The start of a process in the units of /proc/PID/stat.
uint64_t wire_ticks(uint64_t start_ns);

// dev_t of the kernel as stat(2) has it.
uint64_t wire_device(uint32_t device);
