// SPDX-License-Identifier: Apache-2.0
// The kernel programs: what processes do to files, sockets and each other, noticed where system
// calls return and where processes begin, change and end.
#include "events/bpf/path.h"

#include <bpf/bpf_tracing.h>

char LICENSE[] SEC("license") = "GPL";

enum {
	MODE_WRITE = 0x2, // FMODE_WRITE
	MODE_CREATED = 0x100000, // FMODE_CREATED
	TYPE_MASK = 0170000,
	TYPE_REGULAR = 0100000,
	TYPE_SOCKET = 0140000,
	COMPAT = 0x2, // TS_COMPAT: a call of a 32-bit program
	GROUP_EXIT = 0x4, // SIGNAL_GROUP_EXIT
	AT_FOLDER = -100, // AT_FDCWD
	CLOSE_ON_EXEC = 0x4, // CLOSE_RANGE_CLOEXEC
	GROUP_WORDS = 32, // of the map of descriptors
	GROUPS = 32,
	FAMILY_UNIX = 1,
	FAMILY_INET = 2,
	FAMILY_INET6 = 10,
};

// ---- system calls ----

#if defined(__TARGET_ARCH_x86)
static __always_inline __u32 call_of(struct pt_regs *regs, struct task_struct *task)
{
	__u32 number = regs->orig_ax & ~0x40000000u; // the bit of x32

	if (number >= WIRE_CALLS)
		return -1;
	return task->thread_info.status & COMPAT ? number + WIRE_COMPAT : number;
}

static __always_inline void keep_arguments(__u64 *to, struct pt_regs *regs, __u32 call)
{
	if (call >= WIRE_COMPAT) {
		to[0] = (__u32) regs->bx;
		to[1] = (__u32) regs->cx;
		to[2] = (__u32) regs->dx;
		to[3] = (__u32) regs->si;
		to[4] = (__u32) regs->di;
		to[5] = (__u32) regs->bp;
	} else {
		to[0] = regs->di;
		to[1] = regs->si;
		to[2] = regs->dx;
		to[3] = regs->r10;
		to[4] = regs->r8;
		to[5] = regs->r9;
	}
	to[WIRE_AT_CWD] = AT_FOLDER;
	to[WIRE_NONE] = 0;
}
#else
static __always_inline __u32 call_of(struct pt_regs *regs, struct task_struct *task)
{
	__u32 number = regs->syscallno;

	// flags of arm64: TIF_32BIT
	if (number >= WIRE_CALLS || task->thread_info.flags & 1ul << 22)
		return -1;
	return number;
}

static __always_inline void keep_arguments(__u64 *to, struct pt_regs *regs, __u32 call)
{
	to[0] = regs->orig_x0;
	to[1] = regs->regs[1];
	to[2] = regs->regs[2];
	to[3] = regs->regs[3];
	to[4] = regs->regs[4];
	to[5] = regs->regs[5];
	to[WIRE_AT_CWD] = AT_FOLDER;
	to[WIRE_NONE] = 0;
}
#endif

static __always_inline __u64 argument(const struct scratch *scratch, __u32 which)
{
	return scratch->arguments[which & 7];
}

// ---- files by descriptor ----

// Tells of a file, given by its address, if it is below a watch. Not static, as most of what
// follows: the verifier looks at such a function once, however often it is called.
__noinline int on_file(__u64 address, __u64 what, __u32 program)
{
	__u32 kind = what & 0xff, call = what >> 8 & 0xffff;
	__s32 fd = what >> 32;
	const struct wire_settings *now = settings_now();
	struct scratch *scratch = scratch_of(program);
	struct file *file = (void *) address;
	struct dentry *dentry = LOAD(file, struct file, f_path.dentry);

	if (!now || !scratch || !is_wanted(now, kind))
		return 0;
	if (!find(scratch, now, dentry, kind == WIRE_KIND_OPEN)) {
		if (scratch->found.deep)
			count(kind, true);
		return 0;
	}
	if (!is_admitted(scratch, now, kind))
		return 0;
	begin(scratch, bpf_get_current_task_btf(), kind, WIRE_FILE, fd);
	scratch->out.record.call = call;
	put_inode(&scratch->out.file.inode, dentry);
	scratch->out.file.flags = LOAD(file, struct file, f_flags);
	scratch->out.file.fd = fd;
	put_found(scratch, &scratch->out.file.names, scratch->out.file_text);
	send(scratch, now, sizeof(struct wire_file));
	return 0;
}

