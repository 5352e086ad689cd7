// SPDX-License-Identifier: Apache-2.0
#pragma once
// How the tables of a file that is new or of an older version become today's.

#include <sqlite3.h>

#include "store/store.h"

// Makes an empty database, or one of an older version, one of this version, in one transaction.
// Several processes may do it at once. -EUCLEAN when it is of a newer version or no store at all.
int schema_migrate(sqlite3 *db, const struct store_kind *kind, struct fault *why);

// 0 when it is of this version, else -EUCLEAN.
int schema_check(sqlite3 *db, const struct store_kind *kind, struct fault *why);
