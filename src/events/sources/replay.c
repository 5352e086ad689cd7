// SPDX-License-Identifier: Apache-2.0
// Events that were recorded before, from a file: the whole path of an event without a kernel.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "events/recorded.h"
#include "events/source.h"

enum {
	LOOK_MS = 100, // whether the file has become longer
	SLICE_MS = 5,
	LINE_BYTES = 1 << 20,
};

struct replay {
	FILE *file;
	long offset; // of the first line that was not given
	unsigned long line;
	struct arena arena;
};

static const char *path_of(const struct event_settings *settings)
{
	return flags_string(settings->flags, "events_replay");
}

static bool is_wanted(const struct event_settings *settings, uint32_t kinds)
{
	(void) kinds;
	return *path_of(settings) != '\0';
}

static int open_source(struct source *source, const char *position, struct fault *why)
{
	struct replay *replay = source->state;
	const char *path = path_of(source->settings);

	replay->file = fopen(path, "re");
	if (!replay->file)
		return fail(why, -errno, "%s: %m", path);
	replay->offset = strtol(position, NULL, 10);
	if (replay->offset < 0 || fseek(replay->file, replay->offset, SEEK_SET) < 0)
		replay->offset = 0;
	source->period_ms = LOOK_MS;
	(void) snprintf(source->choice, sizeof(source->choice), "events are those in %s", path);
	return 0;
}

static const struct process *settle(
	struct source *source, const struct event *event, const struct recorded_process *recorded)
{
	struct processes *processes = source->settings->processes;
	struct process_image image = recorded->image;

	if (event->kind == EVENT_FORK)
		(void) processes_fork(processes, event->pid, event->fork.child,
			event->fork.start_ticks, &event->ids);
	if (!recorded->known)
		return NULL;
	image.ids = &event->ids;
	return processes_exec(processes, &image);
}

static int give_line(struct source *source, const char *line, size_t length, struct fault *why)
{
	struct replay *replay = source->state;
	struct recorded_process process;
	struct event event;
	struct fault reason;

	arena_reset(&replay->arena);
	if (recorded_read(line, length, &event, &process, &replay->arena, &reason) < 0)
		return fail(why, reason.code, "%s:%lu: %s", path_of(source->settings), replay->line,
			reason.text);
	event.process = settle(source, &event, &process);
	if (EVENT_BIT(event.kind) & source->kinds)
		source_give(source, &event);
	if (event.kind == EVENT_EXIT && process.known)
		processes_exit(source->settings->processes, event.pid, process.image.start_ticks);
	return 0;
}

static int read_source(struct source *source, struct fault *why)
{
	struct replay *replay = source->state;
	auto_free char *line = NULL;
	size_t room = 0;
	int64_t until_ms = clock_ms() + SLICE_MS;
	int r = 0;

	clearerr(replay->file);
	(void) fseek(replay->file, replay->offset, SEEK_SET);
	while (r == 0) {
		ssize_t length = getline(&line, &room, replay->file);

		if (length <= 0 || line[length - 1] != '\n' || length > LINE_BYTES)
			return 0; // the rest of the line may come yet
		replay->line++;
		replay->offset += length;
		r = give_line(source, line, (size_t) length - 1, why);
		(void) snprintf(source->position, sizeof(source->position), "%ld", replay->offset);
		if (clock_ms() >= until_ms)
			break;
	}
	return r < 0 ? r : 1;
}

static void close_source(struct source *source, bool keep)
{
	struct replay *replay = source->state;

	(void) keep;
	if (replay->file)
		(void) fclose(replay->file);
	arena_done(&replay->arena);
}

const struct event_source event_source_replay = {
	.name = "replay",
	.about = "Events that were recorded before, from the file of the flag events_replay.",
	.order = 0,
	.kinds = (UINT32_C(1) << N_EVENT_KINDS) - 1,
	.state_bytes = sizeof(struct replay),
	.is_wanted = is_wanted,
	.open = open_source,
	.read = read_source,
	.close = close_source,
};
