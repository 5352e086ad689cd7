// SPDX-License-Identifier: Apache-2.0
#pragma once
// The processes of the host as the events tell of them: who did something, and whose child that
// was, also when they are long gone. Begun by one look at /proc.

#include "base/base.h"
#include "events/event.h"

struct processes;

// A process id is used again; together with the time of the start it is not.
struct process {
	uint32_t pid, ppid;
	uint64_t start_ticks; // since boot, as the 22nd field of /proc/PID/stat
	const struct process *parent; // NULL: not known
	const char *path; // executable, "" where there is none
	const char *cmdline; // arguments joined by blanks
	const char *cwd; // when it was last told
	const char *cgroup_path; // "" where it is not known
	const char *container_id; // "" outside of containers
	struct credentials ids; // when they were last told
	bool exited;
};

// `root` is borrowed.
struct processes *processes_open(const struct root *root);
void processes_close(struct processes *processes);

// Reads all processes that run from /proc. What is already known stays.
void processes_scan(struct processes *processes);

// The process of that id; a start of 0 takes the newest. One that is not known is looked for in
// /proc. NULL when it is gone.
const struct process *processes_find(
	struct processes *processes, uint32_t pid, uint64_t start_ticks);

// A process was started by another one: what it has of its parent is taken over.
const struct process *processes_fork(struct processes *processes, uint32_t parent, uint32_t child,
	uint64_t start_ticks, const struct credentials *ids);

// What a process became. Texts are copied; NULL leaves what is known.
struct process_image {
	uint32_t pid, ppid;
	uint64_t start_ticks;
	const char *path, *cmdline, *cwd, *cgroup_path;
	const struct credentials *ids;
};
const struct process *processes_exec(
	struct processes *processes, const struct process_image *image);

// It has ended. It is kept as long as its children live, and some time longer.
void processes_exit(struct processes *processes, uint32_t pid, uint64_t start_ticks);

// "PID-START": the same for all events of one process, and never for two.
enum { PROCESS_KEY = 40 };
void process_key(const struct process *process, char key[PROCESS_KEY]);

// Its ancestors as a JSON array of objects with pid, key and path, its parent first. Valid until
// the next call for any process.
const char *process_ancestry(struct processes *processes, const struct process *process);

// The id of the container in the path of a control group: docker, podman, containerd, CRI-O, LXC,
// systemd-nspawn. "" when there is none. `id` has room for 65 bytes.
void container_of_cgroup(const char *cgroup_path, char id[65]);

size_t processes_n(const struct processes *processes);
