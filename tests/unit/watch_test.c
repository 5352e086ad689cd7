// SPDX-License-Identifier: Apache-2.0
#include "daemon/watch.h"

#include <errno.h>
#include <unistd.h>

#include "test.h"

// ---- measuring ----

static int stat_ticks(const char *text, int64_t *ticks)
{
	char copy[512];

	(void) snprintf(copy, sizeof(copy), "%s", text);
	return watch_parse_stat(copy, ticks);
}

static int status_bytes(const char *text, uint64_t *bytes)
{
	char copy[512];

	(void) snprintf(copy, sizeof(copy), "%s", text);
	return watch_parse_status(copy, bytes);
}

TEST(cpu_time_is_the_fourteenth_and_fifteenth_field_whatever_the_name)
{
	int64_t ticks = 0;

	CHECK(stat_ticks("7 (a) 1 2 (b) R 1 7 7 0 -1 4194304 97 0 0 0 123 45 0 0 30 10 1 0 5 6 7\n",
		      &ticks) == 0);
	CHECK(ticks == 168);
}

TEST(a_stat_that_is_cut_or_garbage_is_refused)
{
	int64_t ticks = 7;

	CHECK(stat_ticks("", &ticks) == -EINVAL);
	CHECK(stat_ticks("7 (name", &ticks) == -EINVAL);
	CHECK(stat_ticks("7 (name)", &ticks) == -EINVAL);
	CHECK(stat_ticks("7 (name) R 1 7 7 0 -1 4194304 97 0 0 0 123", &ticks) == -EINVAL);
	CHECK(stat_ticks("7 (name) R 1 7 7 0 -1 4194304 97 0 0 0 x 45 0", &ticks) == -EINVAL);
	CHECK(stat_ticks("7 (name) R 1 7 7 0 -1 4194304 97 0 0 0 -1 45 0", &ticks) == -EINVAL);
	CHECK(stat_ticks("7 (n) R 1 7 7 0 -1 4 97 0 0 0 9223372036854775807 1 0", &ticks) ==
		-EINVAL);
	CHECK(stat_ticks("7 (n) R 1 7 7 0 -1 4 97 0 0 0 99999999999999999999 1 0", &ticks) ==
		-EINVAL);
}

TEST(memory_is_anonymous_and_shared_but_not_that_of_files)
{
	uint64_t bytes = 0;

	CHECK(status_bytes("Name:\tRssAnon: 9\nVmRSS:\t   900 kB\nRssAnon:\t     100 kB\n"
			   "RssFile:\t     700 kB\nRssShmem:\t      20 kB\n",
		      &bytes) == 0);
	CHECK(bytes == 120 * 1024);
}

TEST(a_status_without_memory_or_with_garbage_is_refused)
{
	uint64_t bytes = 7;

	CHECK(status_bytes("", &bytes) == -EINVAL);
	CHECK(status_bytes("Name:\tx\nState:\tZ (zombie)\n", &bytes) == -EINVAL);
	CHECK(status_bytes("RssAnon:\n", &bytes) == -EINVAL);
	CHECK(status_bytes("RssAnon:\t-1 kB\n", &bytes) == -EINVAL);
	CHECK(status_bytes("RssAnon:\t99999999999999999999999 kB\n", &bytes) == -EINVAL);
	CHECK(bytes == 7);
}

TEST(a_process_is_measured_and_one_that_is_gone_is_said_to_be)
{
	struct watch_sample sample = { 0 };

	CHECK(watch_measure(&sample, getpid()) == 0);
	CHECK(sample.memory_bytes > 4096 && sample.memory_bytes < UINT64_C(1) << 40);
	CHECK(watch_measure(&sample, -1) == -ESRCH);
}

// ---- limits ----

static void set(struct flags *flags, const char *name, const char *value)
{
	CHECK(flags_set(flags, name, value, NULL) == 0);
}

