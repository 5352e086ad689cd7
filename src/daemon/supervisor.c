// SPDX-License-Identifier: Apache-2.0
#include "daemon/supervisor.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	FIRST_DELAY_MS = 250,
	APART_MS = 200, // at least, from one start of a role to the next
	PROVEN_MS = 10000, // a role that lived that long did not fail at its start
	KILLED_MS = 2000, // for roles to vanish that were killed; those stuck in the kernel stay
	READY_MS = 20, // between two looks whether all roles are up, at first,
	READY_LATER_MS = 500, // and when they have not been for a while
};

static const uint32_t signals_event = UINT32_MAX; // in place of a child's number in events

struct child {
	const struct role *role;
	struct board *board;
	char unfinished[BOARD_NAME]; // the query that ran when it ended, for the one that follows
	pid_t pid; // 0: it does not run
	int pidfd;
	int64_t started_ms;
	int64_t due_ms; // when it is to be started
	int64_t delay_ms; // that was waited for before
	struct watch watch;
};

struct supervisor {
	const struct supervisor_settings *settings;
	struct child *children;
	size_t n_children;
	int epoll, signals;
	int64_t began_ms;
	int64_t start_time; // seconds since 1970
	uint64_t own_memory_bytes; // at the start
	int64_t own_due_ms, ping_due_ms, ready_due_ms;
	bool ready, stopping, killed;
	int64_t stop_due_ms;
	int exit_code;
};

// ---- the end of a role ----

int64_t respawn_delay_ms(const struct run_report *report, int64_t most_delay_ms)
{
	int64_t lived_ms = report->ended_ms - report->started_ms;
	int64_t delay_ms = 0;

	if (report->finished == 0 && lived_ms < PROVEN_MS) {
		delay_ms = report->last_delay_ms < FIRST_DELAY_MS   ? FIRST_DELAY_MS
			: report->last_delay_ms > most_delay_ms / 2 ? most_delay_ms
								    : report->last_delay_ms * 2;
		if (delay_ms > most_delay_ms)
			delay_ms = most_delay_ms;
	}
	return delay_ms < APART_MS - lived_ms ? APART_MS - lived_ms : delay_ms;
}

static void stop(struct supervisor *supervisor, int exit_code)
{
	if (supervisor->stopping)
		return;
	supervisor->stopping = true;
	supervisor->exit_code = exit_code;
	supervisor->stop_due_ms = clock_ms() + supervisor->settings->stop_ms;
	notify_send(supervisor->settings->notify, "STOPPING=1\nSTATUS=Stopping");
	for (size_t i = 0; i < supervisor->n_children; i++) {
		const struct child *child = &supervisor->children[i];

		if (child->pid == 0)
			continue;
		(void) kill(child->pid, SIGTERM);
		(void) kill(child->pid, SIGCONT); // a stopped one does not hear anything else
	}
}

// Which query ran, as the role wrote it before it ended: it may have gone mad.
static void read_name(const struct board *board, char name[BOARD_NAME])
{
	memcpy(name, board->name, BOARD_NAME);
	name[BOARD_NAME - 1] = '\0';
}

static void describe_end(struct text *text, const struct child *child, const siginfo_t *info)
{
	char name[BOARD_NAME];

	text_printf(text, "%s (%d) ", child->role->name, child->pid);
	if (info->si_code == CLD_EXITED)
		text_printf(text, "ended with code %d", info->si_status);
	else
		text_printf(text, "was ended by signal %d (%s)", info->si_status,
			strsignal(info->si_status));
	text_printf(text, " after %.1f seconds", (double) (clock_ms() - child->started_ms) / 1e3);
	if (atomic_load(&child->board->began_ms) == 0)
		return;
	read_name(child->board, name);
	text_printf(text, ", while the query %s ran", name);
}

static void start_later(struct supervisor *supervisor, struct child *child)
{
	struct run_report report = {
		.started_ms = child->started_ms,
		.ended_ms = clock_ms(),
		.finished = atomic_load(&child->board->finished),
		.last_delay_ms = child->delay_ms,
	};

	child->delay_ms = respawn_delay_ms(&report, supervisor->settings->most_delay_ms);
	child->due_ms = report.ended_ms + child->delay_ms;
}

