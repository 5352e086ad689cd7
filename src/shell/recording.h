// SPDX-License-Identifier: Apache-2.0
#pragma once
// Events in the shell.

#include "config/config.h"
#include "host/host.h"

struct recording;

// Sets host->events, as the flags say: to the events of the daemon whose store is named, or to
// those that this process records from now on, without one. NULL when nothing is recorded here.
// `config` may be NULL.
struct recording *recording_open(struct host *host, const struct config *config);
void recording_close(struct recording *recording, struct host *host);
