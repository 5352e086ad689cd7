// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tables that a configuration makes of the SQLite files of other programs: a query that is run on
// every file which a pattern finds.

#include <stddef.h>

#include "config/config.h"

enum { AUTO_TABLES_MAX = 1000 };

// Why a table or a column can't have that name, or NULL. `before`: the columns that it has already.
const char *auto_table_check_name(const char *name);
const char *auto_table_check_column(const char *name, const char *const *before, size_t n_before);

// The table as it is registered, in the arena.
const struct table *auto_table_make(const struct config_auto_table *table, struct arena *arena);
