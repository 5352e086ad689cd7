// SPDX-License-Identifier: Apache-2.0
#pragma once
// The paths that the queries of file_paths_query gave, on their way from the runner to the
// collector: a setting of the store, a line "category<TAB>path" for each.

#include "config/config.h"

#define FOUND_PATHS_SETTING "file_paths_query"

// Adds a path; one that holds a newline is no path that can be watched for, and is left out.
void found_paths_add(struct text *text, const char *category, const char *path);

// The categories with their paths; `text` is cut up, the rest is the arena's.
struct config_list *found_paths_read(char *text, size_t *n, struct arena *arena);
