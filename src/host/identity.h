// SPDX-License-Identifier: Apache-2.0
#pragma once
// What tells this machine from all others. Read anew each time, never stored: a clone of a disk is
// another machine.

#include "base/base.h"

struct host;

enum { UUID_TEXT = 36 + 1 };

// The UUID that the firmware gives to the machine; where it has none, or one of those that many
// machines share, the id of the installation (machine-id(5)) written as a UUID. Lower case. False
// when there is neither. Only root may read the first.
bool identity_uuid(const struct root *root, char uuid[UUID_TEXT]);

// The name of the machine's architecture, as of uname(2).
void identity_machine(const struct root *root, char *machine, size_t size);

// A random UUID (RFC 9562, version 4), the same for as long as the host is open.
const char *identity_instance(struct host *host);
