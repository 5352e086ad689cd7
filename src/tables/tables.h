// SPDX-License-Identifier: Apache-2.0
#pragma once
// What can be asked: all tables, one file each, in folders by subject. A file NAME.c defines
// `const struct table table_NAME`; one that has a header beside it is shared by its folder instead.

#include "sql/table.h"

// In byte order of their names.
extern const struct table *const tables_all[];
extern const size_t n_tables_all;
