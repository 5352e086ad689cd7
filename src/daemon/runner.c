// SPDX-License-Identifier: Apache-2.0
// The runner: the role that runs all SQL.
#include "daemon/runner.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "output/names.h"
#include "tables/tables.h"
#include "version.h"

enum {
	MINUTE_S = 60,
	RETRY_S = 5, // outputs that did not take their lines
	COARSE_MS = 5, // time(2) may be so much behind
	ASLEEP_BYTES = 512 << 10, // of free memory that are kept while nothing is due
};

// The runner that signals mean.
static struct runner *running;

// ---- time ----

int64_t runner_now_ms(const struct runner *runner)
{
	return clock_read_ms(CLOCK_BOOTTIME) + runner->clock_offset_ms;
}

static void beat(const struct runner *runner)
{
	atomic_store(&runner->context->board->beat_ms, (uint64_t) clock_ms());
}

void runner_begin_query(struct runner *runner, const char *kind, const char *name)
{
	struct board *board = runner->context->board;

	beat(runner);
	runner->cancel = false;
	(void) snprintf(board->name, sizeof(board->name), "%s%s", kind, name);
	atomic_store(&board->began_ms, (uint64_t) clock_ms());
}

void runner_end_query(struct runner *runner)
{
	struct board *board = runner->context->board;

	atomic_store(&board->began_ms, 0);
	atomic_fetch_add(&board->finished, 1);
}

// ---- signals ----

// Whether the query that is meant still runs; a person who sends the signal means any.
static bool means_this_query(const siginfo_t *info)
{
	uint64_t began_ms = atomic_load(&running->context->board->began_ms);

	return info->si_code != SI_QUEUE || info->si_int == (int) (began_ms & INT32_MAX);
}

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void) context;
	if (signal == SIGHUP) {
		running->reload = true;
		return;
	}
	if (signal == SIGTERM)
		running->stop = true;
	else if (means_this_query(info))
		running->cancel = true;
	else
		return;
	if (running->sql)
		sql_cancel(running->sql);
}

static void catch_signals(struct runner *runner)
{
	static const int caught[] = { SIGTERM, SIGHUP, SIGUSR1 };
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	running = runner;
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		(void) sigaction(caught[i], &action, NULL);
	(void) signal(SIGPIPE, SIG_IGN);
}

// A second SIGTERM, as service managers send it, must not find a runner that is gone.
static void ignore_signals(void)
{
	static const int caught[] = { SIGTERM, SIGHUP, SIGUSR1 };

	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		(void) signal(caught[i], SIG_IGN);
}

// Of a running query. A signal that came just before it began has not cancelled it.
static void on_progress(void *context)
{
	struct runner *runner = context;

	beat(runner);
	if (runner->stop || runner->cancel)
		sql_cancel(runner->sql);
}

// ---- the loop ----

// Sleeps up to the count, or until a signal. The clock goes on while the machine sleeps.
static void sleep_until(struct runner *runner, int timer, int64_t until_ms)
{
	int64_t at_ms = until_ms - runner->clock_offset_ms;
	struct itimerspec when = {
		.it_value = { at_ms / 1000, at_ms % 1000 * 1000000 },
	};
	const struct relay *relay = runner->context->relay;
	struct pollfd due[] = {
		{ .fd = timer, .events = POLLIN },
		{ .fd = relay ? relay->in : -1, .events = POLLIN },
	};
	sigset_t all, before;

	if (at_ms <= clock_read_ms(CLOCK_BOOTTIME))
		return;
	(void) timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
	(void) sigfillset(&all);
	(void) sigprocmask(SIG_BLOCK, &all, &before);
	if (!runner->stop && !runner->reload)
		(void) ppoll(due, 2, NULL, &before);
	(void) sigprocmask(SIG_SETMASK, &before, NULL);
}

// What the supervisor and the collector had to say.
static void take_relayed(struct runner *runner)
{
	struct relayed relayed;
	int most = 100; // before something else has its turn

	while (runner->context->relay && runner->outputs && most-- > 0 &&
		relay_receive(runner->context->relay, &relayed))
		outputs_status(runner->outputs, &relayed.entry);
}

static void work_minute(struct runner *runner, uint64_t now_s)
{
	uint64_t before = runner->minute;

	runner->minute = now_s / MINUTE_S;
	if (runner->minute == before)
		return;
	if (runner->decorations) {
		runner_begin_query(runner, "decorators", "");
		decorations_run_due(runner->decorations, runner->sql, before * MINUTE_S,
			runner->minute * MINUTE_S);
		runner_end_query(runner);
	}
	store_tidy(runner->store);
}

static uint64_t timeout_s(const struct runner *runner)
{
	return (uint64_t) flags_integer(&runner->flags, "schedule_timeout");
}

static bool is_over(const struct runner *runner, uint64_t now_s)
{
	uint64_t most_s = timeout_s(runner);

	return most_s && now_s >= runner->began_s + most_s;
}

// Whether something other than a query has its time: a schedule that is never done must not keep it
// waiting.
static bool is_wanted(const struct runner *runner, uint64_t now_s)
{
	return runner->stop || runner->reload || now_s >= runner->refresh_s ||
		now_s / MINUTE_S != runner->minute || is_over(runner, now_s);
}