static __always_inline __u64 what(__u32 kind, __u32 call, __s32 fd)
{
	return kind | (__u64) call << 8 | (__u64) (__u32) fd << 32;
}

static __always_inline void on_opened(__u32 call, __s32 fd)
{
	struct file *file = file_of(bpf_get_current_task_btf()->files, fd);
	bool created;

	if (!file)
		return;
	created = LOAD(file, struct file, f_mode) & MODE_CREATED;
	on_file((__u64) file, what(created ? WIRE_KIND_CREATE : WIRE_KIND_OPEN, call, fd),
		ON_LEAVE);
}

__noinline int on_fd(__u32 number, __s32 fd)
{
	struct file *file = file_of(bpf_get_current_task_btf()->files, fd);
	const struct wire_call *call = bpf_map_lookup_elem(&calls, &number);

	if (file && call)
		on_file((__u64) file, what(call->kind, number, fd), ON_LEAVE);
	return 0;
}

// ---- the last close of what was open for writing ----

static __always_inline bool is_last(struct file *file)
{
	struct file___referenced *referenced = (void *) file;
	struct file___counted *counted = (void *) file;

	// the newer counter begins at 0 for the first reference
	if (bpf_core_field_exists(referenced->f_ref))
		return BPF_CORE_READ(referenced, f_ref.refcnt.counter) == 0;
	return BPF_CORE_READ(counted, f_count.counter) == 1;
}

// The descriptor is about to be closed.
__noinline int on_release(__u32 fd, __u32 number, __u32 program)
{
	struct file *file = file_of(bpf_get_current_task_btf()->files, fd);
	struct inode *inode;

	if (!file || !(LOAD(file, struct file, f_mode) & MODE_WRITE))
		return 0;
	inode = LOAD(file, struct file, f_inode);
	if ((LOAD(inode, struct inode, i_mode) & TYPE_MASK) != TYPE_REGULAR || !is_last(file))
		return 0;
	return on_file((__u64) file, what(WIRE_KIND_WRITE, number, fd), program);
}

// The position of the lowest bit that is set: how many are set below it, counted in pairs, then in
// fours, then in bytes. (clang 14 has no such instruction for this machine, and the verifier would
// look at each outcome of a branch.)
static __always_inline __u32 lowest(__u64 bits)
{
	__u64 below = (bits & -bits) - 1;

	below -= below >> 1 & 0x5555555555555555ull;
	below = (below & 0x3333333333333333ull) + (below >> 2 & 0x3333333333333333ull);
	below = (below + (below >> 4)) & 0x0f0f0f0f0f0f0f0full;
	return below * 0x0101010101010101ull >> 56;
}

// The same for the descriptors of a word of the map of descriptors, those from the first to the
// last.
__noinline int on_release_word(__u32 word, __u32 first, __u32 last, __u32 number_program)
{
	struct files_struct *files = bpf_get_current_task_btf()->files;
	struct fdtable *table = LOAD(files, struct files_struct, fdt);
	__u64 bits = 0;
	__u32 i;

	(void) bpf_probe_read_kernel(
		&bits, sizeof(bits), LOAD(table, struct fdtable, open_fds) + word);
	if (word == first / 64)
		bits &= ~0ull << first % 64;
	if (word == last / 64)
		bits &= ~0ull >> (63 - last % 64);
	for (i = 0; i < 64; i++) {
		if (bits == 0)
			break;
		on_release(word * 64 + lowest(bits), number_program >> 8, number_program & 0xff);
		bits &= bits - 1;
	}
	return 0;
}

