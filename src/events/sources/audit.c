// SPDX-License-Identifier: Apache-2.0
// The audit system of the kernel. Its records go to one process alone (unicast: auditd) and to
// everybody who listens beside it (multicast). We take the first place only where it is free and we
// may configure, and never from somebody who lives.
#include <errno.h>
#include <linux/audit.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "events/audit_reader.h"
#include "events/audit_rules.h"
#include "events/audit_setup.h"
#include "events/pace.h"
#include "events/source.h"

enum {
	BATCH = 64, // records that are read at once
	RECORD_BYTES = 9216, // more than the kernel sends in one
	READ_MS = 5, // of work in one turn
	GATHER_MS = 20, // for which records are left to gather once some came
	LOOK_MS = 100, // while files are open or calls are incomplete
	TICK_MS = 1000,
};

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_nl from[BATCH];
	_Alignas(struct nlmsghdr) char bytes[BATCH][RECORD_BYTES];
};

struct state {
	int control, listener; // -1 where there is none
	struct pace pace;
	bool opened;
	bool configures, own; // own: the kernel sends to us alone
	uint32_t lost; // as the kernel last counted
	int64_t looked_ms, ticked_ms;
	struct audit_setup setup;
	struct audit_reader *reader;
	struct batch *batch;
};

static bool is_wanted(const struct event_settings *settings, uint32_t kinds)
{
	if (strcmp(flags_string(settings->flags, "events_source"), "bpf") == 0)
		kinds &= EVENTS_RECORD;
	return kinds != 0 && !flags_bool(settings->flags, "disable_audit");
}

static void give(void *context, struct event *event)
{
	source_give(context, event);
}

// ---- opening ----

static int64_t read_boot_ns(void)
{
	struct timespec real, boot;

	(void) clock_gettime(CLOCK_REALTIME, &real);
	(void) clock_gettime(CLOCK_BOOTTIME, &boot);
	return (real.tv_sec - boot.tv_sec) * INT64_C(1000000000) + real.tv_nsec - boot.tv_nsec;
}

static void open_reader(struct source *source, struct state *state)
{
	char own_path[4096];
	ssize_t length = readlink("/proc/self/exe", own_path, sizeof(own_path) - 1);
	struct audit_reader_settings settings = {
		.kinds = source->kinds,
		.processes = source->settings->processes,
		.tells_processes = true,
		.live = true,
		.own_pid = (uint32_t) getpid(),
		.own_path = length > 0 ? own_path : NULL,
		.boot_ns = read_boot_ns(),
		.give = give,
		.context = source,
	};

	own_path[length > 0 ? length : 0] = '\0';
	state->reader = audit_reader_new(&settings);
}

static struct batch *new_batch(void)
{
	struct batch *batch = must_alloc(sizeof(*batch));

	memset(batch->messages, 0, sizeof(batch->messages));
	for (size_t i = 0; i < BATCH; i++) {
		batch->parts[i] = (struct iovec){ batch->bytes[i], RECORD_BYTES };
		batch->messages[i].msg_hdr = (struct msghdr){
			.msg_name = &batch->from[i],
			.msg_namelen = sizeof(batch->from[i]),
			.msg_iov = &batch->parts[i],
			.msg_iovlen = 1,
		};
	}
	return batch;
}

// Takes the place of auditd where it is free and we `may`; else listens beside whoever has it. One
// that takes the place does not listen beside as well: it would get all twice.
static int choose(
	struct state *state, const struct audit_status *status, bool may, struct fault *why)
{
	if (state->listener >= 0)
		(void) close(state->listener); // which ends that it is waited for
	state->listener = -1;
	state->own = false;
	if (may && !audit_is_taken(status)) {
		state->listener = audit_socket_open(AUDIT_UNICAST, why);
		if (state->listener < 0)
			return state->listener;
		state->own = audit_set_own(state->listener, true, why) == 0;
		if (state->own)
			return pace_watch(&state->pace, state->listener, why);
		(void) close(state->listener); // somebody was faster
	}
	state->listener = audit_socket_open(AUDIT_MULTICAST, why);
	return state->listener < 0 ? state->listener
				   : pace_watch(&state->pace, state->listener, why);
}

