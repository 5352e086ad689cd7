// SPDX-License-Identifier: Apache-2.0
// The supervisor with roles that misbehave, each in the way a test needs.
#include "daemon/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "test.h"

enum { PATIENCE_MS = 60000 }; // for what must happen

// What roles and supervisor tell the test.
static struct {
	atomic_int starts, pid; // of the role that is looked at
	atomic_int other_starts, other_pid;
	atomic_int hangups, cancels, cancel_value, ready;
	atomic_int may_end;
} * told;

// ---- roles ----

static atomic_int stopped;

static void note_stop(int number)
{
	(void) number;
	stopped = 1;
}

static void note_hangup(int number)
{
	(void) number;
	told->hangups++;
}

static struct board *own_board;

static void note_cancel(int number, siginfo_t *info, void *context)
{
	(void) number;
	(void) context;
	told->cancels++;
	told->cancel_value = info->si_value.sival_int;
	if (info->si_value.sival_int == (int) (own_board->began_ms & INT32_MAX))
		own_board->began_ms = 0;
}

static void begin_role(const struct role_context *context)
{
	struct sigaction cancel = { .sa_sigaction = note_cancel, .sa_flags = SA_SIGINFO };

	own_board = context->board;
	(void) signal(SIGTERM, note_stop);
	(void) signal(SIGHUP, note_hangup);
	CHECK(sigaction(SIGUSR1, &cancel, NULL) == 0);
	told->pid = getpid();
	told->starts++;
	context->board->beat_ms = (uint64_t) clock_ms();
}

static int until_stopped(void)
{
	while (!stopped)
		(void) poll(NULL, 0, 10);
	return EXIT_STOP;
}

static bool always(const struct flags *flags)
{
	(void) flags;
	return true;
}

static int run_well(const struct role_context *context)
{
	begin_role(context);
	return until_stopped();
}

static int run_beside(const struct role_context *context)
{
	(void) context;
	(void) signal(SIGTERM, note_stop);
	told->other_pid = getpid();
	told->other_starts++;
	context->board->beat_ms = (uint64_t) clock_ms();
	return until_stopped();
}

// Fails three times.
static int run_badly(const struct role_context *context)
{
	begin_role(context);
	if (told->starts > 3)
		return until_stopped();
	context->board->finished++; // or the test would wait
	if (told->starts == 1)
		(void) raise(SIGKILL);
	return told->starts == 2 ? 1 : 255;
}

static int run_and_end(const struct role_context *context)
{
	begin_role(context);
	return EXIT_STOP;
}

static int run_into_catastrophe(const struct role_context *context)
{
	begin_role(context);
	return EXIT_CATASTROPHIC;
}

__attribute__((noreturn)) static int run_and_never_stop(const struct role_context *context)
{
	begin_role(context);
	(void) signal(SIGTERM, SIG_IGN);
	for (;;)
		(void) pause();
}

static void begin_query(struct board *board, const char *name)
{
	(void) snprintf(board->name, sizeof(board->name), "%s", name);
	board->beat_ms = (uint64_t) clock_ms();
	board->began_ms = (uint64_t) clock_ms();
}

static void spin(const struct role_context *context)
{
	while (context->board->began_ms != 0 && !stopped)
		context->board->beat_ms = (uint64_t) clock_ms();
}

// Obeys: ends the query.
static int run_a_query_that_spins(const struct role_context *context)
{
	begin_role(context);
	begin_query(context->board, "spin");
	spin(context);
	context->board->finished++;
	return until_stopped();
}

// Does not obey, the first time.
static int run_a_query_that_cannot_be_ended(const struct role_context *context)
{
	begin_role(context);
	if (told->starts > 1)
		return until_stopped();
	(void) signal(SIGTERM, SIG_IGN);
	(void) signal(SIGUSR1, SIG_IGN);
	begin_query(context->board, "endless");
	spin(context);
	return EXIT_STOP;
}

// Without a query, the first time: the role itself has gone mad.
static int run_and_grow(const struct role_context *context)
{
	size_t step = 1 << 20;

	begin_role(context);
	if (told->starts > 1)
		return until_stopped();
	for (size_t held = 0; held < step * 256 && !stopped; held += step) {
		volatile char *memory = must_alloc(step);

		for (size_t i = 0; i < step; i += 4096)
			memory[i] = 1;
		(void) poll(NULL, 0, 1);
	}
	return until_stopped();
}