// The same for a group of words.
__noinline int on_release_group(__u32 word, __u32 first, __u32 last, __u32 number_program)
{
	__u32 i;

	for (i = 0; i < GROUP_WORDS; i++) {
		if (word + i > last / 64)
			break;
		on_release_word(word + i, first, last, number_program);
	}
	return 0;
}

// All descriptors from the first to the last are about to be closed. If there are more than 65536
// of them, what is behind counts as one loss.
static __always_inline void release_range(__u32 first, __u32 last, __u32 number, __u32 program)
{
	struct files_struct *files = bpf_get_current_task_btf()->files;
	struct fdtable *table = LOAD(files, struct files_struct, fdt);
	__u32 most = LOAD(table, struct fdtable, max_fds), word = first / 64, i;

	if (last >= most)
		last = most - 1;
	for (i = 0; i < GROUPS; i++) {
		if (word > last / 64)
			return;
		on_release_group(word, first, last, number << 8 | program);
		word += GROUP_WORDS;
	}
	count(WIRE_KIND_WRITE, true);
}

SEC("tp_btf/sys_enter")
int BPF_PROG(on_enter, struct pt_regs *regs, long id)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 number = call_of(regs, task);
	const struct wire_call *call = bpf_map_lookup_elem(&calls, &number);
	const struct wire_settings *now = settings_now();
	struct scratch *scratch = scratch_of(ON_ENTER);
	__u64 *given;

	if (!call || call->enter == WIRE_ENTER_NOTHING || !now || !scratch ||
		(__u32) task->tgid == now->self || !is_wanted(now, WIRE_KIND_WRITE))
		return 0;
	given = scratch->arguments;
	keep_arguments(given, regs, number);
	if (call->enter == WIRE_CLOSE)
		on_release(given[0], number, ON_ENTER);
	else if (call->enter == WIRE_DUP && given[0] != given[1] && file_of(task->files, given[0]))
		on_release(given[1], number, ON_ENTER);
	else if (call->enter == WIRE_CLOSE_RANGE && !(given[2] & CLOSE_ON_EXEC))
		release_range(given[0], given[1], number, ON_ENTER);
	return 0;
}

// ---- files by path ----

// Tells one path of a call: the folder where it begins, then the string.
__noinline int on_string(__u32 which, __s32 fd, __u64 address)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct scratch *scratch = scratch_of(ON_LEAVE);
	const char *string = (const char *) address;
	struct dentry *dentry = NULL;
	struct vfsmount *mount = NULL;
	struct wire_path *out;
	__u32 length;
	char first = 0;
	long more;

	if (!scratch)
		return 0;
	out = &scratch->out.paths.paths[which & 1];
	*out = (struct wire_path){ .fd = fd, .folder.base = WIRE_BASE_ROOT };
	(void) bpf_probe_read_user(&first, 1, string);
	if (first != '/' && fd == AT_FOLDER) {
		dentry = task->fs->pwd.dentry;
		mount = task->fs->pwd.mnt;
	} else if (first != '/') {
		struct file *file = file_of(task->files, fd);

		out->folder.base = WIRE_BASE_NONE;
		if (file) {
			dentry = LOAD(file, struct file, f_path.dentry);
			mount = LOAD(file, struct file, f_path.mnt);
		}
	}
	if (dentry)
		put_path(scratch, &out->folder, sizeof(struct wire_paths), ON_LEAVE, mount, dentry);
	length = scratch->length;
	if (length > WIRE_TEXT)
		return 0;
	more = bpf_probe_read_user_str(scratch->out.paths_text + length, WIRE_PATH, string);
	if (more <= 0) {
		out->folder.flags |= WIRE_UNREADABLE;
		more = 1;
	}
	out->length = more - 1;
	scratch->length = length + more - 1;
	return 0;
}

