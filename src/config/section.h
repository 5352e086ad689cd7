// SPDX-License-Identifier: Apache-2.0
#pragma once
// The parts of a configuration beside its queries: options, decorators, file paths, views, ...

#include "config/loader.h"

// Takes all of them from a source or a pack. `source` is its name.
void sections_take(struct loader *loader, const struct node *object, const char *source);

// Sets the options over the loader's flags, without a word.
void options_preview(struct loader *loader, const struct node *object);

// The names of all members that a source and a pack may have (NULL-terminated).
extern const char *const section_source_names[];
extern const char *const section_pack_names[];