static int run_and_freeze(const struct role_context *context)
{
	begin_role(context);
	if (told->starts > 1)
		return until_stopped();
	begin_query(context->board, "frozen");
	(void) raise(SIGSTOP);
	return until_stopped();
}

// ---- the supervisor, in a process of its own ----

static const struct notify nobody = { .fd = -1 };

static void note_ready(void *context)
{
	(void) context;
	told->ready++;
}

static pid_t supervise(int (*run)(const struct role_context *), const struct watch_limits *limits)
{
	struct role role = { .name = "role", .run = run, .is_needed = always };
	struct role beside = { .name = "other", .run = run_beside, .is_needed = always };
	const struct role *roles[] = { &role, &beside };
	struct flags flags = { 0 };
	struct supervisor_settings settings = {
		.flags = &flags,
		.roles = roles,
		.n_roles = 2,
		.limits = limits,
		.stop_ms = 5000,
		.most_delay_ms = 500,
		.notify = &nobody,
		.when_ready = note_ready,
	};
	pid_t pid;

	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(told != MAP_FAILED);
	pid = fork();
	CHECK(pid >= 0);
	if (pid > 0)
		return pid;
	CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0); // whatever becomes of the test
	log_threshold(LOG_ERROR + 1);
	exit(supervisor_run(&settings));
}

#define WAIT_FOR(condition)                                                                        \
	do {                                                                                       \
		int64_t until_ms_ = clock_ms() + PATIENCE_MS;                                      \
		while (!(condition) && clock_ms() < until_ms_)                                     \
			(void) poll(NULL, 0, 5);                                                   \
		CHECK(condition);                                                                  \
	} while (0)

