// SPDX-License-Identifier: Apache-2.0
#include "daemon/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "base/base.h"
#include "base/clock.h"

enum { MEGABYTE_SHIFT = 20, INTERVAL_MS = 3000 };

// ---- limits ----

struct level {
	uint64_t memory_mb;
	int64_t cpu_percent, excess_s;
};

static const struct level normal = { 200, 10, 12 };
static const struct level restrictive = { 100, 5, 6 };

static int64_t or_level(int64_t flag, int64_t level)
{
	return flag > 0 ? flag : level;
}

bool watch_limits_read(struct watch_limits *limits, const struct flags *flags)
{
	int64_t number = flags_integer(flags, "watchdog_level");
	const struct level *level = number == 1 ? &restrictive : &normal;
	int64_t memory_mb = or_level(
		flags_integer(flags, "watchdog_memory_limit"), (int64_t) level->memory_mb);
	int64_t percent = or_level(
		flags_integer(flags, "watchdog_utilization_limit"), level->cpu_percent);
	int64_t wall_ms = flags_integer(flags, "query_wall_limit");
	int64_t n_cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (number == -1 || flags_bool(flags, "disable_watchdog"))
		return false;
	*limits = (struct watch_limits){
		.memory_bytes = memory_mb > INT64_MAX >> MEGABYTE_SHIFT
			? INT64_MAX
			: (uint64_t) memory_mb << MEGABYTE_SHIFT,
		.cpu_percent = percent < 100 ? percent : 100,
		.n_cpus = n_cpus > 0 ? n_cpus : 1,
		.excess_ms = clock_from_s(
			or_level(flags_integer(flags, "watchdog_latency_limit"), level->excess_s)),
		.delay_ms = clock_from_s(flags_integer(flags, "watchdog_delay")),
		.grace_ms = clock_from_s(flags_integer(flags, "watchdog_forced_shutdown_delay")),
		.stall_ms = clock_from_s(flags_integer(flags, "watchdog_stall_limit")),
		.wall_ms = wall_ms < clock_from_s(INT64_MAX) ? wall_ms : clock_from_s(INT64_MAX),
		.interval_ms = INTERVAL_MS,
	};
	return true;
}

// ---- measuring ----

int watch_parse_stat(char *text, int64_t *cpu_ticks)
{
	enum { STATE = 3, USER_TIME = 14 };
	char *rest = strrchr(text, ')'); // the name before it may hold anything
	const char *word;
	int64_t user, system;

	if (!rest)
		return -EINVAL;
	rest++;
	for (int field = STATE; field < USER_TIME; field++)
		if (!text_word(&rest, " "))
			return -EINVAL;
	word = text_word(&rest, " ");
	if (!word || text_integer(word, 10, &user) < 0 || user < 0)
		return -EINVAL;
	word = text_word(&rest, " \n");
	if (!word || text_integer(word, 10, &system) < 0 || system < 0 ||
		__builtin_add_overflow(user, system, cpu_ticks))
		return -EINVAL;
	return 0;
}

// The kilobytes of a line "RssAnon:	    1234 kB".
static bool parse_kilobytes(char *line, const char *name, uint64_t *bytes)
{
	const char *word;
	uint64_t kilobytes;

	if (!text_starts(line, name))
		return false;
	line += strlen(name);
	word = text_word(&line, " \t");
	if (!word || text_unsigned(word, 10, &kilobytes) < 0 || kilobytes > INT64_MAX >> 12)
		return false;
	*bytes = kilobytes << 10;
	return true;
}

int watch_parse_status(char *text, uint64_t *memory_bytes)
{
	uint64_t anonymous = 0, shared = 0;
	bool found = false;
	char *line;

	while ((line = text_line(&text))) {
		if (parse_kilobytes(line, "RssAnon:", &anonymous))
			found = true;
		else
			(void) parse_kilobytes(line, "RssShmem:", &shared);
	}
	if (!found)
		return -EINVAL;
	*memory_bytes = anonymous + shared;
	return 0;
}

int watch_measure(struct watch_sample *sample, int pid)
{
	char path[48], text[4096];
	int64_t ticks;
	int r;

	(void) snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (read_small(AT_FDCWD, path, text, sizeof(text)) < 0)
		return -ESRCH;
	r = watch_parse_stat(text, &ticks);
	if (r < 0)
		return r;
	(void) snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (read_small(AT_FDCWD, path, text, sizeof(text)) < 0)
		return -ESRCH;
	r = watch_parse_status(text, &sample->memory_bytes);
	if (r < 0)
		return r;
	sample->cpu_ms = ticks * (1000 / sysconf(_SC_CLK_TCK));
	return 0;
}

// ---- judging ----

void watch_begin(struct watch *watch, const struct watch_sample *first)
{
	*watch = (struct watch){ .first = *first, .last = *first };
}

static int64_t cpu_limit_ms(const struct watch_limits *limits, int64_t elapsed_ms)
{
	return limits->cpu_percent * limits->n_cpus * elapsed_ms / 100;
}

