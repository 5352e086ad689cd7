// SPDX-License-Identifier: Apache-2.0
#pragma once
// The tables of state.db and how older ones become today's.

#include <sqlite3.h>

#include "base/fault.h"

// Makes an empty database, or one of an older version, one of this version, in one transaction.
// -EUCLEAN when it is of a newer version or no store at all.
int schema_migrate(sqlite3 *db, struct fault *why);

// 0 when it is of this version, else -EUCLEAN.
int schema_check(sqlite3 *db, struct fault *why);
