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

static void add_state(struct text *text, unsigned state)
{
	text_add_char(text, '=');
	if (state & EFFECTIVE)
		text_add_char(text, 'e');
	if (state & INHERITABLE)
		text_add_char(text, 'i');
	if (state & PERMITTED)
		text_add_char(text, 'p');
}

// The capabilities that share a state: "cap_chown,cap_fowner=ep".
static void add_group(struct text *text, const struct sets *sets, unsigned state)
{
	bool any = false;

	for (unsigned i = 0; i < CAPABILITIES; i++) {
		if (state_of(sets, i) != state)
			continue;
		if (any)
			text_add_char(text, ',');
		else if (text->length)
			text_add_char(text, ' ');
		if (i < NAMES)
			text_printf(text, "cap_%s", names[i]);
		else
			text_printf(text, "%u", i);
		any = true;
	}
	if (any)
		add_state(text, state);
}

bool capability_decode(const void *value, size_t length, struct text *text)
{
	struct sets sets;
	unsigned all;

	if (!read_sets(value, length, &sets))
		return false;
	all = state_of(&sets, 0);
	for (unsigned i = 1; i < NAMES; i++)
		if (state_of(&sets, i) != all)
			all = 0;
	if (all) {
		add_state(text, all);
		return true;
	}
	for (unsigned state = STATES; state-- > 1;)
		add_group(text, &sets, state);
	if (text->length == 0)
		text_add_char(text, '=');
	return true;
}
