// SPDX-License-Identifier: Apache-2.0
#pragma once
// What all kernel programs share: the maps, how a member of a kernel's object is read, how a record
// is begun, written and put into the ring.

#include "events/bpf/kernel.h"
#include "events/bpf/wire.h"

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <bpf/bpf_core_read.h>

// ---- maps ----

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 8 << 20); // the collector chooses
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_settings);
} settings SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 2 * WIRE_CALLS);
	__type(key, __u32);
	__type(value, struct wire_call);
} calls SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct wire_key);
	__type(value, struct wire_watch);
} watches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_counters);
} counters SEC(".maps");

// What the look for watches above a file has found.
struct found {
	__u32 watch, level; // the nearest one, and how far above
	__u8 any, wanted; // there is one; one of them wants the file
	__u8 deep; // there may be more above
};

// Room for one record, for each program and processor one, so that none can write into that of
// another which it interrupts.
enum program { ON_ENTER, ON_LEAVE, ON_EXEC, ON_EXIT, N_PROGRAMS };

// What changes in loops lives here too: of memory the verifier knows nothing, and so has one case
// to look at where it would have one for each turn.
struct scratch {
	__u64 arguments[8];
	__u64 fill; // of the ring, in bytes
	__u32 length; // of the text
	struct found found;
	struct dentry *path[WIRE_LEVELS]; // from a file up to the nearest watch
	struct {
		struct vfsmount *mnt;
		struct dentry *dentry;
	} start; // of a walk
	struct {
		struct wire_record record;
		union {
			struct {
				struct wire_file file;
				char file_text[WIRE_TEXT];
			};
			struct {
				struct wire_paths paths;
				char paths_text[WIRE_TEXT];
			};
			struct {
				struct wire_exec exec;
				char exec_text[WIRE_TEXT];
			};
			struct {
				struct wire_folder folder;
				char folder_text[WIRE_TEXT];
			};
			struct wire_fork fork;
			struct wire_exit exit;
			struct wire_kill kill;
			struct wire_socket socket;
		};
		char slack[WIRE_ARGUMENTS]; // what is written at the very end of the text
	} out;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY); // a map for each processor holds 32 KB at most
	__uint(max_entries, N_PROGRAMS); // times the processors: the collector chooses
	__type(key, __u32);
	__type(value, struct scratch);
} scratches SEC(".maps");

// ---- reading the kernel ----

// Set before the programs are loaded: the kernel lets an address be taken for an object, whose
// members are then read without a call each.
const volatile bool can_cast = false;

void *bpf_rdonly_cast(const void *object, __u32 type) __ksym __weak;

#define LOAD(object, type, member)                                                                 \
	({                                                                                         \
		const void *object_ = (object);                                                    \
		__typeof__(((type *) 0)->member) value_;                                           \
		if (can_cast)                                                                      \
			value_ = ((type *) bpf_rdonly_cast(                                        \
					  object_, bpf_core_type_id_kernel(type)))                 \
					 ->member;                                                 \
		else                                                                               \
			(void) bpf_core_read(                                                      \
				&value_, sizeof(value_), &((type *) object_)->member);             \
		value_;                                                                            \
	})

static __always_inline struct file *file_of(struct files_struct *files, __u32 fd)
{
	struct fdtable *table = LOAD(files, struct files_struct, fdt);
	struct file *file = NULL;

	if (fd >= LOAD(table, struct fdtable, max_fds))
		return NULL;
	(void) bpf_probe_read_kernel(&file, sizeof(file), LOAD(table, struct fdtable, fd) + fd);
	return file;
}

// ---- records ----

static __always_inline struct scratch *scratch_of(__u32 program)
{
	__u32 which = bpf_get_smp_processor_id() * N_PROGRAMS + program;

	return bpf_map_lookup_elem(&scratches, &which);
}

static __always_inline const struct wire_settings *settings_now(void)
{
	__u32 first = 0;

	return bpf_map_lookup_elem(&settings, &first);
}

static __always_inline bool is_wanted(const struct wire_settings *now, __u32 kind)
{
	return now->kinds & 1u << (kind & 31);
}

static __always_inline void count(__u32 kind, bool refused)
{
	__u32 first = 0;
	struct wire_counters *all = bpf_map_lookup_elem(&counters, &first);

	if (all && refused)
		all->refused[kind & (WIRE_COUNTERS - 1)]++;
	else if (all)
		all->received[kind & (WIRE_COUNTERS - 1)]++;
}

// Whether there is room for another record of the kind; counted where there is none.
static __always_inline bool is_admitted(
	struct scratch *scratch, const struct wire_settings *now, __u32 kind)
{
	scratch->fill = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
	if (scratch->fill <= now->most[kind & (WIRE_COUNTERS - 1)])
		return true;
	count(kind, true);
	return false;
}

static __always_inline void put_ids(struct wire_record *record, struct task_struct *task)
{
	const struct cred *cred = task->cred;

	record->ids[0] = cred->uid.val;
	record->ids[1] = cred->gid.val;
	record->ids[2] = cred->euid.val;
	record->ids[3] = cred->egid.val;
	record->ids[4] = cred->suid.val;
	record->ids[5] = cred->sgid.val;
	record->ids[6] = cred->fsuid.val;
	record->ids[7] = cred->fsgid.val;
	record->ids[8] = -1;
	record->ids[9] = -1;
	if (bpf_core_field_exists(task->loginuid)) {
		record->ids[8] = task->loginuid.val;
		record->ids[9] = task->sessionid;
	}
}

static __always_inline void begin(
	struct scratch *scratch, struct task_struct *task, __u32 kind, __u32 form, __s64 result)
{
	struct wire_record *record = &scratch->out.record;

	scratch->length = 0;
	record->kind = kind;
	record->form = form;
	record->call = WIRE_NO_CALL;
	record->pid = task->tgid;
	record->tid = task->pid;
	record->ppid = task->real_parent->tgid;
	record->cpu = bpf_get_smp_processor_id();
	record->start_ns = task->group_leader->start_boottime;
	record->time_ns = bpf_ktime_get_boot_ns();
	record->result = result;
	record->cgroup = task->cgroups->dfl_cgrp->kn->id;
	put_ids(record, task);
}

// Puts the record into the ring: its part of so many bytes and the text. The collector is woken by
// the first one in an empty ring, and where the ring fills; otherwise it looks by itself.
static __always_inline void send(
	struct scratch *scratch, const struct wire_settings *now, __u32 part)
{
	__u64 size = sizeof(struct wire_record) + part + scratch->length, wake = now->wake_bytes,
	      flags;
	__u32 kind = scratch->out.record.kind;

	if (size > sizeof(scratch->out) || wake == 0)
		return;
	scratch->out.record.size = size;
	flags = scratch->fill / wake != (scratch->fill + size) / wake ? BPF_RB_FORCE_WAKEUP : 0;
	count(kind, bpf_ringbuf_output(&ring, &scratch->out, size, flags) < 0);
}

// Adds a string of the kernel to the text of a record.
static __always_inline void put_string(struct scratch *scratch, char *text, const void *string)
{
	__u32 length = scratch->length;
	long more;

	if (length > WIRE_TEXT)
		return;
	more = bpf_probe_read_kernel_str(text + length, WIRE_NAME, string);
	if (more > 0)
		scratch->length = length + more;
}
