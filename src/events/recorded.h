// SPDX-License-Identifier: Apache-2.0
#pragma once
// Events as text: one JSON object a line, each with its time, who did it and what the kind has to
// say. What one host has recorded (--events_record) another one replays (--events_replay), without
// a kernel that tells of anything.

#include "events/event.h"
#include "events/process.h"

// Adds the event as a line.
void recorded_add(struct text *text, const struct event *event);

// Who did it, as the line says.
struct recorded_process {
	struct process_image image;
	bool known; // the line says it
};

// Reads a line, without its newline; all texts are put into the arena. -EINVAL with the reason.
int recorded_read(const char *line, size_t length, struct event *event,
	struct recorded_process *process, struct arena *arena, struct fault *why);