static void judge_end(struct supervisor *supervisor, struct child *child, const siginfo_t *info)
{
	auto_text struct text text = { 0 };
	bool sent = child->watch.step >= WATCH_TERMINATE; // by us, and so its code means nothing

	describe_end(&text, child, info);
	if (supervisor->stopping) {
		log_verbose("%s", text.bytes);
		return;
	}
	if (info->si_code == CLD_EXITED && !sent &&
		(info->si_status == EXIT_STOP || info->si_status == EXIT_CATASTROPHIC)) {
		log_line(info->si_status == EXIT_STOP ? LOG_INFO : LOG_ERROR, __FILE_NAME__,
			__LINE__, "%s: osqueryd stops", text.bytes);
		stop(supervisor, info->si_status);
		return;
	}
	start_later(supervisor, child);
	log_warning("%s; it is started again in %" PRId64 " ms", text.bytes, child->delay_ms);
	notify_send(supervisor->settings->notify, "STATUS=%.400s", text.bytes);
}

static void reap(struct supervisor *supervisor, struct child *child)
{
	siginfo_t info = { 0 };

	if (child->pid == 0 || waitid(P_PID, (id_t) child->pid, &info, WEXITED | WNOHANG) < 0 ||
		info.si_pid == 0)
		return;
	(void) close(child->pidfd); // which takes it out of epoll as well
	judge_end(supervisor, child, &info);
	child->pid = 0;
	child->pidfd = -1;
}

// As the first process of a container it inherits what others leave behind.
static void reap_strangers(const struct supervisor *supervisor)
{
	siginfo_t info = { 0 };

	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
		for (size_t i = 0; i < supervisor->n_children; i++)
			if (supervisor->children[i].pid == info.si_pid)
				return; // of which epoll tells
		(void) waitid(P_PID, (id_t) info.si_pid, &info, WEXITED | WNOHANG);
		info.si_pid = 0;
	}
}

// ---- the start of a role ----

static void clear_board(struct board *board)
{
	atomic_store(&board->beat_ms, 0);
	atomic_store(&board->began_ms, 0);
	atomic_store(&board->finished, 0);
	memset(board->name, 0, sizeof(board->name));
}

static void close_all(const struct supervisor *supervisor)
{
	(void) close(supervisor->epoll);
	(void) close(supervisor->signals);
	for (size_t i = 0; i < supervisor->n_children; i++)
		if (supervisor->children[i].pidfd >= 0)
			(void) close(supervisor->children[i].pidfd);
}

// Runs in the new process, which shares the memory of the supervisor until it writes to it.
__attribute__((noreturn)) static void become(
	const struct supervisor *supervisor, const struct child *child, pid_t parent)
{
	const struct supervisor_settings *settings = supervisor->settings;
	struct role_context context = {
		.flags = settings->flags,
		.board = child->board,
		.unfinished = child->unfinished,
		.start_time = supervisor->start_time,
		.supervisor = parent,
		.relay = settings->relay,
		.event_folder = settings->event_folder,
	};
	sigset_t none;

	// Not a signal that could be obeyed late: a role without its supervisor is nobody's, and
	// what it holds would be missed by the next one.
	(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1); // it died before
	close_all(supervisor);
	// Until the role has its own handlers there is nothing that these two could mean to it.
	(void) signal(SIGHUP, SIG_IGN);
	(void) signal(SIGUSR1, SIG_IGN);
	(void) signal(SIGINT, SIG_IGN); // Ctrl-C is the supervisor's
	(void) sigemptyset(&none);
	(void) sigprocmask(SIG_SETMASK, &none, NULL);
	if (settings->in_role)
		settings->in_role(settings->context, child->role);
	exit(child->role->run(&context));
}

static void sample_board(struct watch_sample *sample, const struct child *child)
{
	sample->at_ms = clock_ms();
	sample->began_ms = (int64_t) atomic_load(&child->board->began_ms);
	sample->beat_ms = (int64_t) atomic_load(&child->board->beat_ms);
}

static int keep(struct supervisor *supervisor, struct child *child)
{
	struct epoll_event event = {
		.events = EPOLLIN,
		.data.u32 = (uint32_t) (child - supervisor->children),
	};
	struct watch_sample first = { 0 };

	child->pidfd = (int) syscall(SYS_pidfd_open, child->pid, 0);
	if (child->pidfd < 0 ||
		epoll_ctl(supervisor->epoll, EPOLL_CTL_ADD, child->pidfd, &event) < 0)
		return -errno;
	if (supervisor->settings->limits) {
		sample_board(&first, child);
		(void) watch_measure(&first, child->pid);
	}
	watch_begin(&child->watch, &first);
	return 0;
}

