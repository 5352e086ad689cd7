// SPDX-License-Identifier: Apache-2.0
#pragma once
// System calls as audit records tell of them: which ones events are made of, and what the record of
// the type SYSCALL says of one.

#include "events/audit_record.h"
#include "events/event.h"

enum audit_class {
	CALL_NONE,
	CALL_EXEC,
	CALL_FORK,
	CALL_KILL,
	CALL_SOCKET,
	CALL_OPEN, // opens or makes a file
	CALL_TRUNCATE,
	CALL_RENAME,
	CALL_UNLINK,
	CALL_RMDIR,
	CALL_LINK,
	CALL_SYMLINK,
	CALL_MKDIR,
	CALL_MKNOD,
	CALL_ATTRIBUTES,
	CALL_CLOSE,
};

enum { NO_ARGUMENT = -1 };

struct audit_call_kind {
	const char *name;
	enum audit_class class;
	uint32_t kinds; // of events that may come of it
	signed char folder, new_folder; // arguments that are folders for relative names
	signed char fd; // argument that is the file itself
	signed char flags; // argument with the flags
};

extern const struct audit_call_kind audit_call_kinds[];
extern const size_t n_audit_call_kinds;

// Finds the kind of a call by its number at once. Of caller's memory.
struct audit_calls {
	struct {
		uint32_t arch;
		unsigned char kind[1024]; // 1 + position in audit_call_kinds
	} machines[3];
};
void audit_calls_init(struct audit_calls *calls);
const struct audit_call_kind *audit_calls_find(
	const struct audit_calls *calls, uint32_t arch, int number);

struct audit_call {
	uint32_t arch;
	int number;
	bool succeeded;
	int64_t result;
	uint64_t arguments[4];
	uint32_t pid, ppid;
	struct credentials ids;
	struct audit_pair comm, exe; // as they are in the record
};

// Reads a record of the type SYSCALL behind its stamp. False when it is none.
bool audit_call_read(struct audit_text record, struct audit_call *call);