TEST(the_levels_have_the_limits_that_users_know)
{
	struct flags flags = { 0 };
	struct watch_limits limits;

	CHECK(watch_limits_read(&limits, &flags));
	CHECK(limits.memory_bytes == 200 << 20 && limits.cpu_percent == 10);
	CHECK(limits.excess_ms == 12000 && limits.delay_ms == 60000 && limits.grace_ms == 4000);
	CHECK(limits.interval_ms == 3000 && limits.stall_ms == 120000 && limits.wall_ms == 0);
	CHECK(limits.n_cpus >= 1);
	set(&flags, "watchdog_level", "1");
	CHECK(watch_limits_read(&limits, &flags));
	CHECK(limits.memory_bytes == 100 << 20 && limits.cpu_percent == 5);
	CHECK(limits.excess_ms == 6000);
	set(&flags, "watchdog_level", "17"); // any other is the normal one
	CHECK(watch_limits_read(&limits, &flags) && limits.cpu_percent == 10);
	flags_done(&flags);
}

TEST(flags_override_the_level_and_cannot_overflow)
{
	struct flags flags = { 0 };
	struct watch_limits limits;

	set(&flags, "watchdog_level", "1");
	set(&flags, "watchdog_memory_limit", "7");
	set(&flags, "watchdog_utilization_limit", "300");
	set(&flags, "watchdog_latency_limit", "2");
	CHECK(watch_limits_read(&limits, &flags));
	CHECK(limits.memory_bytes == 7 << 20 && limits.cpu_percent == 100);
	CHECK(limits.excess_ms == 2000);
	set(&flags, "watchdog_memory_limit", "9223372036854775807");
	set(&flags, "watchdog_latency_limit", "9223372036854775807");
	set(&flags, "watchdog_delay", "18446744073709551615");
	set(&flags, "watchdog_forced_shutdown_delay", "9223372036854775807");
	CHECK(watch_limits_read(&limits, &flags));
	CHECK(limits.memory_bytes == INT64_MAX && limits.excess_ms == 10000000000000);
	CHECK(limits.delay_ms > 0 && limits.grace_ms == 10000000000000);
	flags_done(&flags);
}

TEST(the_watchdog_is_off_at_level_minus_one_and_when_it_is_disabled)
{
	struct flags flags = { 0 };
	struct watch_limits limits;

	set(&flags, "watchdog_level", "-1");
	CHECK(!watch_limits_read(&limits, &flags));
	set(&flags, "watchdog_level", "0");
	set(&flags, "disable_watchdog", "true");
	CHECK(!watch_limits_read(&limits, &flags));
	flags_done(&flags);
}

// ---- judging ----

// 300 ms of CPU time in 3 s, for 12 s; 100 MB.
static const struct watch_limits usual = {
	.memory_bytes = 100 << 20,
	.cpu_percent = 5,
	.n_cpus = 2,
	.excess_ms = 12000,
	.delay_ms = 0,
	.grace_ms = 4000,
	.stall_ms = 120000,
	.interval_ms = 3000,
};

static const struct watch_sample at_start = {
	.at_ms = 1000, .cpu_ms = 10, .memory_bytes = 1 << 20
};

static enum watch_step judge(struct watch *watch, const struct watch_limits *limits,
	int64_t seconds, struct watch_sample sample)
{
	sample.at_ms = at_start.at_ms + seconds * 1000;
	if (sample.memory_bytes == 0)
		sample.memory_bytes = at_start.memory_bytes;
	return watch_judge(watch, limits, &sample);
}

TEST(cpu_time_has_to_be_exceeded_all_the_time)
{
	struct watch watch;

	watch_begin(&watch, &at_start);
	for (int i = 1; i <= 3; i++)
		CHECK(judge(&watch, &usual, i * 3,
			      (struct watch_sample){ .cpu_ms = 10 + i * 301 }) == WATCH_NOTHING);
	CHECK(judge(&watch, &usual, 12, (struct watch_sample){ .cpu_ms = 10 + 4 * 301 }) ==
		WATCH_TERMINATE);
	CHECK_TEXT(watch.reason.text,
		"Maximum sustainable CPU utilization limit 300ms exceeded for 12 seconds");
}

