// SPDX-License-Identifier: Apache-2.0
#pragma once
// The last good configuration, kept for a start at which none can be read (config_enable_backup).

#include "store/store.h"

struct backup_text {
	const char *name, *text;
};

// Replaces what is kept.
int backup_write(struct store *store, const struct backup_text *texts, size_t n, struct fault *why);

// What is kept, in order, the arena's.
int backup_read(struct store *store, struct backup_text **texts, size_t *n, struct arena *arena,
	struct fault *why);
