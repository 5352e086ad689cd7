// SPDX-License-Identifier: Apache-2.0
#pragma once
// Regular expressions, by PCRE2, over bytes.

#include <stddef.h>

struct regex;

// Where a match or a group of it stands; `begin` is (size_t) -1 for a group that took no part.
struct regex_span {
	size_t begin, end;
};

struct regex_library {
	// NULL when the pattern is none.
	struct regex *(*compile)(const char *pattern, size_t length);
	void (*free)(struct regex *regex);

	// Looks for the first match at or behind `from`, which may be empty there only if
	// `may_be_empty`. The number of groups found, 0 for none, negative when a limit was
	// reached; fills at most `room` spans, the first of which is the match.
	int (*find)(struct regex *regex, const char *text, size_t length, size_t from,
		int may_be_empty, struct regex_span *spans, size_t room);
};
