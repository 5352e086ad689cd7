// SPDX-License-Identifier: Apache-2.0
#pragma once
// Lines of files like /etc/services: words, then remarks behind '#'. Not a table.

#include "base/base.h"

// Cuts the remarks off a line: what stands behind each '#', without the blanks around it, joined
// by " # ". NULL if there is none.
char *words_cut_comment(struct arena *arena, char *line);

// The words that are left, joined by one blank, in place.
char *words_join(char *rest);
