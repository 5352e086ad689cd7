// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the kernel programs and the collector say to each other: maps that the collector writes, and
// records that the programs put into the ring. Both sides are of one build; the folder of the pins
// is named after WIRE_VERSION and the programs.
//
// A record, in the byte order of the host:
//
//	struct wire_record	of every record
//	struct wire_open …	of its kind (see enum wire_form)
//	text			what the lengths in the parts before say, one after another
//
// A path is told as its names, the last one first, each with a NUL, below a base that the other
// side knows the path of.

#include <linux/types.h>

enum {
	WIRE_VERSION = 1,
	WIRE_CALLS = 512, // system calls of one kind of program
	WIRE_COMPAT = WIRE_CALLS, // where those of 32-bit programs begin
	WIRE_LEVELS = 64, // the most names of a path
	WIRE_NAME = 256, // the room of a name, with its NUL
	WIRE_PATH = 4096, // of a path that a program gave
	WIRE_ARGUMENTS = 16384, // the most bytes of a command line
	WIRE_TEXT = 16384, // the most bytes of text of a record
	WIRE_ADDRESS = 128, // struct sockaddr_storage
	WIRE_FILTER = 64, // words of the filter of inodes
	WIRE_COUNTERS = 32, // kinds of events
	WIRE_IDS = 10, // of struct credentials, in its order
	WIRE_NO_CALL = 0xffff,
};

// What follows struct wire_record.
enum wire_form {
	WIRE_NOTHING,
	WIRE_FILE, // struct wire_file
	WIRE_PATHS, // struct wire_paths
	WIRE_EXEC, // struct wire_exec
	WIRE_FORK, // struct wire_fork
	WIRE_EXIT, // struct wire_exit
	WIRE_KILL, // struct wire_kill
	WIRE_SOCKET, // struct wire_socket
	WIRE_FOLDER, // struct wire_folder
};

// The kinds that the programs themselves name, as of enum event_kind.
enum wire_kind {
	WIRE_KIND_EXEC = 0,
	WIRE_KIND_FORK = 1,
	WIRE_KIND_EXIT = 2,
	WIRE_KIND_OPEN = 4,
	WIRE_KIND_CREATE = 5,
	WIRE_KIND_WRITE = 6,
};

struct wire_record {
	__u32 size; // of all of it
	__u8 kind, form; // enum event_kind, enum wire_form
	__u16 call; // index in the map of calls
	__u32 pid, tid, ppid, cpu;
	__u32 ids[WIRE_IDS];
	__u64 start_ns; // of the process, by CLOCK_BOOTTIME
	__u64 time_ns; // by CLOCK_BOOTTIME
	__s64 result;
	__u64 cgroup;
};

enum wire_base {
	WIRE_BASE_NONE, // the names mean nothing
	WIRE_BASE_WATCH, // below the folder of a watch
	WIRE_BASE_ROOT, // below the root of the process
};

enum {
	WIRE_CUT = 1, // there were more names
	WIRE_FOREIGN = 2, // the root of the process is not ours
	WIRE_UNREADABLE = 4, // the string was out of reach
	WIRE_ELSEWHERE = 8, // the process has a mount namespace that is not ours
};

struct wire_names {
	__u32 watch; // id
	__u16 length; // bytes of names
	__u8 base, flags;
};

struct wire_inode {
	__u64 inode;
	__s64 size, atime, mtime, ctime;
	__u32 device; // as the kernel writes it: major << 20 | minor
	__u32 mode, uid, gid;
};

struct wire_file {
	struct wire_inode inode;
	__u32 flags; // of open
	__s32 fd;
	struct wire_names names;
};

// A path as a program gave it, and where it begins unless it is absolute.
struct wire_path {
	struct wire_names folder;
	__u16 length; // of the string, without a NUL; it follows the names of the folder
	__u16 zero;
	__s32 fd; // that it is relative to, AT_FDCWD
};

