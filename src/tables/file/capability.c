// SPDX-License-Identifier: Apache-2.0
// The value is little endian, of three versions (linux/capability.h, struct vfs_ns_cap_data):
//
//	bytes 0-3    version in the high byte, bit 0: effective
//	bytes 4-7    permitted, capabilities 0 to 31
//	bytes 8-11   inheritable, capabilities 0 to 31
//	bytes 12-19  the same for 32 to 63, since version 2
//	bytes 20-23  uid of the root of the namespace it counts in, version 3
#include "tables/file/capability.h"

#include <endian.h>
#include <linux/capability.h>
#include <string.h>

static const char *const names[] = {
	"chown",
	"dac_override",
	"dac_read_search",
	"fowner",
	"fsetid",
	"kill",
	"setgid",
	"setuid",
	"setpcap",
	"linux_immutable",
	"net_bind_service",
	"net_broadcast",
	"net_admin",
	"net_raw",
	"ipc_lock",
	"ipc_owner",
	"sys_module",
	"sys_rawio",
	"sys_chroot",
	"sys_ptrace",
	"sys_pacct",
	"sys_admin",
	"sys_boot",
	"sys_nice",
	"sys_resource",
	"sys_time",
	"sys_tty_config",
	"mknod",
	"lease",
	"audit_write",
	"audit_control",
	"setfcap",
	"mac_override",
	"mac_admin",
	"syslog",
	"wake_alarm",
	"block_suspend",
	"audit_read",
	"perfmon",
	"bpf",
	"checkpoint_restore",
};

enum { NAMES = sizeof(names) / sizeof(names[0]), CAPABILITIES = 64 };

enum { EFFECTIVE = 1, PERMITTED = 2, INHERITABLE = 4, STATES = 8 };

struct sets {
	uint64_t permitted, inheritable;
	bool effective;
};

static bool read_sets(const void *value, size_t length, struct sets *sets)
{
	uint32_t words[6] = { 0 };
	size_t expected;

	if (length < sizeof(words[0]) || length > sizeof(words))
		return false;
	memcpy(words, value, length);
	for (size_t i = 0; i < 6; i++)
		words[i] = le32toh(words[i]);
	switch (words[0] & VFS_CAP_REVISION_MASK) {
	case VFS_CAP_REVISION_1:
		expected = XATTR_CAPS_SZ_1;
		break;
	case VFS_CAP_REVISION_2:
		expected = XATTR_CAPS_SZ_2;
		break;
	case VFS_CAP_REVISION_3:
		expected = XATTR_CAPS_SZ_3;
		break;
	default:
		return false;
	}
	sets->permitted = words[1] | (uint64_t) words[3] << 32;
	sets->inheritable = words[2] | (uint64_t) words[4] << 32;
	sets->effective = words[0] & VFS_CAP_FLAGS_EFFECTIVE;
	return length == expected;
}

static unsigned state_of(const struct sets *sets, unsigned capability)
{
	unsigned state = (sets->permitted >> capability & 1 ? PERMITTED : 0) |
		(sets->inheritable >> capability & 1 ? INHERITABLE : 0);

	return state && sets->effective ? state | EFFECTIVE : state;
}

static void add_letters(struct text *text, char sign, unsigned state)
{
	if (!state && sign != '=')
		return;
	text_add_char(text, sign);
	if (state & EFFECTIVE)
		text_add_char(text, 'e');
	if (state & INHERITABLE)
		text_add_char(text, 'i');
	if (state & PERMITTED)
		text_add_char(text, 'p');
}

// The capabilities that share a state, as what is more or less than the state `base` of all:
// "cap_chown,cap_fowner=ep".
static void add_group(struct text *text, const struct sets *sets, unsigned state, unsigned base)
{
	bool first = text->length == 0, any = false;

	for (unsigned i = 0; i < CAPABILITIES; i++) {
		// those without a name are only worth a word when they are set
		if (state_of(sets, i) != state || (i >= NAMES && state == 0))
			continue;
		if (any)
			text_add_char(text, ',');
		else if (!first)
			text_add_char(text, ' ');
		if (i < NAMES)
			text_printf(text, "cap_%s", names[i]);
		else
			text_printf(text, "%u", i);
		any = true;
	}
	if (!any)
		return;
	add_letters(text, first ? '=' : '+', state & ~base);
	add_letters(text, '-', base & ~state);
}

static unsigned most_common_state(const struct sets *sets)
{
	unsigned counts[STATES] = { 0 }, most = 0;

	for (unsigned i = 0; i < NAMES; i++)
		counts[state_of(sets, i)]++;
	for (unsigned state = 1; state < STATES; state++)
		if (counts[state] > counts[most])
			most = state;
	return most;
}

bool capability_decode(const void *value, size_t length, struct text *text)
{
	struct sets sets;
	unsigned base;

	if (!read_sets(value, length, &sets))
		return false;
	base = most_common_state(&sets);
	if (base)
		add_letters(text, '=', base);
	for (unsigned state = STATES; state-- > 0;)
		if (state != base)
			add_group(text, &sets, state, base);
	if (text->length == 0)
		text_add_char(text, '=');
	return true;
}