static void start(struct supervisor *supervisor, struct child *child)
{
	pid_t parent = getpid();

	child->unfinished[0] = '\0';
	if (atomic_load(&child->board->began_ms) != 0)
		read_name(child->board, child->unfinished);
	clear_board(child->board);
	child->started_ms = clock_ms();
	(void) fflush(NULL); // or it would be written twice
	child->pid = fork();
	if (child->pid == 0)
		become(supervisor, child, parent);
	if (child->pid > 0 && keep(supervisor, child) == 0) {
		log_verbose("%s (%d) is started", child->role->name, child->pid);
		return;
	}
	log_error("%s can't be started: %s", child->role->name, strerror(errno));
	if (child->pid > 0) {
		(void) kill(child->pid, SIGKILL);
		(void) waitpid(child->pid, NULL, 0);
		if (child->pidfd >= 0)
			(void) close(child->pidfd);
	}
	child->pid = 0;
	child->pidfd = -1;
	start_later(supervisor, child);
}

// ---- limits ----

// The signal carries which query is meant, the low bits of began_ms, so that the role need not end
// the next one when that one is already over.
static void send_cancel(const struct child *child)
{
	union sigval value = { .sival_int = (int) (child->watch.cancelled_ms & INT32_MAX) };

	(void) sigqueue(child->pid, SIGUSR1, value);
}

static void take_step(const struct child *child, enum watch_step step)
{
	const char *reason = child->watch.reason.text;
	char name[BOARD_NAME];

	switch (step) {
	case WATCH_NOTHING:
		return;
	case WATCH_CANCEL:
		read_name(child->board, name);
		log_warning("%s (%d): %s; the query %s is told to end", child->role->name,
			child->pid, reason, name);
		send_cancel(child);
		return;
	case WATCH_TERMINATE:
		log_error("osqueryd worker (%d) stopping: %s", child->pid, reason);
		(void) kill(child->pid, SIGTERM);
		(void) kill(child->pid, SIGCONT);
		return;
	case WATCH_KILL:
		log_error(
			"osqueryd worker (%d) does not stop and is killed: %s", child->pid, reason);
		(void) kill(child->pid, SIGKILL);
		return;
	}
}

static void watch_child(const struct supervisor *supervisor, struct child *child)
{
	const struct watch_limits *limits = supervisor->settings->limits;
	struct watch_sample sample = { 0 };

	sample_board(&sample, child);
	if (watch_measure(&sample, child->pid) < 0)
		sample = (struct watch_sample){ .at_ms = sample.at_ms,
			.began_ms = sample.began_ms,
			.beat_ms = sample.beat_ms,
			.cpu_ms = child->watch.last.cpu_ms,
			.memory_bytes = child->watch.last.memory_bytes };
	if (supervisor->settings->debug)
		log_info("watchdog: %s (%d): %" PRId64 " ms of CPU time in %" PRId64 " ms, %" PRIu64
			 " bytes more than at its start",
			child->role->name, child->pid, sample.cpu_ms - child->watch.last.cpu_ms,
			sample.at_ms - child->watch.last.at_ms,
			sample.memory_bytes > child->watch.first.memory_bytes
				? sample.memory_bytes - child->watch.first.memory_bytes
				: 0);
	take_step(child, watch_judge(&child->watch, limits, &sample));
}

static void watch_self(struct supervisor *supervisor)
{
	const struct watch_limits *limits = supervisor->settings->limits;
	struct watch_sample sample;

	if (watch_measure(&sample, getpid()) < 0)
		return;
	if (supervisor->own_memory_bytes == 0)
		supervisor->own_memory_bytes = sample.memory_bytes;
	if (sample.memory_bytes <= supervisor->own_memory_bytes ||
		sample.memory_bytes - supervisor->own_memory_bytes <= limits->memory_bytes)
		return;
	log_error("the supervisor itself has grown by %" PRIu64 " bytes: osqueryd stops",
		sample.memory_bytes - supervisor->own_memory_bytes);
	stop(supervisor, EXIT_CATASTROPHIC);
}

