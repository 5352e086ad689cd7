// SPDX-License-Identifier: Apache-2.0
#pragma once
// Writing JSON (RFC 8259). What comes out is always valid UTF-8.

#include "base/text.h"

// Adds a string with its quotes. Bytes that are no valid UTF-8 become the four characters \xHH;
// everything that could act on a terminal is written as \uHHHH.
void json_add_string(struct text *text, const char *bytes, size_t length);

// The most bytes that json_put writes for so many.
#define JSON_ROOM(length) (6 * (size_t) (length))

// Writes what stands between the quotes to memory that has the room, and returns where it ends.
char *json_put(char *to, const char *bytes, size_t length);