static void run_due(struct runner *runner)
{
	while (runner->schedule) {
		uint64_t now_s = (uint64_t) runner_now_ms(runner) / 1000;
		struct scheduled *scheduled;

		if (is_wanted(runner, now_s))
			return;
		scheduled = schedule_due(runner->schedule, now_s);
		if (!scheduled)
			return;
		runner_turn(runner, scheduled);
	}
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

// The count of seconds at which there is something to do.
static uint64_t next_s(const struct runner *runner, uint64_t now_s)
{
	uint64_t most_s = timeout_s(runner);
	uint64_t next = runner->schedule ? schedule_next_s(runner->schedule) : UINT64_MAX;

	next = least(next, (now_s / MINUTE_S + 1) * MINUTE_S);
	next = least(next, runner->refresh_s);
	if (most_s)
		next = least(next, runner->began_s + most_s);
	return outbox_waiting(runner->store) ? least(next, now_s + RETRY_S) : next;
}

static void loop(struct runner *runner, int timer)
{
	while (!runner->stop) {
		uint64_t now_s = (uint64_t) runner_now_ms(runner) / 1000;

		beat(runner);
		if (is_over(runner, now_s)) {
			log_info("The scheduler ended after %llu seconds",
				(unsigned long long) timeout_s(runner));
			return;
		}
		if (runner->reload || now_s >= runner->refresh_s) {
			runner->reload = false;
			runner_load(runner);
		}
		take_relayed(runner);
		work_minute(runner, now_s);
		run_due(runner);
		runner_deliver(runner);
		runner_give_back(ASLEEP_BYTES);
		if (!runner->stop)
			sleep_until(runner, timer, (int64_t) next_s(runner, now_s) * 1000);
	}
}

// ---- start and end ----

// What the schedule's tables show changes with every turn: it is gathered when they are asked.
static void report(void *context)
{
	struct runner *runner = context;

	if (runner->schedule)
		schedule_report(runner->schedule, &runner->agent);
}

static int open_all(struct runner *runner, struct fault *why)
{
	static const struct config none = { 0 };
	const struct role_context *context = runner->context;
	int r;

	runner->agent = (struct agent){
		.version = HOSTQL_VERSION,
		.start_time = context->start_time,
		.daemon = true,
		.supervisor = context->supervisor,
		.tables = tables_all,
		.n_tables = n_tables_all,
		.output_name = output_name,
		.refresh = report,
		.refresh_context = runner,
	};
	config_apply_options(&none, context->flags, &runner->flags);
	r = host_open(&runner->host, &runner->flags, &runner->agent, why);
	if (r < 0)
		return r;
	runner->sql = sql_open(&runner->host, why);
	if (!runner->sql)
		return why->code;
	sql_on_progress(runner->sql, on_progress, runner);
	runner_open_store(runner);
	if (!flags_bool(context->flags, "disable_events"))
		runner->host.events = event_view_open(context->event_folder);
	// its options say where lines go; without one the given flags do
	runner_load(runner);
	if (!runner->outputs)
		runner_open_outputs(runner);
	return runner->outputs ? 0 : fail(why, -EINVAL, "without outputs nothing can be logged");
}

static void close_all(struct runner *runner)
{
	status_close(runner->status);
	decorations_close(runner->decorations);
	schedule_close(runner->schedule);
	outputs_close(runner->outputs);
	sql_close(take(runner->sql)); // a signal finds none
	config_free(runner->config);
	store_close(runner->store);
	event_view_close(runner->host.events);
	host_close(&runner->host);
	flags_done(&runner->flags);
}

static void begin(struct runner *runner)
{
	runner->clock_offset_ms = clock_read_ms(CLOCK_REALTIME) - clock_read_ms(CLOCK_BOOTTIME) -
		COARSE_MS; // so that what is due at a second has that second in its lines
	runner->began_s = (uint64_t) runner_now_ms(runner) / 1000;
	runner->minute = runner->began_s / MINUTE_S;
	runner->refresh_s = UINT64_MAX;
}

static int run(const struct role_context *context)
{
	auto_close int timer = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC | TFD_NONBLOCK);
	struct runner runner = { .context = context, .host.root.fd = -1 };
	struct fault why = { 0 };
	int code = EXIT_STOP;

	runner.status = status_open();
	catch_signals(&runner);
	begin(&runner);
	if (timer < 0)
		(void) fail(&why, -errno, "timerfd: %m");
	if (timer < 0 || open_all(&runner, &why) < 0) {
		log_error("%s", why.text);
		code = EXIT_CATASTROPHIC;
	} else {
		runner_deny_unfinished(&runner);
		loop(&runner, timer);
		take_relayed(&runner);
		runner_deliver(&runner);
	}
	ignore_signals();
	close_all(&runner);
	return code;
}

static bool is_needed(const struct flags *flags)
{
	(void) flags;
	return true;
}

const struct role role_runner = {
	.name = "runner",
	.run = run,
	.is_needed = is_needed,
};
