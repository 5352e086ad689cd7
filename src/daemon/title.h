// SPDX-License-Identifier: Apache-2.0
#pragma once
// What ps shows of a process. The new title is written over the arguments, and so secrets that were
// given on the command line can no longer be seen there.

#include <stddef.h>

struct title {
	char *area; // NULL: the title can't be changed
	size_t room; // arguments and environment
	size_t arguments; // of it
};

// Finds the area and moves the environment out of it. The arguments must not be used afterwards.
void title_open(struct title *title);

void title_set(const struct title *title, const char *text);
