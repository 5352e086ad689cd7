// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where a file is: below which watch, or below the root of a process; and what its inode says.

#include "events/bpf/common.h"

// ---- inodes ----

static __always_inline struct wire_key key_of(struct dentry *dentry)
{
	struct super_block *super = LOAD(dentry, struct dentry, d_sb);
	struct inode *inode = LOAD(dentry, struct dentry, d_inode);

	return (struct wire_key){ LOAD(super, struct super_block, s_dev),
		LOAD(inode, struct inode, i_ino) };
}

static __always_inline void put_times(struct wire_inode *out, struct inode *inode)
{
	struct inode___6_7 *six_seven = (void *) inode;
	struct inode___6_6 *six_six = (void *) inode;
	struct inode___old *old = (void *) inode;

	if (bpf_core_field_exists(inode->i_atime_sec)) {
		out->atime = LOAD(inode, struct inode, i_atime_sec);
		out->mtime = LOAD(inode, struct inode, i_mtime_sec);
		out->ctime = LOAD(inode, struct inode, i_ctime_sec);
	} else if (bpf_core_field_exists(six_seven->__i_atime)) {
		out->atime = BPF_CORE_READ(six_seven, __i_atime.tv_sec);
		out->mtime = BPF_CORE_READ(six_seven, __i_mtime.tv_sec);
		out->ctime = BPF_CORE_READ(six_seven, __i_ctime.tv_sec);
	} else {
		out->atime = BPF_CORE_READ(old, i_atime.tv_sec);
		out->mtime = BPF_CORE_READ(old, i_mtime.tv_sec);
		if (bpf_core_field_exists(six_six->__i_ctime))
			out->ctime = BPF_CORE_READ(six_six, __i_ctime.tv_sec);
		else
			out->ctime = BPF_CORE_READ(old, i_ctime.tv_sec);
	}
}

static __always_inline void put_inode(struct wire_inode *out, struct dentry *dentry)
{
	struct super_block *super = LOAD(dentry, struct dentry, d_sb);
	struct inode *inode = LOAD(dentry, struct dentry, d_inode);

	out->inode = LOAD(inode, struct inode, i_ino);
	out->device = LOAD(super, struct super_block, s_dev);
	out->mode = LOAD(inode, struct inode, i_mode);
	out->uid = LOAD(inode, struct inode, i_uid.val);
	out->gid = LOAD(inode, struct inode, i_gid.val);
	out->size = LOAD(inode, struct inode, i_size);
	put_times(out, inode);
}

// ---- below a watch ----

static __always_inline void look_at(
	struct found *found, const struct wire_watch *watch, __u32 level, bool opens)
{
	if (!found->any) {
		found->any = true;
		found->watch = watch->id;
		found->level = level;
	}
	if (level <= watch->depth && (level > 0 || watch->whole) && (!opens || watch->opens))
		found->wanted = true;
}

struct above {
	struct dentry *parent;
	struct inode *inode;
};

// The two members that are asked for at every level, by one call where each costs one.
static __always_inline struct above look_above(struct dentry *dentry)
{
	__u32 parent = bpf_core_field_offset(struct dentry, d_parent);
	__u32 distance = bpf_core_field_offset(struct dentry, d_inode) - parent;
	unsigned char bytes[48] = { 0 };

	if (can_cast || distance > sizeof(bytes) - sizeof(void *))
		return (struct above){ LOAD(dentry, struct dentry, d_parent),
			LOAD(dentry, struct dentry, d_inode) };
	(void) bpf_probe_read_kernel(bytes, sizeof(bytes), (void *) dentry + parent);
	return (struct above){ *(struct dentry **) bytes, *(struct inode **) (bytes + distance) };
}

static __always_inline bool is_folder(struct inode *inode)
{
	return (LOAD(inode, struct inode, i_mode) & 0170000) == 0040000;
}