static __always_inline bool is_foreign(const struct wire_settings *now, struct task_struct *task)
{
	struct wire_key root = key_of(task->fs->root.dentry);

	return root.inode != now->root.inode || root.device != now->root.device;
}

// A call with an empty path means the descriptor.
static __always_inline bool is_empty(const char *string)
{
	char first = 0;

	return !string || (bpf_probe_read_user(&first, 1, string) == 0 && first == 0);
}

__noinline int on_path(__u32 number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct wire_call *call = bpf_map_lookup_elem(&calls, &number);
	const struct wire_settings *now = settings_now();
	struct scratch *scratch = scratch_of(ON_LEAVE);
	struct wire_paths *out;
	const char *first;
	__s32 folder;

	if (!call || !now || !scratch)
		return 0;
	first = (const char *) argument(scratch, call->path);
	folder = argument(scratch, call->folder);
	out = &scratch->out.paths;
	if (call->path2 == WIRE_NONE && folder >= 0 && call->folder != WIRE_AT_CWD &&
		is_empty(first)) {
		on_fd(number, folder);
		return 0;
	}
	if (!is_admitted(scratch, now, call->kind))
		return 0;
	begin(scratch, task, call->kind, WIRE_PATHS, 0);
	scratch->out.record.call = number;
	out->at_flags = argument(scratch, call->at_flags);
	on_string(0, folder, (__u64) first);
	if (call->path2 == WIRE_NONE)
		__builtin_memset(&out->paths[1], 0, sizeof(out->paths[1]));
	else
		on_string(1, argument(scratch, call->folder2), argument(scratch, call->path2));
	if (is_foreign(now, task))
		out->paths[0].folder.flags |= WIRE_FOREIGN;
	if (BPF_CORE_READ(task, nsproxy, mnt_ns, ns.inum) != now->mounts)
		out->paths[0].folder.flags |= WIRE_ELSEWHERE;
	send(scratch, now, sizeof(struct wire_paths));
	return 0;
}

// ---- working directories ----

__noinline int on_moved(__u32 number)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct wire_settings *now = settings_now();
	struct scratch *scratch = scratch_of(ON_LEAVE);

	if (!now || !scratch || !is_wanted(now, WIRE_KIND_EXEC) ||
		!is_admitted(scratch, now, WIRE_KIND_EXEC))
		return 0;
	begin(scratch, task, WIRE_KIND_EXEC, WIRE_FOLDER, 0);
	scratch->out.record.call = number;
	put_path(scratch, &scratch->out.folder.names, sizeof(struct wire_folder), ON_LEAVE,
		task->fs->pwd.mnt, task->fs->pwd.dentry);
	send(scratch, now, sizeof(struct wire_folder));
	return 0;
}

// ---- sockets ----

static __always_inline void put_inet(struct wire_socket *out, struct sock *sock, bool remote)
{
	__u8 *to = remote ? out->remote : out->local;
	__u16 port = remote ? BPF_CORE_READ(sock, __sk_common.skc_dport)
			    : __builtin_bswap16(BPF_CORE_READ(sock, __sk_common.skc_num));
	__u8 *length = remote ? &out->remote_length : &out->local_length;

	__builtin_memset(to, 0, 28);
	*(__u16 *) to = out->family;
	*(__u16 *) (to + 2) = port;
	if (out->family == FAMILY_INET) {
		*(__u32 *) (to + 4) = remote ? BPF_CORE_READ(sock, __sk_common.skc_daddr)
					     : BPF_CORE_READ(sock, __sk_common.skc_rcv_saddr);
		*length = 16;
		return;
	}
	(void) bpf_core_read(to + 8, 16,
		remote ? &sock->__sk_common.skc_v6_daddr : &sock->__sk_common.skc_v6_rcv_saddr);
	*length = 28;
}

