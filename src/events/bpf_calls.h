// SPDX-License-Identifier: Apache-2.0
#pragma once
// The system calls that the kernel programs look at, and which of their arguments is what.

#include "events/bpf/wire.h"
#include "events/event.h"

// How a path of the call is to be taken.
enum call_link {
	LINK_KEEP, // the link itself is meant
	LINK_FOLLOW, // what it points to, unless AT_SYMLINK_NOFOLLOW
};

struct call {
	const char *name;
	int number, compat; // of programs of 64 and 32 bits; -1: there is none
	enum call_link link;
	struct wire_call wire;
};

extern const struct call calls_all[];
extern const size_t n_calls_all;
