// SPDX-License-Identifier: Apache-2.0
// Events that our own kernel programs notice (events/bpf/): processes, files in watched folders,
// sockets, signals. They wait in a ring of the kernel until they are stored.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/module.h"
#include "events/bpf_calls.h"
#include "events/bpf_give.h"
#include "events/bpf_pin.h"

enum {
	PERIOD_MS = 100, // between reads, as long as there is something
	TICK_MS = 1000,
	MISSED_MS = 10000,
	WORK_MS = 5, // of one read
	BETWEEN_CLOCKS = 64, // records that are read before the clock is looked at
	LEAST_RING_MB = 1,
	MOST_RING_MB = 1024,
};

// Events of processes are always taken, so that it is known who did all the others.
enum { ALWAYS = EVENT_BIT(EVENT_EXEC) | EVENT_BIT(EVENT_FORK) | EVENT_BIT(EVENT_EXIT) };

static bool is_wanted(const struct event_settings *settings, uint32_t kinds)
{
	return kinds != 0 && strcmp(flags_string(settings->flags, "events_source"), "audit") != 0;
}

// ---- telling the kernel ----

static int write_settings(struct bpf_state *state, struct fault *why)
{
	uint32_t first = 0;
	int r = state->library->update(
		state->loaded.maps[BPF_MAP_SETTINGS], &first, &state->settings);

	if (r < 0) {
		errno = -r;
		return fail(why, r, "bpf: the settings cannot be written: %m");
	}
	return 0;
}

// Files are of interest only in watched folders, opens only where they are asked for.
static uint32_t choose_kinds(const struct source *source)
{
	const struct bpf_state *state = source->state;
	uint32_t kinds = source->kinds | ALWAYS;
	bool opens = false;

	for (size_t i = 0; i < state->watches.n; i++)
		opens |= state->watches.list[i].wire.opens;
	if (state->watches.n == 0)
		kinds &= ~(uint32_t) EVENTS_FILE;
	if (!opens)
		kinds &= ~EVENT_BIT(EVENT_OPEN);
	return kinds;
}

static uint32_t kinds_of(const struct call *call)
{
	if (call->wire.enter != WIRE_ENTER_NOTHING)
		return EVENT_BIT(EVENT_WRITE);
	if (call->wire.leave == WIRE_OPENED)
		return EVENT_BIT(EVENT_OPEN) | EVENT_BIT(EVENT_CREATE);
	if (call->wire.kind == EVENT_UNLINK) // unlinkat removes folders too
		return EVENT_BIT(EVENT_UNLINK) | EVENT_BIT(EVENT_RMDIR);
	return EVENT_BIT(call->wire.kind);
}

static int write_call(struct bpf_state *state, int number, const struct wire_call *wire)
{
	uint32_t key = (uint32_t) number;

	return state->library->update(state->loaded.maps[BPF_MAP_CALLS], &key, wire);
}

// Which calls the programs look at; at all others they return at once.
static int write_calls(struct bpf_state *state, struct fault *why)
{
	for (size_t i = 0; i < n_calls_all; i++) {
		const struct call *call = &calls_all[i];
		bool wanted = kinds_of(call) & state->settings.kinds;
		struct wire_call wire = wanted ? call->wire : (struct wire_call){ 0 };
		int r = 0;

		if (call->number >= 0)
			r = write_call(state, call->number, &wire);
		if (r == 0 && call->compat >= 0)
			r = write_call(state, call->compat + WIRE_COMPAT, &wire);
		if (r < 0) {
			errno = -r;
			return fail(why, r, "bpf: the calls cannot be written: %m");
		}
	}
	return 0;
}

static int configure(struct source *source, struct fault *why)
{
	struct bpf_state *state = source->state;
	int r = bpf_watches_set(&state->watches, source->settings->rules, &state->settings, why);

	if (r < 0)
		return r;
	bpf_paths_forget(&state->paths);
	state->settings.kinds = choose_kinds(source);
	r = write_settings(state, why);
	if (r == 0)
		r = write_calls(state, why);
	if (r < 0)
		return r;
	bpf_watches_finish(&state->watches, &state->settings);
	return write_settings(state, why);
}

// ---- opening ----

static void number_calls(struct bpf_state *state)
{
	for (size_t i = 0; i < n_calls_all; i++) {
		if (calls_all[i].number >= 0)
			state->calls[calls_all[i].number] = &calls_all[i];
		if (calls_all[i].compat >= 0)
			state->calls[calls_all[i].compat + WIRE_COMPAT] = &calls_all[i];
	}
}

