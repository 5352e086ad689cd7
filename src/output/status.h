// SPDX-License-Identifier: Apache-2.0
#pragma once
// Status lines on their way: what is logged before the outputs are open is kept, and handed on to
// them when they are.

#include "output/output.h"

struct status;

// Listens to the log (log_sink). Only one can do so at a time.
struct status *status_open(void);

// Gives the outputs what was kept, and from now on every line at once. NULL: they are about to be
// closed, keep lines again.
void status_pass_on(struct status *status, struct outputs *outputs);

// Ends listening; what is still kept is gone.
void status_close(struct status *status);

// A line as outputs have it that take a line of text: severity=N location=file:line message=…
void status_add_text(struct text *text, const struct log_entry *entry);
