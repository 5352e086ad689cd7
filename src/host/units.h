// SPDX-License-Identifier: Apache-2.0
#pragma once
// Units of systemd, as its manager names them over D-Bus.

#include "base/base.h"
#include "modules/bus/bus.h"

struct unit {
	const char *fields[UNIT_FIELDS]; // by enum unit_field
};

// Asks for all units; for scan_answer. The bytes are the fields of all, each with a NUL behind it.
int units_fetch(struct arena *arena, char **bytes, size_t *size_bytes, struct fault *why);

// Cuts the next unit off these bytes; false when no whole one is left.
bool units_next(const char **bytes, size_t *size_bytes, struct unit *unit);