// ---- what is to be done when ----

static void look_whether_ready(struct supervisor *supervisor, int64_t now_ms)
{
	bool early = now_ms - supervisor->began_ms < PROVEN_MS;

	for (size_t i = 0; i < supervisor->n_children; i++) {
		if (atomic_load(&supervisor->children[i].board->beat_ms) != 0)
			continue;
		supervisor->ready_due_ms = now_ms + (early ? READY_MS : READY_LATER_MS);
		return;
	}
	supervisor->ready = true;
	notify_send(supervisor->settings->notify, "READY=1\nSTATUS=Running");
	if (supervisor->settings->when_ready)
		supervisor->settings->when_ready(supervisor->settings->context);
}

static void kill_all(struct supervisor *supervisor)
{
	supervisor->killed = true;
	supervisor->stop_due_ms = clock_ms() + KILLED_MS;
	for (size_t i = 0; i < supervisor->n_children; i++) {
		const struct child *child = &supervisor->children[i];

		if (child->pid == 0)
			continue;
		log_warning("%s (%d) does not stop and is killed", child->role->name, child->pid);
		(void) kill(child->pid, SIGKILL);
	}
}

static void tick_child(struct supervisor *supervisor, struct child *child, int64_t now_ms)
{
	const struct watch_limits *limits = supervisor->settings->limits;

	if (child->pid == 0 && child->due_ms <= now_ms)
		start(supervisor, child);
	else if (child->pid != 0 && limits && !child->role->unlimited &&
		watch_due(&child->watch, limits) <= now_ms)
		watch_child(supervisor, child);
}

static void tick(struct supervisor *supervisor)
{
	const struct supervisor_settings *settings = supervisor->settings;
	int64_t now_ms = clock_ms();

	if (settings->notify->ping_ms > 0 && supervisor->ping_due_ms <= now_ms) {
		notify_send(settings->notify, "WATCHDOG=1");
		supervisor->ping_due_ms = now_ms + settings->notify->ping_ms;
	}
	if (supervisor->stopping) {
		if (!supervisor->killed && supervisor->stop_due_ms <= now_ms)
			kill_all(supervisor);
		return;
	}
	for (size_t i = 0; i < supervisor->n_children; i++)
		tick_child(supervisor, &supervisor->children[i], now_ms);
	if (!supervisor->ready && supervisor->ready_due_ms <= now_ms)
		look_whether_ready(supervisor, now_ms);
	if (settings->limits && supervisor->own_due_ms <= now_ms) {
		watch_self(supervisor);
		supervisor->own_due_ms = now_ms + settings->limits->interval_ms;
	}
}

static void sooner(int64_t *due_ms, int64_t other_ms)
{
	if (other_ms < *due_ms)
		*due_ms = other_ms;
}

static int64_t next_due(const struct supervisor *supervisor)
{
	const struct supervisor_settings *settings = supervisor->settings;
	int64_t due_ms = INT64_MAX;

	if (settings->notify->ping_ms > 0)
		sooner(&due_ms, supervisor->ping_due_ms);
	if (supervisor->stopping) {
		sooner(&due_ms, supervisor->stop_due_ms);
		return due_ms;
	}
	if (!supervisor->ready)
		sooner(&due_ms, supervisor->ready_due_ms);
	if (settings->limits)
		sooner(&due_ms, supervisor->own_due_ms);
	for (size_t i = 0; i < supervisor->n_children; i++) {
		const struct child *child = &supervisor->children[i];

		if (child->pid == 0)
			sooner(&due_ms, child->due_ms);
		else if (settings->limits && !child->role->unlimited)
			sooner(&due_ms, watch_due(&child->watch, settings->limits));
	}
	return due_ms;
}

// What epoll is to wait for: -1 when there is nothing but events.
static int wait_ms(const struct supervisor *supervisor)
{
	int64_t due_ms = next_due(supervisor), left_ms;

	if (due_ms == INT64_MAX)
		return -1;
	left_ms = due_ms - clock_ms();
	return left_ms < 0 ? 0 : left_ms < INT32_MAX ? (int) left_ms : INT32_MAX;
}