static void count_cpu(
	struct watch *watch, const struct watch_limits *limits, const struct watch_sample *sample)
{
	int64_t elapsed_ms = sample->at_ms - watch->last.at_ms;

	if (elapsed_ms <= 0)
		return;
	if (sample->cpu_ms - watch->last.cpu_ms > cpu_limit_ms(limits, elapsed_ms))
		watch->excess_ms += elapsed_ms;
	else
		watch->excess_ms = 0;
	watch->last = *sample;
}

static bool exceeds_memory(
	struct watch *watch, const struct watch_limits *limits, const struct watch_sample *sample)
{
	uint64_t grown = sample->memory_bytes > watch->first.memory_bytes
		? sample->memory_bytes - watch->first.memory_bytes
		: 0;

	if (grown <= limits->memory_bytes)
		return false;
	(void) fail(&watch->reason, -ENOMEM,
		"Memory limits exceeded: %" PRIu64 " bytes (limit is %" PRIu64 "MB)", grown,
		limits->memory_bytes >> MEGABYTE_SHIFT);
	return true;
}

static bool exceeds_cpu(struct watch *watch, const struct watch_limits *limits)
{
	if (watch->excess_ms < limits->excess_ms)
		return false;
	(void) fail(&watch->reason, -ETIME,
		"Maximum sustainable CPU utilization limit %" PRId64 "ms exceeded for %" PRId64
		" seconds",
		cpu_limit_ms(limits, limits->interval_ms), limits->excess_ms / 1000);
	return true;
}

static bool exceeds_time(
	struct watch *watch, const struct watch_limits *limits, const struct watch_sample *sample)
{
	int64_t shown_ms = sample->beat_ms > sample->began_ms ? sample->beat_ms : sample->began_ms;

	if (sample->began_ms == 0)
		return false;
	if (limits->stall_ms > 0 && sample->at_ms - shown_ms >= limits->stall_ms) {
		(void) fail(&watch->reason, -ETIME, "A query did not move for %" PRId64 " seconds",
			(sample->at_ms - shown_ms) / 1000);
		return true;
	}
	// the role itself ends a query at that limit: here it is one that can't be ended
	if (limits->wall_ms > 0 &&
		sample->at_ms - sample->began_ms > limits->wall_ms + limits->grace_ms) {
		(void) fail(&watch->reason, -ETIME,
			"A query ran for %" PRId64 "ms (limit is %" PRId64 "ms)",
			sample->at_ms - sample->began_ms, limits->wall_ms);
		return true;
	}
	return false;
}

static bool exceeds(
	struct watch *watch, const struct watch_limits *limits, const struct watch_sample *sample)
{
	if (sample->at_ms - watch->first.at_ms >= limits->delay_ms &&
		(exceeds_memory(watch, limits, sample) || exceeds_cpu(watch, limits)))
		return true;
	return exceeds_time(watch, limits, sample);
}

static enum watch_step take_step(
	struct watch *watch, enum watch_step step, const struct watch_sample *sample)
{
	watch->step = step;
	watch->step_ms = sample->at_ms;
	watch->cancelled_ms = sample->began_ms;
	watch->excess_ms = 0; // counts anew for what runs from now on
	return step;
}

// The role had its time to end the query. What it holds in memory it has to have given back.
static enum watch_step look_again(
	struct watch *watch, const struct watch_limits *limits, const struct watch_sample *sample)
{
	if (sample->began_ms == watch->cancelled_ms || exceeds_memory(watch, limits, sample))
		return take_step(watch, WATCH_TERMINATE, sample);
	watch->step = WATCH_NOTHING;
	return WATCH_NOTHING;
}

enum watch_step watch_judge(
	struct watch *watch, const struct watch_limits *limits, const struct watch_sample *sample)
{
	bool waited = sample->at_ms - watch->step_ms >= limits->grace_ms;

	count_cpu(watch, limits, sample);
	switch (watch->step) {
	case WATCH_NOTHING:
		if (!exceeds(watch, limits, sample))
			return WATCH_NOTHING;
		return take_step(watch, sample->began_ms ? WATCH_CANCEL : WATCH_TERMINATE, sample);
	case WATCH_CANCEL:
		return waited ? look_again(watch, limits, sample) : WATCH_NOTHING;
	case WATCH_TERMINATE:
		return waited ? take_step(watch, WATCH_KILL, sample) : WATCH_NOTHING;
	case WATCH_KILL:
		break;
	}
	return WATCH_NOTHING;
}

int64_t watch_due(const struct watch *watch, const struct watch_limits *limits)
{
	int64_t due_ms = watch->last.at_ms + limits->interval_ms;
	int64_t step_due_ms = watch->step_ms + limits->grace_ms;

	if (watch->step == WATCH_NOTHING || watch->step == WATCH_KILL || due_ms < step_due_ms)
		return due_ms;
	return step_due_ms;
}
