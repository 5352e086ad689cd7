// SPDX-License-Identifier: Apache-2.0
#pragma once
// The pidfile: says who the daemon is, and by its lock (flock(2)) that it is alive. What stands in
// it is never enough to send a signal to anybody.

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/fault.h"

struct pidfile {
	int fd; // -1: none
	char *path;
};

// Takes the pidfile; one that nobody holds is taken over. -EEXIST with the reason when a daemon
// holds it. `force`: ends that daemon first, by SIGTERM, and by SIGKILL after `patience_ms`.
int pidfile_open(struct pidfile *pidfile, const char *path, bool force, int64_t patience_ms,
	struct fault *why);

// Removes the file.
void pidfile_close(struct pidfile *pidfile);

// In a forked process: lets go of the file, which stays the parent's.
void pidfile_leave(struct pidfile *pidfile);

// The daemon that holds the pidfile, and a descriptor of it: 0 when nobody does, -ESRCH with the
// reason when the holder is no osqueryd.
pid_t pidfile_holder(const char *path, int *pidfd, struct fault *why);

// Ends a daemon: SIGTERM, SIGKILL after `patience_ms`. -ETIME when even that did not help.
int pidfile_end(int pidfd, int64_t patience_ms);