static struct audit_wish wish_of(const struct source *source)
{
	const struct flags *flags = source->settings->flags;
	struct audit_wish wish = {
		.kinds = source->kinds,
		.failed_sockets = flags_bool(flags, "audit_allow_failed_socket_events"),
		.empty_accepts = flags_bool(flags, "audit_allow_null_accept_socket_events"),
		.unix_sockets = flags_bool(flags, "audit_allow_unix"),
	};

	if (source->settings->rules)
		wish.watches = rules_watches(source->settings->rules, &wish.n_watches);
	return wish;
}

static int set_rules(struct source *source, struct state *state, struct fault *why)
{
	struct audit_wish wish = wish_of(source);
	struct audit_rules rules;
	size_t left_out = audit_rules_make(&wish, &rules);
	int refused;

	if (left_out > 0)
		log_warning("audit: %zu of %zu folders are not watched: each slows all processes",
			left_out, wish.n_watches);
	refused = audit_setup_rules(&state->setup, &rules, why);
	audit_rules_done(&rules);
	if (refused > 0)
		log_warning("audit: the kernel did not take %d of %zu rules: %s", refused,
			state->setup.made.n, why ? why->text : "");
	return refused < 0 ? refused : 0;
}

// A number of a flag that the kernel takes.
static uint32_t bounded(int64_t value)
{
	return value < 0 ? 0 : (uint32_t) value;
}

static int configure_kernel(struct source *source, struct state *state, struct fault *why)
{
	const struct flags *flags = source->settings->flags;
	struct audit_wanted_status wanted = {
		.alone = state->own,
		.backlog_limit = bounded(flags_integer(flags, "audit_backlog_limit")),
		.backlog_wait_time = bounded(flags_integer(flags, "audit_backlog_wait_time")),
		.remove_others = flags_bool(flags, "audit_force_reconfigure"),
	};
	int r = audit_setup_status(&state->setup, &wanted, why);

	state->setup.unconfigure = flags_bool(flags, "audit_force_unconfigure");
	return r < 0 ? r : set_rules(source, state, why);
}

static void describe(
	struct source *source, const struct state *state, const struct audit_status *status)
{
	char beside[64] = "";

	if (!state->own && audit_is_taken(status))
		(void) snprintf(beside, sizeof(beside), " beside process %u", status->pid);
	(void) snprintf(source->choice, sizeof(source->choice), "%s%s, %s",
		state->own ? "unicast" : "multicast", beside,
		state->configures ? "with rules of our own"
			: status->enabled
			? "with the rules that others set"
			: "but auditing is off in the kernel (audit_allow_config)");
	if (state->configures)
		(void) snprintf(source->choice + strlen(source->choice),
			sizeof(source->choice) - strlen(source->choice), " (%zu)%s",
			state->setup.made.n,
			state->setup.was.enabled
				? ""
				: "; processes that are older than them are not seen");
}

// Kinds that nothing will come of without rules are for other sources; and those of calls are for
// bpf, where the flag names it.
static void leave_kinds(struct source *source, const struct state *state)
{
	if (strcmp(flags_string(source->settings->flags, "events_source"), "bpf") == 0)
		source->kinds &= EVENTS_RECORD;
	if (!state->configures || !flags_bool(source->settings->flags, "audit_allow_fim_events"))
		source->kinds &= ~(uint32_t) EVENTS_FILE;
}

// What a process of ours left behind is put back where we may not configure any more.
static int tidy(struct state *state, struct audit_status *status, struct fault *why)
{
	int r = audit_get_status(state->control, status, why);

	if (r < 0 || state->configures)
		return r;
	audit_setup_restore(&state->setup);
	if (status->pid == (uint32_t) getpid())
		(void) audit_set_own(state->control, false, NULL);
	return audit_get_status(state->control, status, why);
}

