// SPDX-License-Identifier: Apache-2.0
#pragma once
// Everything in a store for a person to look at (--database_dump).

#include <stdio.h>

#include "base/fault.h"

// Writes a line "domain[key]: value" for each thing that the store in the folder remembers, while a
// daemon may be using it. What a line could not hold is escaped.
int store_dump(const char *folder, FILE *file, struct fault *why);
