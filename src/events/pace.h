// SPDX-License-Identifier: Apache-2.0
#pragma once
// A descriptor that wakes once and then not again for a while, so that what comes one by one is
// read by the handful: an epoll(7) of the descriptor and of a timer, which itself is waited for.

#include <stdbool.h>

#include "base/base.h"

struct pace {
	int ready; // to be waited for
	int timer, watched;
	bool armed; // the watched descriptor wakes
};

#define PACE_CLOSED                                                                                \
	{                                                                                          \
		.ready = -1, .timer = -1, .watched = -1                                            \
	}

int pace_open(struct pace *pace, struct fault *why);
void pace_close(struct pace *pace);

// Watches another descriptor instead of the one before, which may be closed already.
int pace_watch(struct pace *pace, int fd, struct fault *why);

// To be called before reading: sees what woke.
void pace_woken(struct pace *pace);

// To be called after reading: sleeps for `ms`, if it is not 0, whatever comes.
void pace_sleep(struct pace *pace, int ms);

// The same, but wakes as soon as the descriptor has something; at the latest after `most_ms`, if it
// is not 0.
void pace_wait(struct pace *pace, int most_ms);