static __always_inline void put_unix(struct wire_socket *out, struct sock *sock, bool remote)
{
	struct unix_sock *end = (void *) sock;
	struct unix_address *address;
	__u32 length;

	if (remote)
		end = (void *) BPF_CORE_READ(end, peer);
	address = BPF_CORE_READ(end, addr);
	length = BPF_CORE_READ(address, len);
	if (!address || length == 0 || length > WIRE_ADDRESS)
		return;
	if (bpf_core_read(remote ? out->remote : out->local, length, &address->name) < 0)
		return;
	if (remote)
		out->remote_length = length;
	else
		out->local_length = length;
}

static __always_inline void put_address(struct wire_socket *out, struct sock *sock, bool remote)
{
	if (out->family == FAMILY_UNIX)
		put_unix(out, sock, remote);
	else if (out->family == FAMILY_INET || out->family == FAMILY_INET6)
		put_inet(out, sock, remote);
}

// The address that the program gave.
static __always_inline void put_given(
	struct wire_socket *out, const struct scratch *scratch, bool remote)
{
	__u64 length = (__u32) scratch->arguments[2];
	const void *given = (const void *) scratch->arguments[1];

	asm volatile("" : "+r"(length)); // what the next line says of it is to be seen
	if (length > WIRE_ADDRESS)
		length = WIRE_ADDRESS;
	if (bpf_probe_read_user(remote ? out->remote : out->local, length, given) < 0)
		length = 0;
	if (remote)
		out->remote_length = length;
	else
		out->local_length = length;
}

static __always_inline struct sock *socket_of(struct task_struct *task, __s32 fd)
{
	struct file *file = file_of(task->files, fd);
	struct inode *inode = file ? LOAD(file, struct file, f_inode) : NULL;
	struct socket *socket;

	if (!inode || (LOAD(inode, struct inode, i_mode) & TYPE_MASK) != TYPE_SOCKET)
		return NULL;
	socket = LOAD(file, struct file, private_data);
	return BPF_CORE_READ(socket, sk);
}

__noinline int on_socket(__u32 number, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct wire_call *call = bpf_map_lookup_elem(&calls, &number);
	const struct wire_settings *now = settings_now();
	struct scratch *scratch = scratch_of(ON_LEAVE);
	struct wire_socket *out;
	struct sock *sock;
	bool accepted;
	__s32 fd;

	if (!call || !now || !scratch)
		return 0;
	out = &scratch->out.socket;
	accepted = call->leave == WIRE_ACCEPT && result >= 0;
	fd = accepted ? result : scratch->arguments[0];
	sock = socket_of(task, fd);
	if (!sock || !is_admitted(scratch, now, call->kind))
		return 0;
	begin(scratch, task, call->kind, WIRE_SOCKET, result);
	scratch->out.record.call = number;
	out->family = BPF_CORE_READ(sock, __sk_common.skc_family);
	out->type = BPF_CORE_READ(sock, sk_type);
	out->protocol = BPF_CORE_READ(sock, sk_protocol);
	out->local_length = 0;
	out->remote_length = 0;
	out->fd = fd;
	if (call->leave == WIRE_BIND && (result < 0 || out->family == FAMILY_UNIX))
		put_given(out, scratch, false);
	else
		put_address(out, sock, false);
	if (call->leave == WIRE_CONNECT)
		put_given(out, scratch, true);
	else if (accepted)
		put_address(out, sock, true);
	send(scratch, now, sizeof(struct wire_socket));
	return 0;
}

// ---- signals ----

