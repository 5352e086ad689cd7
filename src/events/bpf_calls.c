// SPDX-License-Identifier: Apache-2.0
#include "events/bpf_calls.h"

#include <sys/syscall.h>

// Calls that not every architecture has.
#ifndef __NR_open
#define __NR_open -1
#define __NR_creat -1
#define __NR_fork -1
#define __NR_vfork -1
#define __NR_dup2 -1
#define __NR_rename -1
#define __NR_unlink -1
#define __NR_rmdir -1
#define __NR_link -1
#define __NR_symlink -1
#define __NR_mkdir -1
#define __NR_mknod -1
#define __NR_chmod -1
#define __NR_chown -1
#define __NR_lchown -1
#define __NR_utime -1
#define __NR_utimes -1
#define __NR_futimesat -1
#endif
// Calls of kernels that are newer than the headers, alike on all architectures.
enum { FCHMODAT2 = 452, SETXATTRAT = 463, REMOVEXATTRAT = 466, UTIMENSAT_64 = 412 };

// Arguments: the first one is 0. A path without a folder begins at the working directory.
#define ENTER(what)                                                                                \
	{                                                                                          \
		.enter = (what)                                                                    \
	}
#define LEAVE(what, kind_)                                                                         \
	{                                                                                          \
		.leave = (what), .kind = (kind_)                                                   \
	}
#define BY_FD(kind_)                                                                               \
	{                                                                                          \
		.leave = WIRE_BY_FD, .kind = (kind_), .fd = 0                                      \
	}
#define BY_PATH(kind_, folder_, path_, flags)                                                      \
	{                                                                                          \
		.leave = WIRE_BY_PATH, .kind = (kind_), .folder = (folder_), .path = (path_),      \
		.folder2 = WIRE_NONE, .path2 = WIRE_NONE, .at_flags = (flags)                      \
	}
#define BY_PATHS(kind_, folder_, path_, second_folder, second_path, flags)                         \
	{                                                                                          \
		.leave = WIRE_BY_PATH, .kind = (kind_), .folder = (folder_), .path = (path_),      \
		.folder2 = (second_folder), .path2 = (second_path), .at_flags = (flags)            \
	}
#define SIGNAL(target, signal)                                                                     \
	{                                                                                          \
		.leave = WIRE_SIGNAL, .kind = EVENT_KILL, .fd = (target), .at_flags = (signal)     \
	}

