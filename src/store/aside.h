// SPDX-License-Identifier: Apache-2.0
#pragma once
// Damaged files are set aside, so that the agent can go on and a person can look at them.

#include "base/fault.h"

// Renames a database and its log to NAME.damaged-TIME and says so; of earlier ones the newest two
// stay.
int aside_move(const char *path, struct fault *why);