static int start(struct source *source, struct state *state, struct fault *why)
{
	struct audit_status status;
	int r;

	state->control = audit_socket_open(AUDIT_REQUESTS, why);
	if (state->control < 0)
		return state->control;
	audit_setup_open(&state->setup, state->control, source->settings->store_folder);
	state->configures = state->setup.mine &&
		flags_bool(source->settings->flags, "audit_allow_config");
	leave_kinds(source, state);
	r = tidy(state, &status, why);
	if (r == 0)
		r = pace_open(&state->pace, why);
	if (r == 0)
		r = choose(state, &status, state->configures, why);
	if (r == 0 && state->configures)
		r = configure_kernel(source, state, why);
	if (r < 0)
		return r;
	state->lost = status.lost;
	describe(source, state, &status);
	return 0;
}

static void release(struct state *state)
{
	audit_setup_close(&state->setup);
	if (state->listener >= 0)
		(void) close(state->listener);
	if (state->control >= 0)
		(void) close(state->control);
	pace_close(&state->pace);
	audit_reader_free(state->reader);
	free(state->batch);
}

static int open_source(struct source *source, const char *position, struct fault *why)
{
	struct state *state = source->state;
	int r;

	(void) position; // the kernel keeps nothing that was sent
	*state = (struct state){ .control = -1, .listener = -1, .pace = PACE_CLOSED };
	r = start(source, state, why);
	if (r < 0) {
		if (state->control >= 0)
			audit_setup_restore(&state->setup);
		if (state->own)
			(void) audit_set_own(state->control, false, NULL);
		release(state);
		return r;
	}
	open_reader(source, state);
	state->batch = new_batch();
	state->opened = true;
	source->fd = state->pace.ready;
	source->period_ms = TICK_MS;
	return 0;
}

static int configure(struct source *source, struct fault *why)
{
	struct state *state = source->state;

	leave_kinds(source, state);
	audit_reader_want(state->reader, source->kinds);
	return state->configures ? set_rules(source, state, why) : 0;
}

// ---- reading ----

static void take_batch(struct state *state, int n, int64_t now_ms)
{
	for (int i = 0; i < n; i++) {
		const char *bytes = state->batch->bytes[i];
		size_t length = state->batch->messages[i].msg_len;
		struct nlmsghdr head;

		// anybody may send to a netlink socket; the kernel is 0. The length in the head is
		// wrong by its own in what is sent to one alone.
		if (length < NLMSG_HDRLEN || state->batch->from[i].nl_pid != 0)
			continue;
		memcpy(&head, bytes, sizeof(head));
		audit_reader_take(state->reader, head.nlmsg_type, bytes + NLMSG_HDRLEN,
			length - NLMSG_HDRLEN, now_ms);
	}
}

// 1 when there may be more, 0 when not.
static int drain(struct source *source, struct state *state, bool *any, struct fault *why)
{
	int64_t end_ms = clock_ms() + READ_MS, now_ms;

	do {
		int n;

		for (size_t i = 0; i < BATCH; i++)
			state->batch->messages[i].msg_hdr.msg_namelen = sizeof(struct sockaddr_nl);
		n = recvmmsg(state->listener, state->batch->messages, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0 && errno == ENOBUFS) {
			source->counts.dropped_kernel++; // the kernel does not say how many
			now_ms = clock_ms();
			continue;
		}
		if (n < 0)
			return errno == EAGAIN || errno == EINTR
				? 0
				: fail(why, -errno, "audit: cannot read: %m");
		now_ms = clock_ms();
		take_batch(state, n, now_ms);
		*any = true;
		if (n < BATCH)
			return 0;
	} while (now_ms < end_ms);
	return 1;
}

