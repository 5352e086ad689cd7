// SPDX-License-Identifier: Apache-2.0
#pragma once
// What outputs there are, for those who only want to say so.

#include <stddef.h>

// The name of each output, one after another; NULL behind the last.
const char *output_name(size_t at);
