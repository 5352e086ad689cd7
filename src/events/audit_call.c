// SPDX-License-Identifier: Apache-2.0
// The calls that events are made of, and the record of a call.
#include "events/audit_call.h"

#include <errno.h>
#include <linux/audit.h>
#include <string.h>

#include "events/syscall_names.h"

#define EXECS EVENT_BIT(EVENT_EXEC)
#define FORKS EVENT_BIT(EVENT_FORK)
#define KILLS EVENT_BIT(EVENT_KILL)
#define OPENS (EVENT_BIT(EVENT_OPEN) | EVENT_BIT(EVENT_CREATE) | EVENT_BIT(EVENT_WRITE))
#define TRUNCATES EVENT_BIT(EVENT_TRUNCATE)
#define RENAMES EVENT_BIT(EVENT_RENAME)
#define UNLINKS EVENT_BIT(EVENT_UNLINK)
#define ATTRIBUTES EVENT_BIT(EVENT_ATTRIBUTES)
#define NO NO_ARGUMENT

const struct audit_call_kind audit_call_kinds[] = {
	{ "execve", CALL_EXEC, EXECS, NO, NO, NO, NO },
	{ "execveat", CALL_EXEC, EXECS, NO, NO, NO, NO },
	{ "fork", CALL_FORK, FORKS, NO, NO, NO, NO },
	{ "vfork", CALL_FORK, FORKS, NO, NO, NO, NO },
	{ "clone", CALL_FORK, FORKS, NO, NO, NO, 0 },
	{ "clone3", CALL_FORK, FORKS, NO, NO, NO, NO },
	{ "kill", CALL_KILL, KILLS, NO, NO, NO, NO },
	{ "tkill", CALL_KILL, KILLS, NO, NO, NO, NO },
	{ "tgkill", CALL_KILL, KILLS, NO, NO, NO, NO },
	{ "connect", CALL_SOCKET, EVENT_BIT(EVENT_CONNECT), NO, NO, 0, NO },
	{ "bind", CALL_SOCKET, EVENT_BIT(EVENT_BIND), NO, NO, 0, NO },
	{ "accept", CALL_SOCKET, EVENT_BIT(EVENT_ACCEPT), NO, NO, 0, NO },
	{ "accept4", CALL_SOCKET, EVENT_BIT(EVENT_ACCEPT), NO, NO, 0, NO },
	{ "open", CALL_OPEN, OPENS, NO, NO, NO, 1 },
	{ "openat", CALL_OPEN, OPENS, 0, NO, NO, 2 },
	{ "openat2", CALL_OPEN, OPENS, 0, NO, NO, NO },
	{ "creat", CALL_OPEN, OPENS, NO, NO, NO, NO },
	{ "open_by_handle_at", CALL_OPEN, OPENS, NO, NO, NO, 2 },
	{ "truncate", CALL_TRUNCATE, TRUNCATES, NO, NO, NO, NO },
	{ "truncate64", CALL_TRUNCATE, TRUNCATES, NO, NO, NO, NO },
	{ "ftruncate", CALL_TRUNCATE, TRUNCATES, NO, NO, 0, NO },
	{ "ftruncate64", CALL_TRUNCATE, TRUNCATES, NO, NO, 0, NO },
	{ "rename", CALL_RENAME, RENAMES, NO, NO, NO, NO },
	{ "renameat", CALL_RENAME, RENAMES, 0, 2, NO, NO },
	{ "renameat2", CALL_RENAME, RENAMES, 0, 2, NO, NO },
	{ "unlink", CALL_UNLINK, UNLINKS, NO, NO, NO, NO },
	{ "unlinkat", CALL_UNLINK, UNLINKS | EVENT_BIT(EVENT_RMDIR), 0, NO, NO, 2 },
	{ "rmdir", CALL_RMDIR, EVENT_BIT(EVENT_RMDIR), NO, NO, NO, NO },
	{ "link", CALL_LINK, EVENT_BIT(EVENT_LINK), NO, NO, NO, NO },
	{ "linkat", CALL_LINK, EVENT_BIT(EVENT_LINK), 0, 2, NO, NO },
	{ "symlink", CALL_SYMLINK, EVENT_BIT(EVENT_SYMLINK), NO, NO, NO, NO },
	{ "symlinkat", CALL_SYMLINK, EVENT_BIT(EVENT_SYMLINK), NO, 1, NO, NO },
	{ "mkdir", CALL_MKDIR, EVENT_BIT(EVENT_MKDIR), NO, NO, NO, NO },
	{ "mkdirat", CALL_MKDIR, EVENT_BIT(EVENT_MKDIR), 0, NO, NO, NO },
	{ "mknod", CALL_MKNOD, EVENT_BIT(EVENT_CREATE), NO, NO, NO, NO },
	{ "mknodat", CALL_MKNOD, EVENT_BIT(EVENT_CREATE), 0, NO, NO, NO },
	{ "chmod", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "fchmod", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, 0, NO },
	{ "fchmodat", CALL_ATTRIBUTES, ATTRIBUTES, 0, NO, NO, NO },
	{ "fchmodat2", CALL_ATTRIBUTES, ATTRIBUTES, 0, NO, NO, NO },
	{ "chown", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "chown32", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "lchown", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "lchown32", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "fchown", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, 0, NO },
	{ "fchown32", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, 0, NO },
	{ "fchownat", CALL_ATTRIBUTES, ATTRIBUTES, 0, NO, NO, NO },
	{ "setxattr", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "lsetxattr", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "fsetxattr", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, 0, NO },
	{ "setxattrat", CALL_ATTRIBUTES, ATTRIBUTES, 0, NO, NO, NO },
	{ "removexattr", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "lremovexattr", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "fremovexattr", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, 0, NO },
	{ "removexattrat", CALL_ATTRIBUTES, ATTRIBUTES, 0, NO, NO, NO },
	{ "utime", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "utimes", CALL_ATTRIBUTES, ATTRIBUTES, NO, NO, NO, NO },
	{ "futimesat", CALL_ATTRIBUTES, ATTRIBUTES, 0, NO, NO, NO },
	{ "utimensat", CALL_ATTRIBUTES, ATTRIBUTES, 0, NO, NO, NO },
	{ "utimensat_time64", CALL_ATTRIBUTES, ATTRIBUTES, 0, NO, NO, NO },
	// only where somebody else has the kernel tell of it: a rule of ours would be about every
	// close of every process
	{ "close", CALL_CLOSE, 0, NO, NO, 0, NO },
};
const size_t n_audit_call_kinds = sizeof(audit_call_kinds) / sizeof(audit_call_kinds[0]);

