// SPDX-License-Identifier: Apache-2.0
#pragma once
// The views of a configuration, in the database that is asked.

#include "config/config.h"
#include "sql/sql.h"

// Makes them, in place of those of `before` (may be NULL). What cannot be made is logged.
void views_apply(const struct config *config, const struct config *before, struct sql *sql);