struct wire_paths {
	struct wire_path paths[2]; // the second one is empty where the call has one
	__u32 at_flags;
	__u32 zero;
};

struct wire_exec {
	struct wire_inode inode; // of the executable
	__u64 cmdline_bytes, env_bytes;
	__s64 env_count;
	struct wire_names cwd, executable, cgroup;
	__u32 arguments; // bytes of text, after the names
	__u32 zero;
};

struct wire_fork {
	__u32 child, parent; // process ids
	__u64 child_start_ns;
};

struct wire_exit {
	__s32 status;
	__u32 zero;
};

struct wire_kill {
	__s32 target, signal;
};

struct wire_socket {
	__u16 family, type, protocol;
	__u8 local_length, remote_length; // 0: not known
	__s32 fd;
	__u32 zero;
	__u8 local[WIRE_ADDRESS], remote[WIRE_ADDRESS];
};

// The working directory is another one now. It is no event of its own, and of the kind exec: what
// it tells belongs to the process.
struct wire_folder {
	struct wire_names names;
};

// ---- what the collector tells the programs ----

// What is done when a call is entered.
enum wire_enter { WIRE_ENTER_NOTHING, WIRE_CLOSE, WIRE_DUP, WIRE_CLOSE_RANGE };

// What is done when it returns.
enum wire_leave {
	WIRE_LEAVE_NOTHING,
	WIRE_OPENED, // a descriptor of a file
	WIRE_MOVED, // to another working directory
	WIRE_BY_FD,
	WIRE_BY_PATH,
	WIRE_CONNECT,
	WIRE_ACCEPT,
	WIRE_BIND,
	WIRE_LISTEN,
	WIRE_SIGNAL,
};

// Which argument of a call is what.
enum { WIRE_AT_CWD = 6, WIRE_NONE = 7 };

struct wire_call {
	__u8 enter, leave, kind;
	__u8 fd; // also: target of a signal
	__u8 folder, path; // argument, or WIRE_AT_CWD
	__u8 folder2, path2; // WIRE_NONE: there is one path
	__u8 at_flags; // also: the number of a signal
	__u8 zero[7];
};

// A folder that is watched, by its file system (dev_t of the kernel) and inode.
struct wire_key {
	__u64 device, inode;
};

struct wire_watch {
	__u32 id;
	__u32 depth; // levels below it
	__u32 opens, whole;
};

struct wire_settings {
	__u32 kinds; // that are wanted, bits
	__u32 self; // process that is not traced
	struct wire_key root; // of this process
	__u32 mounts, zero; // inode of its mount namespace
	__u64 most[WIRE_COUNTERS]; // bytes in the ring above which a kind is refused
	__u64 wake_bytes; // a multiple of it that is crossed wakes the collector
	// a bit for each inode of a watch, by wire_filter
	__u64 filter[WIRE_FILTER];
};

// What the program says that looks at a descriptor of the collector.
struct wire_answer {
	__u32 self; // process id, as the programs see it
	__u32 found; // the descriptor is one
	struct wire_key key;
	struct wire_names names; // below the nearest watch
	char text[WIRE_TEXT + WIRE_NAME];
};

// By kinds of events. One value for each processor.
struct wire_counters {
	__u64 received[WIRE_COUNTERS], refused[WIRE_COUNTERS];
};

static inline __u32 wire_filter(__u64 inode)
{
	return (__u32) (inode ^ inode >> 12) & (WIRE_FILTER * 64 - 1);
}

_Static_assert(sizeof(struct wire_record) == 96, "struct wire_record has no holes");
_Static_assert(sizeof(struct wire_inode) == 56, "struct wire_inode has no holes");
_Static_assert(sizeof(struct wire_file) == 72, "struct wire_file has no holes");
_Static_assert(sizeof(struct wire_paths) == 40, "struct wire_paths has no holes");
_Static_assert(sizeof(struct wire_exec) == 112, "struct wire_exec has no holes");
_Static_assert(sizeof(struct wire_socket) == 272, "struct wire_socket has no holes");
