// SPDX-License-Identifier: Apache-2.0
#pragma once
// Questions to services on D-Bus, by libsystemd's sd-bus(3).

#include <stddef.h>

// What is known of a unit of systemd, in this order. The first ten are the answer of ListUnits,
// the others are properties of the unit (org.freedesktop.systemd1(5)).
enum unit_field {
	UNIT_NAME,
	UNIT_DESCRIPTION,
	UNIT_LOAD_STATE,
	UNIT_ACTIVE_STATE,
	UNIT_SUB_STATE,
	UNIT_FOLLOWING,
	UNIT_OBJECT_PATH,
	UNIT_JOB_ID,
	UNIT_JOB_TYPE,
	UNIT_JOB_PATH,
	UNIT_FRAGMENT_PATH,
	UNIT_SOURCE_PATH,
	UNIT_FILE_STATE,
	UNIT_USER,
	UNIT_FIELDS
};

// Takes one field of one unit, NUL-terminated; fields come unit after unit in the order above.
typedef void bus_take(void *context, const char *field);

struct bus_library {
	// Asks systemd on the system bus for all units that it has loaded. 0, or a negative errno
	// with the reason.
	int (*units)(bus_take *take, void *context, char *reason, size_t reason_size);
};
