// SPDX-License-Identifier: Apache-2.0
// System calls that a seccomp(2) filter refused, or told of.
#include <inttypes.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>

#include "events/syscall_names.h"
#include "tables/event/fields.h"
#include "tables/event/stored.h"

enum {
	TIME,
	UPTIME,
	AUID,
	UID,
	GID,
	SES,
	PID,
	COMM,
	EXE,
	SIG,
	ARCH,
	SYSCALL,
	COMPAT,
	IP,
	CODE,
	EID
};

static const struct column columns[] = {
	[TIME] = STORED_TIME,
	[UPTIME] = STORED_UPTIME,
	[AUID] = { "auid", UNSIGNED_BIGINT, "User id of the login, 4294967295 without one." },
	[UID] = { "uid", UNSIGNED_BIGINT, "User id." },
	[GID] = { "gid", UNSIGNED_BIGINT, "Group id." },
	[SES] = { "ses", UNSIGNED_BIGINT, "Session of the login, 4294967295 without one." },
	[PID] = { "pid", UNSIGNED_BIGINT, "Process id." },
	[COMM] = { "comm", TEXT, "Name of the process." },
	[EXE] = { "exe", TEXT, "Path of the executable." },
	[SIG] = { "sig", BIGINT, "Signal that it got, 0 for none." },
	[ARCH] = { "arch", TEXT, "Machine that the call is of, such as X86_64." },
	[SYSCALL] = { "syscall", TEXT, "The system call: its name on x86-64, else its number." },
	[COMPAT] = { "compat", BIGINT, "1 if the call was of a 32 bit program, else 0." },
	[IP] = { "ip", TEXT, "Address of the instruction." },
	[CODE] = { "code", TEXT, "What the filter did: KILL_THREAD, ERRNO, LOG or another." },
	[EID] = STORED_EID,
};

struct code {
	uint32_t value;
	const char *name;
};

static const struct code archs[] = { { AUDIT_ARCH_X86_64, "X86_64" }, { AUDIT_ARCH_I386, "I386" },
	{ AUDIT_ARCH_AARCH64, "AARCH64" }, { AUDIT_ARCH_ARM, "ARM" }, { AUDIT_ARCH_ARMEB, "ARMEB" },
	{ AUDIT_ARCH_PPC, "PPC" }, { AUDIT_ARCH_PPC64, "PPC64" }, { AUDIT_ARCH_PPC64LE, "PPC64LE" },
	{ AUDIT_ARCH_S390, "S390" }, { AUDIT_ARCH_S390X, "S390X" }, { AUDIT_ARCH_MIPS, "MIPS" },
	{ AUDIT_ARCH_MIPSEL, "MIPSEL" }, { AUDIT_ARCH_MIPS64, "MIPS64" },
	{ AUDIT_ARCH_MIPSEL64, "MIPSEL64" }, { AUDIT_ARCH_SPARC, "SPARC" },
	{ AUDIT_ARCH_SPARC64, "SPARC64" }, { AUDIT_ARCH_RISCV64, "RISCV64" }, { 0, NULL } };

static const struct code actions[] = { { SECCOMP_RET_KILL_PROCESS, "KILL_PROCESS" },
	{ SECCOMP_RET_KILL_THREAD, "KILL_THREAD" }, { SECCOMP_RET_TRAP, "TRAP" },
	{ SECCOMP_RET_ERRNO, "ERRNO" }, { SECCOMP_RET_USER_NOTIF, "USER_NOTIF" },
	{ SECCOMP_RET_TRACE, "TRACE" }, { SECCOMP_RET_LOG, "LOG" }, { SECCOMP_RET_ALLOW, "ALLOW" },
	{ 0, NULL } };

static uint32_t number_of(const struct event *event, const char *name, int base)
{
	const char *value = record_field(event, name);

	return value ? (uint32_t) strtoul(value, NULL, base) : 0;
}

static void write_code(
	struct event_writer *writer, unsigned column, const struct code *codes, uint32_t value)
{
	char unknown[32];

	for (; codes->name; codes++)
		if (codes->value == value) {
			event_row_string(writer, column, codes->name);
			return;
		}
	(void) snprintf(unknown, sizeof(unknown), "%" PRIu32 "(unknown)", value);
	event_row_string(writer, column, unknown);
}

static void write_call(struct event_writer *writer, uint32_t arch, uint32_t number)
{
	const char *name = arch == AUDIT_ARCH_X86_64 ? syscall_name(arch, (int) number) : NULL;
	char text[32];

	(void) snprintf(text, sizeof(text), "%" PRIu32 "%s", number,
		arch == AUDIT_ARCH_X86_64 ? "(unknown)" : "");
	event_row_string(writer, SYSCALL, name ? name : text);
}

static uint32_t wanted(const struct flags *flags)
{
	return !flags_bool(flags, "disable_audit") &&
			flags_bool(flags, "audit_allow_seccomp_events")
		? EVENT_BIT(EVENT_SECCOMP)
		: 0;
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	static const unsigned numbers[] = { AUID, UID, GID, SES, PID, SIG, COMPAT };
	uint32_t arch = number_of(event, "arch", 16);

	(void) context;
	record_begin(writer, event);
	event_row_integer(writer, UPTIME, event->uptime_ns / 1000000000);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		record_number(writer, numbers[i], event, columns[numbers[i]].name, 10);
	record_text(writer, COMM, event, "comm");
	record_text(writer, EXE, event, "exe");
	record_text(writer, IP, event, "ip");
	write_code(writer, ARCH, archs, arch);
	write_call(writer, arch, number_of(event, "syscall", 10));
	write_code(writer, CODE, actions, number_of(event, "code", 16));
}

static const struct event_table listening = {
	.source = "auditeventpublisher",
	.kinds = EVENT_BIT(EVENT_SECCOMP),
	.wanted = wanted,
	.hear = hear,
};

const struct table table_seccomp_events = {
	.name = "seccomp_events",
	.about = "System calls that a seccomp filter refused, or told of.",
	COLUMNS(columns),
	EXAMPLES("SELECT time, pid, exe, syscall, code FROM seccomp_events"),
	STORED_ROWS,
	.event = &listening,
};
