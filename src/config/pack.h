// SPDX-License-Identifier: Apache-2.0
#pragma once
// Packs of queries, of which the schedule is one.

#include "config/loader.h"

// Takes the values of "schedule" and "packs" of a source.
void pack_take_schedule(struct loader *loader, const struct node *schedule);
void pack_take_all(struct loader *loader, const struct node *packs, const char *source);

// Reads the files of a pack again, for their digests alone.
void pack_see(struct loader *loader, const char *value);

// Whether a text that names platforms means this one.
bool pack_is_platform(const char *platform);
