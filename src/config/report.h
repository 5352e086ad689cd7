// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the tables about the agent show of a configuration before any of it has run: its queries,
// packs and hash. A pack is active when it fits this host; whoever runs its discovery queries knows
// more.

#include "config/config.h"
#include "host/host.h"

// Fills `agent`; the reports are put into the arena, what they name stays the configuration's.
void config_report(const struct config *config, struct arena *arena, struct agent *agent);