TEST(a_pause_in_cpu_time_counts_anew)
{
	struct watch watch;
	int64_t cpu_ms = 10;

	watch_begin(&watch, &at_start);
	for (int i = 1; i <= 40; i++) {
		cpu_ms += i % 4 == 0 ? 300 : 3000; // exactly the limit is allowed
		CHECK(judge(&watch, &usual, i * 3, (struct watch_sample){ .cpu_ms = cpu_ms }) ==
			WATCH_NOTHING);
	}
}

TEST(a_look_that_comes_late_or_twice_measures_what_passed)
{
	struct watch watch;

	watch_begin(&watch, &at_start);
	// a host that slept: much CPU time since the last look, but in much time
	CHECK(judge(&watch, &usual, 1000, (struct watch_sample){ .cpu_ms = 90000 }) ==
		WATCH_NOTHING);
	CHECK(watch.excess_ms == 0);
	CHECK(judge(&watch, &usual, 1000, (struct watch_sample){ .cpu_ms = 99000 }) ==
		WATCH_NOTHING);
	CHECK(judge(&watch, &usual, 999, (struct watch_sample){ .cpu_ms = 99000 }) ==
		WATCH_NOTHING);
	CHECK(watch.excess_ms == 0);
}

TEST(memory_is_that_since_the_start)
{
	struct watch_sample start = { .at_ms = 1000, .memory_bytes = UINT64_C(500) << 20 };
	struct watch watch;

	watch_begin(&watch, &start);
	CHECK(judge(&watch, &usual, 3,
		      (struct watch_sample){ .memory_bytes = UINT64_C(600) << 20 }) ==
		WATCH_NOTHING);
	CHECK(judge(&watch, &usual, 6, (struct watch_sample){ .memory_bytes = 1 }) ==
		WATCH_NOTHING);
	CHECK(judge(&watch, &usual, 9,
		      (struct watch_sample){ .memory_bytes = (UINT64_C(600) << 20) + 1 }) ==
		WATCH_TERMINATE);
	CHECK_TEXT(watch.reason.text, "Memory limits exceeded: 104857601 bytes (limit is 100MB)");
}

TEST(nothing_is_enforced_at_first_but_counted)
{
	struct watch_limits limits = usual;
	struct watch watch;

	limits.delay_ms = 60000;
	watch_begin(&watch, &at_start);
	for (int i = 3; i < 60; i += 3)
		CHECK(judge(&watch, &limits, i,
			      (struct watch_sample){ .cpu_ms = i * 1000,
				      .memory_bytes = UINT64_C(9) << 30 }) == WATCH_NOTHING);
	CHECK(judge(&watch, &limits, 60, (struct watch_sample){ .cpu_ms = 60000 }) ==
		WATCH_TERMINATE);
}

TEST(a_query_is_told_to_end_and_costs_nothing_else)
{
	struct watch watch;
	struct watch_sample large = {
		.began_ms = 500, .beat_ms = 500, .memory_bytes = UINT64_C(9) << 30
	};
	struct watch_sample next = { .began_ms = 7000, .beat_ms = 7000 };

	watch_begin(&watch, &at_start);
	CHECK(judge(&watch, &usual, 3, large) == WATCH_CANCEL);
	CHECK(watch.cancelled_ms == 500);
	CHECK(judge(&watch, &usual, 6, next) == WATCH_NOTHING);
	CHECK(judge(&watch, &usual, 7, next) == WATCH_NOTHING);
	CHECK(watch.step == WATCH_NOTHING);
}

TEST(a_query_that_goes_on_costs_the_role)
{
	struct watch watch;
	struct watch_sample large = {
		.began_ms = 500, .beat_ms = 500, .memory_bytes = UINT64_C(9) << 30
	};

	watch_begin(&watch, &at_start);
	CHECK(judge(&watch, &usual, 3, large) == WATCH_CANCEL);
	CHECK(watch_due(&watch, &usual) == 1000 + 6000);
	CHECK(judge(&watch, &usual, 6, large) == WATCH_NOTHING);
	CHECK(watch_due(&watch, &usual) == 1000 + 7000);
	CHECK(judge(&watch, &usual, 7, large) == WATCH_TERMINATE);
	CHECK(judge(&watch, &usual, 10, large) == WATCH_NOTHING);
	CHECK(judge(&watch, &usual, 11, large) == WATCH_KILL);
	CHECK(judge(&watch, &usual, 99, large) == WATCH_NOTHING);
}