// The bytes that the flag asks for, as a power of two.
static uint32_t choose_ring_bytes(const struct flags *flags)
{
	int64_t wanted_mb = flags_integer(flags, "events_ring_mb");
	uint32_t ring_mb = LEAST_RING_MB;

	while (ring_mb < wanted_mb && ring_mb < MOST_RING_MB)
		ring_mb *= 2;
	return ring_mb << 20;
}

// A new ring has another one; also after the next boot.
static int identify(struct bpf_state *state, uint32_t *ring_bytes, struct fault *why)
{
	char boot[40] = ""; // "" is as good where it cannot be told
	uint32_t id;
	int r = state->library->ask(state->loaded.maps[BPF_MAP_RING], &id, ring_bytes);

	if (r < 0) {
		errno = -r;
		return fail(why, r, "bpf: the ring says nothing of itself: %m");
	}
	(void) read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
	boot[strcspn(boot, "\n")] = '\0';
	(void) snprintf(state->identity, sizeof(state->identity), "%s:%u", boot, id);
	return 0;
}

// Reads "IDENTITY POSITION LOSSES", as read_source writes it.
static void continue_at(struct bpf_state *state, const char *position)
{
	size_t length = strlen(state->identity);
	uint64_t at, counted;

	if (strncmp(position, state->identity, length) != 0 ||
		sscanf(position + length, " %" SCNu64 " %" SCNu64, &at, &counted) != 2)
		return;
	bpf_ring_seek(&state->ring, at);
	state->counted = counted;
}

// The folder of the pins, or none with the reason.
static void prepare_pins(struct source *source, struct fault *why)
{
	const char *store_folder = source->settings->store_folder;
	struct bpf_state *state = source->state;
	bool mounted = false;

	state->pins[0] = '\0';
	if (!store_folder)
		return;
	if (bpf_pin_prepare(store_folder, state->library->version(), state->pins, &mounted, why) <
		0)
		state->pins[0] = '\0';
	if (mounted)
		log_info("bpf: mounted the file system for pins at /sys/fs/bpf");
}

// The ring of the collector before us, if it left one, else a new one.
static int load(struct source *source, bool *continued, struct fault *refused, struct fault *why)
{
	struct bpf_state *state = source->state;
	struct fault no_pins = { 0 };
	int r;

	prepare_pins(source, &no_pins);
	*continued = state->pins[0] &&
		state->library->reopen(&state->loaded, state->pins, NULL) == 0;
	if (*continued)
		return 0;
	r = state->library->load(
		&state->loaded, choose_ring_bytes(source->settings->flags), refused, why);
	if (r == 0 && state->pins[0] &&
		state->library->pin(&state->loaded, state->pins, &no_pins) < 0) {
		// there is half of a set that somebody left
		bpf_pin_remove(state->pins);
		prepare_pins(source, &no_pins);
		if (state->pins[0] &&
			state->library->pin(&state->loaded, state->pins, &no_pins) < 0) {
			bpf_pin_remove(state->pins);
			state->pins[0] = '\0';
		}
	}
	if (r == 0 && source->settings->store_folder && !state->pins[0])
		log_warning("bpf: without pins, what happens while nobody reads is lost: %s",
			no_pins.text);
	return r;
}

static void lose_kinds(struct source *source)
{
	const struct bpf_state *state = source->state;
	const uint32_t lost[N_BPF_LINKS] = {
		[BPF_LINK_ENTER] = EVENT_BIT(EVENT_WRITE),
		[BPF_LINK_LEAVE] = (EVENTS_FILE & ~EVENT_BIT(EVENT_WRITE)) | EVENTS_SOCKET |
			EVENT_BIT(EVENT_KILL),
		[BPF_LINK_EXEC] = EVENT_BIT(EVENT_EXEC),
		[BPF_LINK_FORK] = EVENT_BIT(EVENT_FORK),
		[BPF_LINK_EXIT] = EVENT_BIT(EVENT_EXIT),
	};

	for (size_t i = 0; i < N_BPF_LINKS; i++)
		if (state->loaded.links[i] < 0)
			source->kinds &= ~lost[i];
}

static void choose_settings(struct bpf_state *state, uint64_t ring_bytes)
{
	struct wire_settings *settings = &state->settings;

	for (unsigned kind = 0; kind < WIRE_COUNTERS; kind++) {
		uint32_t bit = EVENT_BIT(kind);

		settings->most[kind] = UINT64_MAX;
		if (bit == EVENT_BIT(EVENT_OPEN))
			settings->most[kind] = ring_bytes / 2;
		else if (bit & EVENTS_FILE)
			settings->most[kind] = ring_bytes / 4 * 3;
		else if (bit & (EVENTS_SOCKET | EVENT_BIT(EVENT_KILL)))
			settings->most[kind] = ring_bytes / 8 * 7;
	}
	settings->wake_bytes = ring_bytes / 8;
}

