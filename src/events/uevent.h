// SPDX-License-Identifier: Apache-2.0
#pragma once
// Messages about devices: as the kernel sends them (netlink(7), NETLINK_KOBJECT_UEVENT, group 1),
// and as udevd sends them on with what it found out (group 2).

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "events/event.h"

enum { UEVENT_FIELDS = 128 };

struct uevent {
	struct event_field fields[UEVENT_FIELDS + 1]; // as in struct event_record
	size_t n;
};

// Reads the properties of a message; texts are put into the arena. Besides them there is "devnode",
// the path of the device's file, where it has one. False when it is no such message.
bool uevent_read(const char *bytes, size_t length, struct arena *arena, struct uevent *uevent);

const char *uevent_field(const struct uevent *uevent, const char *name);
void uevent_add(struct uevent *uevent, const char *name, const char *value);