static __always_inline void on_signal(struct scratch *scratch, const struct wire_settings *now,
	const struct wire_call *call, __u32 number, long result)
{
	if (!is_admitted(scratch, now, call->kind))
		return;
	begin(scratch, bpf_get_current_task_btf(), call->kind, WIRE_KILL, result);
	scratch->out.record.call = number;
	scratch->out.kill.target = argument(scratch, call->fd);
	scratch->out.kill.signal = argument(scratch, call->at_flags);
	send(scratch, now, sizeof(struct wire_kill));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_leave, struct pt_regs *regs, long result)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 number = call_of(regs, task);
	const struct wire_call *call = bpf_map_lookup_elem(&calls, &number);
	const struct wire_settings *now;
	struct scratch *scratch;

	if (!call || call->leave == WIRE_LEAVE_NOTHING)
		return 0;
	if (result < 0 && call->leave <= WIRE_BY_PATH)
		return 0; // nothing has become of it
	now = settings_now();
	scratch = scratch_of(ON_LEAVE);
	if (!now || !scratch || (__u32) task->tgid == now->self)
		return 0;
	keep_arguments(scratch->arguments, regs, number);
	switch (call->leave) {
	case WIRE_OPENED:
		on_opened(number, result);
		break;
	case WIRE_MOVED:
		on_moved(number);
		break;
	case WIRE_BY_FD:
		on_fd(number, argument(scratch, call->fd));
		break;
	case WIRE_BY_PATH:
		on_path(number);
		break;
	case WIRE_CONNECT:
	case WIRE_ACCEPT:
	case WIRE_BIND:
	case WIRE_LISTEN:
		on_socket(number, result);
		break;
	case WIRE_SIGNAL:
		on_signal(scratch, now, call, number, result);
		break;
	}
	return 0;
}

// ---- processes ----

// The call that the process is in, where the kernel can tell (since 5.15).
static __always_inline __u32 call_now(struct task_struct *task)
{
	__u32 number;

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return WIRE_NO_CALL;
	number = call_of((struct pt_regs *) bpf_task_pt_regs(task), task);
	return number < 2 * WIRE_CALLS ? number : WIRE_NO_CALL;
}

// The control group: of the unified hierarchy, or, where that is not used, of memory or pids.
static __always_inline struct cgroup *cgroup_of(struct task_struct *task)
{
	struct cgroup *cgroup = task->cgroups->dfl_cgrp;

	if (cgroup->level > 0)
		return cgroup;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		cgroup = BPF_CORE_READ(task, cgroups,
			subsys[bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id)], cgroup);
	if (LOAD(cgroup, struct cgroup, level) == 0 &&
		bpf_core_enum_value_exists(enum cgroup_subsys_id, pids_cgrp_id))
		cgroup = BPF_CORE_READ(task, cgroups,
			subsys[bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id)], cgroup);
	return cgroup;
}

static __always_inline void put_cgroup(
	struct scratch *scratch, struct wire_names *names, char *text, struct cgroup *cgroup)
{
	struct kernfs_node *node = LOAD(cgroup, struct cgroup, kn);
	struct kernfs_node___new *newer;
	struct kernfs_node___old *older;
	__u32 before = scratch->length, i;

	names->base = WIRE_BASE_ROOT;
	names->watch = 0;
	names->flags = 0;
	for (i = 0; i < 16; i++) {
		struct kernfs_node *parent;

		newer = (void *) node;
		older = (void *) node;
		if (bpf_core_field_exists(newer->__parent))
			parent = BPF_CORE_READ(newer, __parent);
		else
			parent = BPF_CORE_READ(older, parent);
		if (!parent)
			break;
		put_string(scratch, text, LOAD(node, struct kernfs_node, name));
		node = parent;
	}
	names->length = scratch->length - before;
}

static __always_inline void put_arguments(
	struct scratch *scratch, struct wire_exec *out, char *text, struct mm_struct *mm)
{
	__u32 length = scratch->length;
	__u64 begin = mm->arg_start, size = mm->arg_end - begin;

