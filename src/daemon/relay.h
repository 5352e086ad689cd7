// SPDX-License-Identifier: Apache-2.0
#pragma once
// Status lines of the supervisor and of other roles on their way to the runner, which has the
// outputs: packets (O_DIRECT, pipe(2)) in a pipe that all inherit. Nobody waits for it: when the
// runner does not read, what does not fit is only on stderr.

#include <stdbool.h>

#include "base/log.h"

enum { PACKET_BYTES = 4096 }; // PIPE_BUF, which is written at once

struct relay {
	int in, out; // -1: there is none
};

// A relay that cannot be opened takes nothing.
void relay_open(struct relay *relay);
void relay_close(struct relay *relay);

void relay_send(const struct relay *relay, const struct log_entry *entry);

// The next line that waits: false when there is none. Its texts are valid until the next call.
struct relayed {
	struct log_entry entry;
	char bytes[PACKET_BYTES + 1];
};
bool relay_receive(const struct relay *relay, struct relayed *relayed);