static int exit_code(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int end(pid_t pid)
{
	CHECK(waitpid(pid, NULL, WNOHANG) == 0); // it is alive up to now
	CHECK(kill(pid, SIGTERM) == 0);
	return exit_code(pid);
}

static bool is_gone(int pid)
{
	return kill(pid, 0) < 0 && errno == ESRCH;
}

TEST(roles_are_started_and_stopped)
{
	pid_t pid = supervise(run_well, NULL);

	WAIT_FOR(told->starts == 1 && told->other_starts == 1);
	CHECK(end(pid) == 0);
	CHECK(is_gone(told->pid) && is_gone(told->other_pid));
}

TEST(a_second_signal_to_stop_does_no_harm)
{
	pid_t pid = supervise(run_and_never_stop, NULL);

	WAIT_FOR(told->starts == 1 && told->other_starts == 1);
	CHECK(kill(pid, SIGTERM) == 0);
	WAIT_FOR(is_gone(told->other_pid));
	CHECK(kill(pid, SIGINT) == 0 && kill(pid, SIGTERM) == 0);
	CHECK(end(pid) == 0); // it is still there, and waits for the role up to the end
	CHECK(is_gone(told->pid));
}

TEST(ready_is_said_once_when_all_roles_have_beaten)
{
	pid_t pid = supervise(run_well, NULL);

	WAIT_FOR(told->ready == 1);
	CHECK(told->starts == 1 && told->other_starts == 1);
	CHECK(kill(told->pid, SIGKILL) == 0);
	WAIT_FOR(told->starts == 2);
	CHECK(end(pid) == 0 && told->ready == 1);
}

TEST(a_role_that_ends_badly_is_started_again_and_the_others_are_not_touched)
{
	pid_t pid = supervise(run_badly, NULL);
	int other;

	WAIT_FOR(told->other_starts == 1);
	other = told->other_pid;
	WAIT_FOR(told->starts == 4);
	CHECK(told->other_starts == 1 && told->other_pid == other && kill(other, 0) == 0);
	CHECK(end(pid) == 0);
}

TEST(a_role_that_ends_well_ends_the_daemon)
{
	pid_t pid = supervise(run_and_end, NULL);

	CHECK(exit_code(pid) == 0);
	CHECK(is_gone(told->other_pid) || told->other_starts == 0);
}

TEST(a_catastrophe_ends_the_daemon_with_its_code)
{
	CHECK(exit_code(supervise(run_into_catastrophe, NULL)) == EXIT_CATASTROPHIC);
}

TEST(hangups_reach_the_roles)
{
	pid_t pid = supervise(run_well, NULL);

	CHECK(kill(pid, 0) == 0);
	WAIT_FOR(told->starts == 1);
	CHECK(kill(pid, SIGHUP) == 0);
	WAIT_FOR(told->hangups == 1);
	CHECK(end(pid) == 0 && told->starts == 1);
}

TEST(roles_die_with_a_supervisor_that_is_killed)
{
	pid_t pid = supervise(run_and_never_stop, NULL);

	WAIT_FOR(told->starts == 1 && told->other_starts == 1);
	CHECK(kill(pid, SIGKILL) == 0 && waitpid(pid, NULL, 0) == pid);
	WAIT_FOR(is_gone(told->pid) && is_gone(told->other_pid));
}

// ---- limits ----

static const struct watch_limits generous = {
	.memory_bytes = UINT64_C(1) << 40,
	.cpu_percent = 100,
	.n_cpus = 1000,
	.excess_ms = 1000,
	.grace_ms = 200,
	.interval_ms = 20,
};

TEST(a_query_over_its_cpu_time_is_ended_and_its_role_goes_on)
{
	struct watch_limits limits = generous;
	pid_t pid;

	limits.cpu_percent = 10;
	limits.n_cpus = 1;
	limits.excess_ms = 200;
	limits.interval_ms = 100;
	limits.grace_ms = 5000;
	pid = supervise(run_a_query_that_spins, &limits);
	WAIT_FOR(told->cancels == 1);
	CHECK(kill(pid, SIGHUP) == 0); // the role is alive afterwards
	WAIT_FOR(told->hangups == 1);
	CHECK(end(pid) == 0 && told->starts == 1 && told->cancels == 1);
}

TEST(a_query_that_cannot_be_ended_costs_its_role_only)
{
	struct watch_limits limits = generous;
	pid_t pid;

	limits.wall_ms = 100;
	pid = supervise(run_a_query_that_cannot_be_ended, &limits);
	WAIT_FOR(told->starts == 2);
	CHECK(told->other_starts == 1);
	CHECK(end(pid) == 0);
}

TEST(a_role_that_grows_is_stopped_and_started_again)
{
	struct watch_limits limits = generous;
	pid_t pid;

	limits.memory_bytes = 64 << 20;
	pid = supervise(run_and_grow, &limits);
	WAIT_FOR(told->starts == 2);
	CHECK(told->other_starts == 1 && told->cancels == 0);
	CHECK(end(pid) == 0);
}

TEST(a_role_that_is_frozen_in_a_query_is_killed_and_started_again)
{
	struct watch_limits limits = generous;
	pid_t pid;
	int frozen;

	limits.stall_ms = 200;
	pid = supervise(run_and_freeze, &limits);
	WAIT_FOR(told->starts == 1);
	frozen = told->pid;
	WAIT_FOR(told->starts == 2);
	CHECK(is_gone(frozen) && told->other_starts == 1);
	CHECK(end(pid) == 0);
}

// ---- delays ----

static int64_t delay(int64_t lived_ms, uint64_t finished, int64_t last_delay_ms)
{
	struct run_report report = {
		.started_ms = 5000,
		.ended_ms = 5000 + lived_ms,
		.finished = finished,
		.last_delay_ms = last_delay_ms,
	};

	return respawn_delay_ms(&report, 600000);
}

TEST(a_role_that_fails_at_once_is_started_more_and_more_seldom)
{
	int64_t delay_ms = 0, expected_ms = 250;

	for (int i = 0; i < 40; i++) {
		delay_ms = delay(1, 0, delay_ms);
		CHECK(delay_ms == (expected_ms < 600000 ? expected_ms : 600000));
		expected_ms = expected_ms < 600000 ? expected_ms * 2 : expected_ms;
	}
}

TEST(a_role_that_did_something_is_started_at_once)
{
	CHECK(delay(300, 1, 64000) == 0);
	CHECK(delay(10000, 0, 64000) == 0);
	CHECK(delay(9999, 0, 64000) == 128000);
}

TEST(two_starts_are_never_close_together)
{
	CHECK(delay(0, 5, 0) == 200);
	CHECK(delay(150, 5, 0) == 50);
	CHECK(delay(200, 5, 0) == 0);
}

TEST(the_longest_delay_may_be_short)
{
	struct run_report report = { .ended_ms = 1, .last_delay_ms = 0 };

	CHECK(respawn_delay_ms(&report, 0) == 199);
	report.last_delay_ms = INT64_MAX;
	CHECK(respawn_delay_ms(&report, INT64_MAX) == INT64_MAX);
}
