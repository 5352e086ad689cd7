// SPDX-License-Identifier: Apache-2.0
#pragma once
// A fault: a negative errno for the program and one sentence for the person who will read it.

enum { FAULT_TEXT = 400 };

struct fault {
	int code; // a negative errno
	char text[FAULT_TEXT];
};

// Fills the fault and returns the code, so that a failing function ends in one line:
//
//	return fail(why, -errno, "config: %s: %m", path);
//
// `%m` is the text of errno as it was at the call. `why` may be NULL. A text that does not fit is
// cut.
__attribute__((format(printf, 3, 4))) int fail(
	struct fault *why, int code, const char *format, ...);
