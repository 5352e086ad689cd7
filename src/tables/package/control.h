// SPDX-License-Identifier: Apache-2.0
#pragma once
// Stanzas of Debian control files (deb822(5)): dpkg's status, apt's *.sources and Release files.

#include "host/lines.h"
#include "sql/table.h"

// Reads the next stanza: the values of the fields named in `names` (NULL-terminated, any case) go
// to `values`, NULL where the stanza has none, trimmed, in the arena. Lines that continue a field
// are part of it behind a newline. False at the end of the file.
bool control_next(
	struct lines *lines, const char *const *names, const char **values, struct arena *arena);