// Looks for watches from a file up to the root of its file system, keeping the way: whether one
// wants it.
static __always_inline bool find(
	struct scratch *scratch, const struct wire_settings *now, struct dentry *dentry, bool opens)
{
	struct super_block *super = LOAD(dentry, struct dentry, d_sb);
	struct wire_key key = { LOAD(super, struct super_block, s_dev), 0 };
	__u32 level;

	scratch->found = (struct found){ 0 };
	for (level = 0; level < WIRE_LEVELS; level++) {
		struct above above = look_above(dentry);
		__u32 bit;

		scratch->path[level] = dentry;
		key.inode = LOAD(above.inode, struct inode, i_ino);
		bit = wire_filter(key.inode);
		if (now->filter[bit / 64 & (WIRE_FILTER - 1)] & 1ull << bit % 64) {
			const struct wire_watch *watch = bpf_map_lookup_elem(&watches, &key);

			// a new file may have the inode of a folder that was removed
			if (watch && (level > 0 || watch->whole || is_folder(above.inode)))
				look_at(&scratch->found, watch, level, opens);
			if (scratch->found.wanted)
				return true;
		}
		if (above.parent == dentry)
			return false;
		dentry = above.parent;
	}
	scratch->found.deep = true;
	return false;
}

// Tells the names on the way that find has kept.
static __always_inline void put_found(struct scratch *scratch, struct wire_names *names, char *text)
{
	__u32 level;

	for (level = 0; level < WIRE_LEVELS; level++) {
		if (level >= scratch->found.level)
			break;
		put_string(scratch, text, LOAD(scratch->path[level], struct dentry, d_name.name));
	}
	names->watch = scratch->found.watch;
	names->base = scratch->found.any ? WIRE_BASE_WATCH : WIRE_BASE_NONE;
	names->flags = 0;
	names->length = scratch->length;
}

// ---- below the root of a process ----

// Adds the names of scratch->start, from its end to the root of the process, across mounts, to the
// text of the record behind a part of so many bytes: WIRE_CUT, or 0. Not static, so that the
// verifier looks at it once however often it is called; such a function can only be given numbers.
__noinline int on_walk(__u32 part, __u32 program)
{
	struct fs_struct *fs = bpf_get_current_task_btf()->fs;
	struct scratch *scratch = scratch_of(program);
	struct vfsmount *mount, *root_mount = fs->root.mnt;
	struct dentry *dentry, *root = fs->root.dentry;
	char *text;
	__u32 i;

	if (!scratch || part > sizeof(struct wire_exec))
		return WIRE_CUT;
	mount = scratch->start.mnt;
	dentry = scratch->start.dentry;
	text = (char *) &scratch->out + sizeof(struct wire_record) + part;
	for (i = 0; i < WIRE_LEVELS; i++) {
		struct dentry *parent;

		if (dentry == root && mount == root_mount)
			return 0;
		if (dentry == LOAD(mount, struct vfsmount, mnt_root)) {
			struct mount *real = (void *) mount -
				bpf_core_field_offset(struct mount, mnt);
			struct mount *above = LOAD(real, struct mount, mnt_parent);

			if (above == real) // outside of the root, or of all mounts
				return 0;
			dentry = LOAD(real, struct mount, mnt_mountpoint);
			mount = (void *) above + bpf_core_field_offset(struct mount, mnt);
			continue;
		}
		parent = LOAD(dentry, struct dentry, d_parent);
		if (parent == dentry) // of no mount: a pipe, a socket, memory
			return 0;
		put_string(scratch, text, LOAD(dentry, struct dentry, d_name.name));
		dentry = parent;
	}
	return WIRE_CUT;
}

// Tells where the path is below the root of the process.
static __always_inline void put_path(struct scratch *scratch, struct wire_names *names, __u32 part,
	__u32 program, struct vfsmount *mount, struct dentry *dentry)
{
	__u32 before = scratch->length;

	scratch->start.mnt = mount;
	scratch->start.dentry = dentry;
	names->watch = 0;
	names->base = WIRE_BASE_ROOT;
	names->flags = on_walk(part, program);
	names->length = scratch->length - before;
}