const struct call calls_all[] = {
	// noticed otherwise, and only named here
	{ "execve", __NR_execve, 11, LINK_FOLLOW, { .kind = EVENT_EXEC } },
	{ "execveat", __NR_execveat, 358, LINK_FOLLOW, { .kind = EVENT_EXEC } },
	{ "fork", __NR_fork, 2, LINK_FOLLOW, { .kind = EVENT_FORK } },
	{ "vfork", __NR_vfork, 190, LINK_FOLLOW, { .kind = EVENT_FORK } },
	{ "clone", __NR_clone, 120, LINK_FOLLOW, { .kind = EVENT_FORK } },
	{ "clone3", __NR_clone3, 435, LINK_FOLLOW, { .kind = EVENT_FORK } },

	// opened and closed
	{ "open", __NR_open, 5, LINK_FOLLOW, LEAVE(WIRE_OPENED, EVENT_OPEN) },
	{ "openat", __NR_openat, 295, LINK_FOLLOW, LEAVE(WIRE_OPENED, EVENT_OPEN) },
	{ "openat2", __NR_openat2, 437, LINK_FOLLOW, LEAVE(WIRE_OPENED, EVENT_OPEN) },
	{ "creat", __NR_creat, 8, LINK_FOLLOW, LEAVE(WIRE_OPENED, EVENT_OPEN) },
	{ "open_by_handle_at", __NR_open_by_handle_at, 342, LINK_FOLLOW,
		LEAVE(WIRE_OPENED, EVENT_OPEN) },
	{ "close", __NR_close, 6, LINK_KEEP, ENTER(WIRE_CLOSE) },
	{ "dup2", __NR_dup2, 63, LINK_KEEP, ENTER(WIRE_DUP) },
	{ "dup3", __NR_dup3, 330, LINK_KEEP, ENTER(WIRE_DUP) },
	{ "close_range", __NR_close_range, 436, LINK_KEEP, ENTER(WIRE_CLOSE_RANGE) },

	// content
	{ "truncate", __NR_truncate, 92, LINK_FOLLOW,
		BY_PATH(EVENT_TRUNCATE, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "truncate64", -1, 193, LINK_FOLLOW, BY_PATH(EVENT_TRUNCATE, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "ftruncate", __NR_ftruncate, 93, LINK_KEEP, BY_FD(EVENT_TRUNCATE) },
	{ "ftruncate64", -1, 194, LINK_KEEP, BY_FD(EVENT_TRUNCATE) },

	// names
	{ "rename", __NR_rename, 38, LINK_KEEP,
		BY_PATHS(EVENT_RENAME, WIRE_AT_CWD, 0, WIRE_AT_CWD, 1, WIRE_NONE) },
	{ "renameat", __NR_renameat, 302, LINK_KEEP,
		BY_PATHS(EVENT_RENAME, 0, 1, 2, 3, WIRE_NONE) },
	{ "renameat2", __NR_renameat2, 353, LINK_KEEP, BY_PATHS(EVENT_RENAME, 0, 1, 2, 3, 4) },
	{ "unlink", __NR_unlink, 10, LINK_KEEP, BY_PATH(EVENT_UNLINK, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "unlinkat", __NR_unlinkat, 301, LINK_KEEP, BY_PATH(EVENT_UNLINK, 0, 1, 2) },
	{ "rmdir", __NR_rmdir, 40, LINK_KEEP, BY_PATH(EVENT_RMDIR, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "link", __NR_link, 9, LINK_KEEP,
		BY_PATHS(EVENT_LINK, WIRE_AT_CWD, 0, WIRE_AT_CWD, 1, WIRE_NONE) },
	{ "linkat", __NR_linkat, 303, LINK_KEEP, BY_PATHS(EVENT_LINK, 0, 1, 2, 3, 4) },
	{ "symlink", __NR_symlink, 83, LINK_KEEP,
		BY_PATH(EVENT_SYMLINK, WIRE_AT_CWD, 1, WIRE_NONE) },
	{ "symlinkat", __NR_symlinkat, 304, LINK_KEEP, BY_PATH(EVENT_SYMLINK, 1, 2, WIRE_NONE) },
	{ "mkdir", __NR_mkdir, 39, LINK_KEEP, BY_PATH(EVENT_MKDIR, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "mkdirat", __NR_mkdirat, 296, LINK_KEEP, BY_PATH(EVENT_MKDIR, 0, 1, WIRE_NONE) },
	{ "mknod", __NR_mknod, 14, LINK_KEEP, BY_PATH(EVENT_CREATE, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "mknodat", __NR_mknodat, 297, LINK_KEEP, BY_PATH(EVENT_CREATE, 0, 1, WIRE_NONE) },

	// attributes
	{ "chmod", __NR_chmod, 15, LINK_FOLLOW,
		BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "fchmod", __NR_fchmod, 94, LINK_KEEP, BY_FD(EVENT_ATTRIBUTES) },
	{ "fchmodat", __NR_fchmodat, 306, LINK_FOLLOW, BY_PATH(EVENT_ATTRIBUTES, 0, 1, WIRE_NONE) },
	{ "fchmodat2", FCHMODAT2, FCHMODAT2, LINK_FOLLOW, BY_PATH(EVENT_ATTRIBUTES, 0, 1, 3) },
	{ "chown", __NR_chown, 182, LINK_FOLLOW,
		BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "chown32", -1, 212, LINK_FOLLOW, BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "lchown", __NR_lchown, 16, LINK_KEEP,
		BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "lchown32", -1, 198, LINK_KEEP, BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "fchown", __NR_fchown, 95, LINK_KEEP, BY_FD(EVENT_ATTRIBUTES) },
	{ "fchown32", -1, 207, LINK_KEEP, BY_FD(EVENT_ATTRIBUTES) },
	{ "fchownat", __NR_fchownat, 298, LINK_FOLLOW, BY_PATH(EVENT_ATTRIBUTES, 0, 1, 4) },
	{ "utime", __NR_utime, 30, LINK_FOLLOW,
		BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "utimes", __NR_utimes, 271, LINK_FOLLOW,
		BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "futimesat", __NR_futimesat, 299, LINK_FOLLOW,
		BY_PATH(EVENT_ATTRIBUTES, 0, 1, WIRE_NONE) },
	{ "utimensat", __NR_utimensat, 320, LINK_FOLLOW, BY_PATH(EVENT_ATTRIBUTES, 0, 1, 3) },
	{ "utimensat_time64", -1, UTIMENSAT_64, LINK_FOLLOW, BY_PATH(EVENT_ATTRIBUTES, 0, 1, 3) },
	{ "setxattr", __NR_setxattr, 226, LINK_FOLLOW,
		BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "lsetxattr", __NR_lsetxattr, 227, LINK_KEEP,
		BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "removexattr", __NR_removexattr, 235, LINK_FOLLOW,
		BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "lremovexattr", __NR_lremovexattr, 236, LINK_KEEP,
		BY_PATH(EVENT_ATTRIBUTES, WIRE_AT_CWD, 0, WIRE_NONE) },
	{ "fsetxattr", __NR_fsetxattr, 228, LINK_KEEP, BY_FD(EVENT_ATTRIBUTES) },
	{ "fremovexattr", __NR_fremovexattr, 237, LINK_KEEP, BY_FD(EVENT_ATTRIBUTES) },
	{ "setxattrat", SETXATTRAT, SETXATTRAT, LINK_FOLLOW, BY_PATH(EVENT_ATTRIBUTES, 0, 1, 2) },
	{ "removexattrat", REMOVEXATTRAT, REMOVEXATTRAT, LINK_FOLLOW,
		BY_PATH(EVENT_ATTRIBUTES, 0, 1, 2) },

	// sockets
	{ "connect", __NR_connect, 362, LINK_KEEP, LEAVE(WIRE_CONNECT, EVENT_CONNECT) },
	{ "accept", __NR_accept, -1, LINK_KEEP, LEAVE(WIRE_ACCEPT, EVENT_ACCEPT) },
	{ "accept4", __NR_accept4, 364, LINK_KEEP, LEAVE(WIRE_ACCEPT, EVENT_ACCEPT) },
	{ "bind", __NR_bind, 361, LINK_KEEP, LEAVE(WIRE_BIND, EVENT_BIND) },
	{ "listen", __NR_listen, 363, LINK_KEEP, LEAVE(WIRE_LISTEN, EVENT_LISTEN) },

	// working directories
	{ "chdir", __NR_chdir, 12, LINK_FOLLOW, LEAVE(WIRE_MOVED, EVENT_EXEC) },
	{ "fchdir", __NR_fchdir, 133, LINK_FOLLOW, LEAVE(WIRE_MOVED, EVENT_EXEC) },

	// signals
	{ "kill", __NR_kill, 37, LINK_KEEP, SIGNAL(0, 1) },
	{ "tkill", __NR_tkill, 238, LINK_KEEP, SIGNAL(0, 1) },
	{ "tgkill", __NR_tgkill, 270, LINK_KEEP, SIGNAL(0, 2) },
};
const size_t n_calls_all = sizeof(calls_all) / sizeof(calls_all[0]);