void audit_calls_init(struct audit_calls *calls)
{
	static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386, AUDIT_ARCH_AARCH64 };

	memset(calls, 0, sizeof(*calls));
	for (size_t m = 0; m < sizeof(archs) / sizeof(archs[0]); m++) {
		calls->machines[m].arch = archs[m];
		for (size_t i = 0; i < n_audit_call_kinds; i++) {
			int number = syscall_number(archs[m], audit_call_kinds[i].name);

			if (number >= 0 && (size_t) number < sizeof(calls->machines[m].kind))
				calls->machines[m].kind[number] = (unsigned char) (i + 1);
		}
	}
}

const struct audit_call_kind *audit_calls_find(
	const struct audit_calls *calls, uint32_t arch, int number)
{
	for (size_t m = 0; m < sizeof(calls->machines) / sizeof(calls->machines[0]); m++)
		if (calls->machines[m].arch == arch) {
			unsigned kind = number >= 0 &&
					(size_t) number < sizeof(calls->machines[m].kind)
				? calls->machines[m].kind[number]
				: 0;

			return kind ? &audit_call_kinds[kind - 1] : NULL;
		}
	return NULL;
}

// ---- the record ----

enum field {
	ARCH,
	SYSCALL,
	SUCCESS,
	EXIT,
	A0,
	A1,
	A2,
	A3,
	PPID,
	PID,
	AUID,
	UID,
	GID,
	EUID,
	SUID,
	FSUID,
	EGID,
	SGID,
	FSGID,
	SES,
	COMM,
	EXE,
	N_FIELDS
};

// In the order in which the kernel writes them, so that the next one is mostly the one expected.
static const char field_names[N_FIELDS][8] = { "arch", "syscall", "success", "exit", "a0", "a1",
	"a2", "a3", "ppid", "pid", "auid", "uid", "gid", "euid", "suid", "fsuid", "egid", "sgid",
	"fsgid", "ses", "comm", "exe" };

static enum field find_field(const struct audit_pair *pair, enum field expected)
{
	for (unsigned i = 0; i < N_FIELDS; i++) {
		enum field field = (expected + i) % N_FIELDS;

		if (audit_name_is(pair, field_names[field]))
			return field;
	}
	return N_FIELDS;
}

static void set_field(struct audit_call *call, enum field field, const struct audit_pair *pair)
{
	uint32_t number = (uint32_t) audit_decimal(pair);

	switch (field) {
	case ARCH:
		call->arch = (uint32_t) audit_hexadecimal(pair);
		break;
	case SYSCALL:
		call->number = (int) (number & 0x3fffffff);
		break; // without the bit of x32
	case SUCCESS:
		call->succeeded = pair->value.length == 3;
		break; // yes
	case EXIT:
		call->result = audit_decimal(pair);
		break;
	case A0:
	case A1:
	case A2:
	case A3:
		call->arguments[field - A0] = audit_hexadecimal(pair);
		break;
	case PPID:
		call->ppid = number;
		break;
	case PID:
		call->pid = number;
		break;
	case AUID:
		call->ids.auid = number;
		break;
	case UID:
		call->ids.uid = number;
		break;
	case GID:
		call->ids.gid = number;
		break;
	case EUID:
		call->ids.euid = number;
		break;
	case SUID:
		call->ids.suid = number;
		break;
	case FSUID:
		call->ids.fsuid = number;
		break;
	case EGID:
		call->ids.egid = number;
		break;
	case SGID:
		call->ids.sgid = number;
		break;
	case FSGID:
		call->ids.fsgid = number;
		break;
	case SES:
		call->ids.session = number;
		break;
	case COMM:
		call->comm = *pair;
		break;
	case EXE:
		call->exe = *pair;
		break;
	case N_FIELDS:
		break;
	}
}

bool audit_call_read(struct audit_text record, struct audit_call *call)
{
	struct audit_pair pair;
	enum field expected = ARCH;
	uint32_t seen = 0;

	*call = (struct audit_call){ .ids = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
					     UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX,
					     UINT32_MAX, UINT32_MAX } };
	while (audit_next_pair(&record, &pair)) {
		enum field field = find_field(&pair, expected);

		// what is said first counts: programs may write what they like further behind
		if (field == N_FIELDS || seen & 1U << field)
			continue;
		seen |= 1U << field;
		set_field(call, field, &pair);
		if (field == EXE)
			break; // nothing of ours follows
		expected = field + 1;
	}
	return (seen & (1U << ARCH | 1U << SYSCALL | 1U << PID)) ==
		(1U << ARCH | 1U << SYSCALL | 1U << PID);
}