// Records come in handfuls: after the first one we wait a little for the rest, instead of being
// woken for each.
static void rest(struct state *state, bool any)
{
	if (any)
		pace_sleep(&state->pace, GATHER_MS);
	else
		pace_wait(&state->pace, audit_reader_waits(state->reader) ? LOOK_MS : 0);
}

// Somebody else has the place by now, or it is free again.
static int choose_again(struct source *source, struct state *state,
	const struct audit_status *status, struct fault *why)
{
	bool persists = state->configures && flags_bool(source->settings->flags, "audit_persist");
	bool lost = state->own && status->pid != (uint32_t) getpid();
	bool freed = persists && !state->own && !audit_is_taken(status);
	int r;

	if (!lost && !freed)
		return 0;
	r = choose(state, status, persists, why);
	if (r == 0 && state->own) {
		struct audit_status mine = { .pid = (uint32_t) getpid(), .enabled = 1 };

		describe(source, state, &mine);
		return configure_kernel(source, state, why);
	}
	if (r == 0)
		describe(source, state, status);
	log_info("audit: the kernel's records are another's now: %s", source->choice);
	return r;
}

static int tick(struct source *source, struct state *state, int64_t now_ms, struct fault *why)
{
	struct audit_status status;
	int r;

	if (now_ms - state->looked_ms < LOOK_MS)
		return 0;
	state->looked_ms = now_ms;
	audit_reader_tick(state->reader, now_ms, read_boot_ns());
	if (now_ms - state->ticked_ms < TICK_MS)
		return 0;
	state->ticked_ms = now_ms;
	r = audit_get_status(state->control, &status, why);
	if (r < 0)
		return r;
	if (status.lost > state->lost) // else somebody has set it back
		source->counts.dropped_kernel += status.lost - state->lost;
	state->lost = status.lost;
	return choose_again(source, state, &status, why);
}

static int read_source(struct source *source, struct fault *why)
{
	struct state *state = source->state;
	const struct audit_reader_counts *counts = audit_reader_counts(state->reader);
	struct audit_reader_counts before = *counts;
	int64_t now_ms = clock_ms();
	bool any = false;
	int more, r;

	pace_woken(&state->pace);
	more = drain(source, state, &any, why);
	if (more < 0)
		return more;
	r = tick(source, state, now_ms, why);
	if (more == 0 && r == 0)
		rest(state, any);
	// (source_give counts what it gets)
	source->counts.received += counts->filtered - before.filtered;
	source->counts.filtered += counts->filtered - before.filtered;
	source->counts.dropped_queue += counts->dropped - before.dropped;
	return r < 0 ? r : more;
}

static void close_source(struct source *source, bool keep)
{
	struct state *state = source->state;

	if (!state->opened)
		return;
	if (!keep) {
		// while the place is still ours, what changing it makes is not printed by the
		// kernel
		audit_setup_restore(&state->setup);
		if (state->own)
			(void) audit_set_own(state->control, false, NULL);
	}
	release(state);
}

static void forget(const struct event_settings *settings)
{
	audit_setup_forget(settings->store_folder);
}

const struct event_source event_source_audit = {
	.name = "auditeventpublisher",
	.about = "The audit system of the kernel, beside auditd or instead of it.",
	.order = 20,
	.kinds = EVENT_BIT(EVENT_EXEC) | EVENT_BIT(EVENT_FORK) | EVENT_BIT(EVENT_KILL) |
		EVENTS_FILE | EVENT_BIT(EVENT_CONNECT) | EVENT_BIT(EVENT_ACCEPT) |
		EVENT_BIT(EVENT_BIND) | EVENT_BIT(EVENT_USER) | EVENT_BIT(EVENT_SELINUX) |
		EVENT_BIT(EVENT_APPARMOR) | EVENT_BIT(EVENT_SECCOMP),
	.state_bytes = sizeof(struct state),
	.is_wanted = is_wanted,
	.open = open_source,
	.configure = configure,
	.read = read_source,
	.forget = forget,
	.close = close_source,
};
