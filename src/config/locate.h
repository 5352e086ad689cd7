// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where something stands in a JSON text, which the parser does not tell: walks over a text that is
// known to be valid. Only used when there is something to say about it.

#include <stddef.h>

// A step into a text: the member of an object, or the item of an array where `name` is NULL.
struct step {
	const char *name;
	size_t index;
};

// The line (from 1) of the member or item that the steps lead to; of the last one that they can
// follow where the rest is missing. Of members with the same name the last one is meant.
unsigned locate_line(const char *text, const struct step *steps, size_t n_steps);

// Calls `found` for every member with the name of an earlier one in the same object.
void locate_duplicates(const char *text,
	void (*found)(void *context, unsigned line, const char *name), void *context);

// For any text, valid or not: the line where more than `most` objects and arrays are within each
// other, or 0.
unsigned locate_depth(const char *text, size_t length, unsigned most);