// Who we are for the programs, and where our root is.
static int introduce(struct bpf_state *state, struct fault *why)
{
	auto_close int fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct stat mounts;

	if (fd < 0 || bpf_watches_locate(&state->watches, fd) < 0)
		return fail(why, -EIO, "bpf: the programs cannot find the root folder");
	state->settings.self = state->watches.answer.self;
	if (state->settings.self == 0)
		state->settings.self = (uint32_t) getpid();
	state->settings.root = state->watches.answer.key;
	if (stat("/proc/self/ns/mnt", &mounts) == 0)
		state->settings.mounts = (uint32_t) mounts.st_ino;
	return 0;
}

static int watch_descriptors(struct source *source, struct fault *why)
{
	struct bpf_state *state = source->state;
	// The ring is readable until what was read is stored: tell only when there is more.
	struct epoll_event ring = { .events = EPOLLIN | EPOLLET, .data.fd = -1 };
	struct epoll_event mounts = { .events = EPOLLPRI | EPOLLET, .data.fd = 0 };

	source->fd = epoll_create1(EPOLL_CLOEXEC);
	if (source->fd < 0 ||
		epoll_ctl(source->fd, EPOLL_CTL_ADD, state->loaded.maps[BPF_MAP_RING], &ring) < 0)
		return fail(why, -errno, "bpf: the ring cannot be waited for: %m");
	state->mounts = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (state->mounts >= 0)
		(void) epoll_ctl(source->fd, EPOLL_CTL_ADD, state->mounts, &mounts);
	return 0;
}

static void describe(
	struct source *source, uint32_t ring_bytes, bool continued, const struct fault *refused)
{
	const struct bpf_state *state = source->state;
	struct utsname kernel = { 0 };

	(void) uname(&kernel);
	(void) snprintf(source->choice, sizeof(source->choice),
		"kernel programs on tracepoints of Linux %.30s, ring of %u MB%s%s%.80s%s%.50s",
		kernel.release, ring_bytes >> 20, continued ? ", continued" : "",
		state->pins[0] ? ", pinned in " : ", not pinned", state->pins,
		refused->code < 0 ? "; refused: " : "", refused->text);
}

static void close_source(struct source *source, bool keep);

static int open_loaded(struct source *source, const char *position, struct fault *why)
{
	struct bpf_state *state = source->state;
	uint32_t ring_bytes;
	int r = identify(state, &ring_bytes, why);

	if (r == 0)
		r = bpf_ring_open(&state->ring, state->loaded.maps[BPF_MAP_RING], ring_bytes, why);
	if (r < 0)
		return r;
	continue_at(state, position);
	state->watches.library = state->library;
	state->watches.loaded = &state->loaded;
	bpf_paths_open(&state->paths, &state->watches);
	number_calls(state);
	state->counters = must_alloc(
		(size_t) state->library->processors() * sizeof(*state->counters));
	lose_kinds(source);
	choose_settings(state, ring_bytes);
	r = introduce(state, why);
	if (r == 0)
		r = configure(source, why);
	if (r == 0)
		r = watch_descriptors(source, why);
	return r;
}

static int open_source(struct source *source, const char *position, struct fault *why)
{
	struct bpf_state *state = source->state;
	struct fault refused = { 0 };
	bool continued;
	int r;

	source->fd = -1;
	source->period_ms = PERIOD_MS;
	state->mounts = -1;
	memset(&state->loaded, 0xff, sizeof(state->loaded));
	if (geteuid() != 0)
		return fail(why, -EPERM, "bpf: only root may load kernel programs");
	if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
		return fail(why, -ENOTSUP, "bpf: the kernel does not tell its types (BTF)");
	state->library = module_open("bpf", why);
	if (!state->library)
		return -ENOENT;
	r = load(source, &continued, &refused, why);
	if (r == 0)
		r = open_loaded(source, position, why);
	if (r < 0) {
		close_source(source, false);
		return r;
	}
	describe(source, state->ring.size_bytes & UINT32_MAX, continued, &refused);
	return 0;
}

// ---- reading ----

static int64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	(void) clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

// How often programs were not run; this asks for each of them, and seldom changes.
static uint64_t count_missed(struct bpf_state *state)
{
	uint64_t missed = 0;

	for (size_t i = 0; i < N_BPF_LINKS; i++)
		if (state->loaded.links[i] >= 0)
			missed += state->library->missed(state->loaded.links[i]);
	return missed;
}

// What the kernel had no room for.
static uint64_t count_losses(struct bpf_state *state)
{
	size_t processors = (size_t) state->library->processors();
	uint32_t first = 0;
	uint64_t losses = 0;

	if (state->library->lookup(state->loaded.maps[BPF_MAP_COUNTERS], &first, state->counters) <
		0)
		return 0;
	for (size_t i = 0; i < processors; i++)
		for (size_t kind = 0; kind < WIRE_COUNTERS; kind++)
			losses += state->counters[i].refused[kind];
	return losses;
}