TEST(the_query_after_the_one_that_was_ended_is_not_blamed_for_its_cpu_time)
{
	struct watch watch;
	struct watch_sample busy = { .began_ms = 500, .beat_ms = 500, .cpu_ms = 10 };
	int second;

	watch_begin(&watch, &at_start);
	for (second = 3; second < 12; second += 3) {
		busy.cpu_ms += 3000;
		CHECK(judge(&watch, &usual, second, busy) == WATCH_NOTHING);
	}
	busy.cpu_ms += 3000;
	CHECK(judge(&watch, &usual, 12, busy) == WATCH_CANCEL);
	busy.began_ms = 13000;
	busy.cpu_ms += 3000;
	CHECK(judge(&watch, &usual, 15, busy) == WATCH_NOTHING);
	busy.cpu_ms += 1000;
	CHECK(judge(&watch, &usual, 16, busy) == WATCH_NOTHING);
	CHECK(watch.step == WATCH_NOTHING);
	// but it has its own time, and when that is over it is told itself
	busy.cpu_ms += 8000;
	CHECK(judge(&watch, &usual, 24, busy) == WATCH_CANCEL && watch.cancelled_ms == 13000);
}

TEST(memory_that_stays_after_the_query_costs_the_role)
{
	struct watch watch;
	struct watch_sample large = { .began_ms = 500, .memory_bytes = UINT64_C(9) << 30 };

	watch_begin(&watch, &at_start);
	CHECK(judge(&watch, &usual, 3, large) == WATCH_CANCEL);
	large.began_ms = 0;
	CHECK(judge(&watch, &usual, 7, large) == WATCH_TERMINATE);
}

TEST(a_query_that_hangs_is_told_to_end)
{
	struct watch watch;
	struct watch_sample hangs = { .began_ms = 2000, .beat_ms = 2500 };

	watch_begin(&watch, &at_start);
	CHECK(judge(&watch, &usual, 121, hangs) == WATCH_NOTHING);
	CHECK(judge(&watch, &usual, 122, hangs) == WATCH_CANCEL);
	CHECK_TEXT(watch.reason.text, "A query did not move for 120 seconds");
	CHECK(judge(&watch, &usual, 126, hangs) == WATCH_TERMINATE);
	CHECK_TEXT(watch.reason.text, "A query did not move for 120 seconds");
}

TEST(a_role_without_a_query_may_be_still)
{
	struct watch watch;

	watch_begin(&watch, &at_start);
	CHECK(judge(&watch, &usual, 100000, (struct watch_sample){ .beat_ms = 1000 }) ==
		WATCH_NOTHING);
}

TEST(hanging_may_be_allowed)
{
	struct watch_limits limits = usual;
	struct watch watch;

	limits.stall_ms = 0;
	watch_begin(&watch, &at_start);
	CHECK(judge(&watch, &limits, 100000,
		      (struct watch_sample){ .began_ms = 1000, .beat_ms = 1000 }) == WATCH_NOTHING);
}

TEST(a_query_that_does_not_end_at_its_wall_limit_is_told_to)
{
	struct watch_limits limits = usual;
	struct watch watch;

	limits.wall_ms = 5000;
	watch_begin(&watch, &at_start);
	CHECK(judge(&watch, &limits, 10,
		      (struct watch_sample){ .began_ms = 2000, .beat_ms = 11000 }) ==
		WATCH_NOTHING);
	CHECK(judge(&watch, &limits, 11,
		      (struct watch_sample){ .began_ms = 2000, .beat_ms = 12000 }) == WATCH_CANCEL);
	CHECK_TEXT(watch.reason.text, "A query ran for 10000ms (limit is 5000ms)");
}