	out->cmdline_bytes = size;
	out->env_bytes = mm->env_end - mm->env_start;
	out->arguments = 0;
	if (size > WIRE_ARGUMENTS)
		size = WIRE_ARGUMENTS;
	if (length > WIRE_TEXT ||
		bpf_probe_read_user(text + length, size, (const void *) begin) < 0)
		return;
	out->arguments = size;
	scratch->length = length + size;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old_pid, struct linux_binprm *program)
{
	const struct wire_settings *now = settings_now();
	struct scratch *scratch = scratch_of(ON_EXEC);
	struct wire_exec *out;
	struct file *executable;
	struct dentry *dentry;
	char *text;

	if (!now || !scratch || !is_wanted(now, WIRE_KIND_EXEC) ||
		!is_admitted(scratch, now, WIRE_KIND_EXEC))
		return 0;
	begin(scratch, task, WIRE_KIND_EXEC, WIRE_EXEC, 0);
	scratch->out.record.call = call_now(task);
	out = &scratch->out.exec;
	text = scratch->out.exec_text;
	executable = task->mm->exe_file;
	dentry = LOAD(executable, struct file, f_path.dentry);
	put_inode(&out->inode, dentry);
	out->env_count = program->envc;
	put_path(
		scratch, &out->cwd, sizeof(*out), ON_EXEC, task->fs->pwd.mnt, task->fs->pwd.dentry);
	put_path(scratch, &out->executable, sizeof(*out), ON_EXEC,
		LOAD(executable, struct file, f_path.mnt), dentry);
	put_cgroup(scratch, &out->cgroup, text, cgroup_of(task));
	put_arguments(scratch, out, text, task->mm);
	send(scratch, now, sizeof(struct wire_exec));
	return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child)
{
	const struct wire_settings *now = settings_now();
	struct scratch *scratch = scratch_of(ON_EXIT);

	if (child->pid != child->tgid || !now || !scratch || !is_wanted(now, WIRE_KIND_FORK) ||
		!is_admitted(scratch, now, WIRE_KIND_FORK))
		return 0;
	begin(scratch, parent, WIRE_KIND_FORK, WIRE_FORK, child->tgid);
	scratch->out.record.call = call_now(bpf_get_current_task_btf());
	scratch->out.fork.child = child->tgid;
	scratch->out.fork.parent = child->real_parent->tgid;
	scratch->out.fork.child_start_ns = child->start_boottime;
	send(scratch, now, sizeof(struct wire_fork));
	return 0;
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task)
{
	const struct wire_settings *now = settings_now();
	struct scratch *scratch = scratch_of(ON_EXIT);

	if (!now || !scratch)
		return 0;
	if (is_wanted(now, WIRE_KIND_WRITE) && task->files && task->files->count.counter == 1 &&
		(__u32) task->tgid != now->self)
		release_range(0, -1, WIRE_NO_CALL, ON_EXIT);
	if (task->signal->live.counter != 0 || !is_wanted(now, WIRE_KIND_EXIT) ||
		!is_admitted(scratch, now, WIRE_KIND_EXIT))
		return 0;
	begin(scratch, task, WIRE_KIND_EXIT, WIRE_EXIT, 0);
	scratch->out.exit.status = task->signal->flags & GROUP_EXIT ? task->signal->group_exit_code
								    : task->exit_code;
	send(scratch, now, sizeof(struct wire_exit));
	return 0;
}

// ---- what the collector asks ----

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct wire_answer);
} answer SEC(".maps");

// Run by the collector itself, for a descriptor of its own: which file that is, and where it lies
// below a watch.
SEC("raw_tp/sys_enter")
int locate(struct bpf_raw_tracepoint_args *given)
{
	struct task_struct *task = bpf_get_current_task_btf();
	const struct wire_settings *now = settings_now();
	struct scratch *scratch = scratch_of(ON_ENTER);
	struct file *file = file_of(task->files, given->args[0]);
	struct wire_answer *out;
	struct dentry *dentry;
	__u32 first = 0;

	out = bpf_map_lookup_elem(&answer, &first);
	if (!out || !scratch || !now)
		return 0;
	out->self = task->tgid;
	out->found = file != NULL;
	if (!file)
		return 0;
	dentry = LOAD(file, struct file, f_path.dentry);
	out->key = key_of(dentry);
	scratch->length = 0;
	find(scratch, now, dentry, false);
	put_found(scratch, &out->names, out->text);
	return 0;
}