static void tick(struct source *source, int64_t now_ms)
{
	struct bpf_state *state = source->state;
	uint64_t losses;

	state->now_ms = now_ms;
	if (state->ticked_ms != 0 && now_ms - state->ticked_ms < TICK_MS)
		return;
	state->ticked_ms = now_ms;
	state->offset_ns = clock_ns(CLOCK_REALTIME) - clock_ns(CLOCK_BOOTTIME);
	if (state->looked_ms == 0 || now_ms - state->looked_ms >= MISSED_MS) {
		state->looked_ms = now_ms;
		state->missed = count_missed(state);
	}
	losses = count_losses(state) + state->missed;
	if (losses > state->counted) {
		source->counts.dropped_kernel += losses - state->counted;
		state->counted = losses;
	}
}

// Looks why we were woken; that the ring has something is known anyway.
static int take_wakeups(struct source *source, struct fault *why)
{
	struct epoll_event events[2];
	int n = epoll_wait(source->fd, events, 2, 0);

	for (int i = 0; i < n; i++)
		if (events[i].data.fd == 0)
			return configure(source, why);
	return 0;
}

static int read_records(struct source *source, int64_t deadline_ms, struct fault *why)
{
	struct bpf_state *state = source->state;
	struct wire_view view;
	const void *bytes;
	size_t length;

	for (unsigned n = 1;; n++) {
		int r = bpf_ring_next(&state->ring, &bytes, &length);

		if (r < 0) {
			source->counts.dropped_kernel++;
			return fail(why, r, "bpf: the ring holds what is no record");
		}
		if (r == 0)
			return 0;
		if (wire_decode(&view, bytes, length) == 0)
			bpf_give(source, &view);
		else
			source->counts.dropped_queue++;
		if (n % BETWEEN_CLOCKS == 0 && clock_ms() >= deadline_ms)
			return 1;
	}
}

// When to look again. As long as records come they are read by the handful, and wake nobody because
// the last of them stays in the ring. When no more come the ring is left empty, and the next record
// wakes us; but first we look once more what was lost meanwhile.
static int choose_period_ms(struct bpf_state *state, bool busy)
{
	if (busy)
		state->busy_ms = state->now_ms;
	if (busy || state->held || !bpf_ring_release(&state->ring))
		return PERIOD_MS;
	if (state->ticked_ms > state->busy_ms)
		return 0;
	return (int) (state->ticked_ms + TICK_MS - state->now_ms);
}

static int read_source(struct source *source, struct fault *why)
{
	struct bpf_state *state = source->state;
	int64_t now_ms = clock_ms();
	uint64_t before;
	int r;

	tick(source, now_ms);
	r = take_wakeups(source, why);
	if (r < 0)
		return r;
	before = state->ring.position;
	r = read_records(source, now_ms + WORK_MS, why);
	state->held |= state->ring.position != before;
	source->period_ms = choose_period_ms(state, r != 0 || state->ring.position != before);
	source->urgent = bpf_ring_held_bytes(&state->ring) > state->ring.size_bytes / 8;
	(void) snprintf(source->position, sizeof(source->position), "%s %" PRIu64 " %" PRIu64,
		state->identity, state->ring.position, state->counted);
	return r;
}

static void stored(struct source *source)
{
	struct bpf_state *state = source->state;

	bpf_ring_release_most(&state->ring);
	state->held = false;
}

static void close_source(struct source *source, bool keep)
{
	struct bpf_state *state = source->state;

	bpf_paths_done(&state->paths);
	bpf_watches_done(&state->watches);
	bpf_ring_close(&state->ring);
	free(state->counters);
	state->counters = NULL;
	if (state->mounts >= 0)
		(void) close(state->mounts);
	state->mounts = -1;
	if (source->fd >= 0)
		(void) close(source->fd);
	source->fd = -1;
	if (state->library)
		state->library->close(&state->loaded);
	if (!keep && state->pins[0])
		bpf_pin_remove(state->pins);
}

static void forget(const struct event_settings *settings)
{
	if (settings->store_folder)
		bpf_pin_forget(settings->store_folder);
}

const struct event_source event_source_bpf = {
	.name = "bpf",
	.about = "Kernel programs of our own on system calls and processes.",
	.order = 10,
	.kinds = EVENTS_PROCESS | EVENTS_FILE | EVENTS_SOCKET,
	.state_bytes = sizeof(struct bpf_state),
	.is_wanted = is_wanted,
	.open = open_source,
	.configure = configure,
	.read = read_source,
	.stored = stored,
	.forget = forget,
	.close = close_source,
};