static bool is_over(const struct supervisor *supervisor)
{
	bool over = supervisor->stopping;

	for (size_t i = 0; i < supervisor->n_children; i++)
		if (supervisor->children[i].pid != 0)
			over = over && supervisor->killed && supervisor->stop_due_ms <= clock_ms();
	return over;
}

// ---- signals ----

static void reload(const struct supervisor *supervisor)
{
	notify_send(supervisor->settings->notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		clock_ms() * 1000);
	for (size_t i = 0; i < supervisor->n_children; i++)
		if (supervisor->children[i].pid != 0)
			(void) kill(supervisor->children[i].pid, SIGHUP);
	notify_send(supervisor->settings->notify, "READY=1");
}

static void read_signals(struct supervisor *supervisor)
{
	struct signalfd_siginfo info;

	while (read(supervisor->signals, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGTERM:
		case SIGINT:
			log_info("osqueryd stops: %s", strsignal((int) info.ssi_signo));
			stop(supervisor, 0);
			break;
		case SIGHUP:
			if (!supervisor->stopping)
				reload(supervisor);
			break;
		case SIGCHLD:
			reap_strangers(supervisor);
			break;
		}
	}
}

// ---- the loop ----

static int open_events(struct supervisor *supervisor, struct fault *why)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = signals_event };
	sigset_t mask;

	(void) sigemptyset(&mask);
	(void) sigaddset(&mask, SIGTERM);
	(void) sigaddset(&mask, SIGINT);
	(void) sigaddset(&mask, SIGHUP);
	(void) sigaddset(&mask, SIGCHLD);
	(void) sigprocmask(SIG_BLOCK, &mask, NULL);
	(void) signal(SIGPIPE, SIG_IGN);
	(void) signal(SIGUSR1, SIG_IGN);
	// who started the daemon may have ignored them: nohup(1), a script; then none would come
	(void) signal(SIGTERM, SIG_DFL);
	(void) signal(SIGHUP, SIG_DFL);
	(void) signal(SIGCHLD, SIG_DFL);
	supervisor->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	supervisor->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (supervisor->signals < 0 || supervisor->epoll < 0 ||
		epoll_ctl(supervisor->epoll, EPOLL_CTL_ADD, supervisor->signals, &event) < 0)
		return fail(why, -errno, "the supervisor can't wait for events: %m");
	return 0;
}

static int open_children(struct supervisor *supervisor, struct fault *why)
{
	const struct supervisor_settings *settings = supervisor->settings;

	supervisor->children = must_alloc(settings->n_roles * sizeof(struct child));
	for (size_t i = 0; i < settings->n_roles; i++) {
		struct child *child = &supervisor->children[supervisor->n_children];

		if (!settings->roles[i]->is_needed(settings->flags))
			continue;
		*child = (struct child){ .role = settings->roles[i], .pidfd = -1 };
		child->board = mmap(NULL, sizeof(*child->board), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (child->board == MAP_FAILED)
			return fail(why, -errno, "no memory for what roles tell: %m");
		supervisor->n_children++;
	}
	return 0;
}

static void close_supervisor(struct supervisor *supervisor)
{
	close_all(supervisor);
	for (size_t i = 0; i < supervisor->n_children; i++)
		(void) munmap(supervisor->children[i].board, sizeof(struct board));
	free(supervisor->children);
}

static void loop(struct supervisor *supervisor)
{
	struct epoll_event events[8];

	tick(supervisor);
	while (!is_over(supervisor)) {
		int n = epoll_wait(supervisor->epoll, events, 8, wait_ms(supervisor));

		for (int i = 0; i < n; i++) {
			if (events[i].data.u32 == signals_event)
				read_signals(supervisor);
			else
				reap(supervisor, &supervisor->children[events[i].data.u32]);
		}
		tick(supervisor);
	}
}

int supervisor_run(const struct supervisor_settings *settings)
{
	struct supervisor supervisor = {
		.settings = settings,
		.epoll = -1,
		.signals = -1,
		.began_ms = clock_ms(),
		.start_time = time(NULL),
		.exit_code = 1,
	};
	struct fault why;

	if (open_events(&supervisor, &why) < 0 || open_children(&supervisor, &why) < 0)
		log_error("%s", why.text);
	else
		loop(&supervisor);
	close_supervisor(&supervisor);
	return supervisor.exit_code;
}
