// SPDX-License-Identifier: Apache-2.0
// The loop around sources, tables and store.
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "events/events.h"
#include "events/recorded.h"

enum {
	COMMIT_MS = 150, // from an event to its row being stored
	COMMIT_BYTES = 1 << 20, // of rows that wait, or sooner
	COUNTS_MS = 1000, // counts that have changed without a row are stored
	EXPIRE_MS = 10000,
	LOSS_MS = 60000, // between two lines about losses
	RESOLVE_MS = 100, // between two looks at the folders that are watched
	FIRST_RETRY_MS = 500,
	MOST_RETRY_MS = 60000,
	SLICE_MS = 20, // of reading, before something else has its turn
	SOURCES = 16,
};

struct active {
	struct source source;
	bool open;
	bool more; // waits to be read
	int64_t read_due_ms; // for sources with a period
	int64_t retry_ms; // when it is opened again, 0: never
	int64_t delay_ms;
	uint64_t told_losses;
};

struct listener {
	const struct event_listener *told;
	struct event_writer *writer;
	uint32_t kinds; // that it wants
	uint64_t told_losses;
};

struct collector {
	struct collector_settings settings;
	struct event_settings for_sources;
	struct event_table_context for_tables;
	struct rules *rules;
	struct processes *processes;
	struct active sources[SOURCES];
	size_t n_sources;
	struct listener *listeners;
	size_t n_listeners;
	uint32_t wanted; // kinds, by all tables
	struct event_category *categories; // of the first path of a rename
	int epoll;
	int64_t commit_due_ms; // 0: nothing waits
	int64_t counts_due_ms, expire_due_ms, loss_due_ms;
	int64_t resolve_due_ms; // 0: the watches are what they should be
	int64_t resolved_ms; // when they were last looked at
	FILE *record; // of all events, NULL: none is kept
	struct text line;
	bool urgent; // a source wants what it gave to be stored
	bool stored; // something, since that was asked
	bool full; // the store has no room, and it was said
	uint64_t given; // events, ever
	uint64_t committed; // of them
};

const char *event_kind_name(enum event_kind kind)
{
	static const char *const names[N_EVENT_KINDS] = {
		[EVENT_EXEC] = "exec",
		[EVENT_FORK] = "fork",
		[EVENT_EXIT] = "exit",
		[EVENT_KILL] = "kill",
		[EVENT_OPEN] = "open",
		[EVENT_CREATE] = "create",
		[EVENT_WRITE] = "write",
		[EVENT_TRUNCATE] = "truncate",
		[EVENT_RENAME] = "rename",
		[EVENT_UNLINK] = "unlink",
		[EVENT_LINK] = "link",
		[EVENT_SYMLINK] = "symlink",
		[EVENT_MKDIR] = "mkdir",
		[EVENT_RMDIR] = "rmdir",
		[EVENT_ATTRIBUTES] = "attributes",
		[EVENT_CONNECT] = "connect",
		[EVENT_ACCEPT] = "accept",
		[EVENT_BIND] = "bind",
		[EVENT_LISTEN] = "listen",
		[EVENT_USER] = "user",
		[EVENT_SELINUX] = "selinux",
		[EVENT_APPARMOR] = "apparmor",
		[EVENT_SECCOMP] = "seccomp",
		[EVENT_DEVICE] = "device",
		[EVENT_SYSLOG] = "syslog",
	};

	return (unsigned) kind < N_EVENT_KINDS ? names[kind] : "?";
}

// ---- an event on its way to the tables ----

// A folder that comes, goes or moves may be one of those that are watched, or above one.
static void note_folder(struct collector *collector, const struct event *event)
{
	const uint32_t moves = EVENT_BIT(EVENT_MKDIR) | EVENT_BIT(EVENT_RMDIR) |
		EVENT_BIT(EVENT_RENAME) | EVENT_BIT(EVENT_SYMLINK);

	if (!(moves & EVENT_BIT(event->kind)) || collector->resolve_due_ms)
		return;
	if (rules_concern(collector->rules, event->file.path) ||
		(event->file.new_path && rules_concern(collector->rules, event->file.new_path)))
		collector->resolve_due_ms = clock_ms() - collector->resolved_ms >= RESOLVE_MS
			? clock_ms()
			: collector->resolved_ms + RESOLVE_MS;
}

// Whether the configuration has a pattern for the file.
static bool find_categories(struct collector *collector, struct event *event)
{
	struct event_file *file = &event->file;

	note_folder(collector, event);
	file->categories = rules_match(
		collector->rules, event->kind, file->path, &file->n_categories);
	file->n_new_categories = 0;
	if (file->new_path) {
		memcpy(collector->categories, file->categories,
			file->n_categories * sizeof(*file->categories));
		file->categories = collector->categories;
		file->new_categories = rules_match(
			collector->rules, event->kind, file->new_path, &file->n_new_categories);
	}
	return file->n_categories + file->n_new_categories > 0;
}

static bool is_muted(struct collector *collector, const struct event *event)
{
	return (EVENT_BIT(event->kind) & (EVENTS_FILE | EVENTS_SOCKET)) && event->process &&
		rules_mute_process(collector->rules, event->process->path);
}

// For events_replay.
static void record(struct collector *collector, const struct event *event)
{
	text_clear(&collector->line);
	recorded_add(&collector->line, event);
	(void) fwrite(collector->line.bytes, 1, collector->line.length, collector->record);
}

void source_give(struct source *source, struct event *event)
{
	struct collector *collector = source->collector;
	uint32_t bit = EVENT_BIT(event->kind);
	bool taken = false;

	source->counts.received++;
	collector->given++;
	if (collector->record)
		record(collector, event);
	if ((bit & EVENTS_FILE) && !find_categories(collector, event)) {
		source->counts.filtered++;
		return;
	}
	if (is_muted(collector, event)) {
		source->counts.filtered++;
		return;
	}
	for (size_t i = 0; i < collector->n_listeners; i++) {
		struct listener *listener = &collector->listeners[i];

		if (!(listener->kinds & bit))
			continue;
		listener->told->table->hear(listener->writer, &collector->for_tables, event);
		taken = true;
	}
	source->counts.filtered += !taken;
}

// ---- sources ----

static void add_fd(struct collector *collector, struct active *active)
{
	struct epoll_event event = { .events = EPOLLIN,
		.data.u32 = (uint32_t) (active - collector->sources) };

	if (active->source.fd >= 0 &&
		epoll_ctl(collector->epoll, EPOLL_CTL_ADD, active->source.fd, &event) < 0)
		log_warning("events: %s: %s", active->source.source->name, strerror(errno));
}

static void close_source(struct collector *collector, struct active *active, bool keep)
{
	struct source *source = &active->source;

	if (source->fd >= 0)
		(void) epoll_ctl(collector->epoll, EPOLL_CTL_DEL, source->fd, NULL);
	if (source->state && source->source->close)
		source->source->close(source, keep);
	free(source->state);
	source->state = NULL;
	source->fd = -1;
	active->open = false;
	active->more = false;
}

static int open_source(struct collector *collector, struct active *active, struct fault *why)
{
	struct source *source = &active->source;
	auto_free char *position = event_store_position(
		collector->settings.store, source->source->name);
	int r;

	source->fd = -1;
	source->period_ms = 0;
	source->choice[0] = '\0';
	source->state = must_alloc(source->source->state_bytes + 1);
	memset(source->state, 0, source->source->state_bytes + 1);
	r = source->source->open(source, position ? position : "", why);
	if (r < 0) {
		close_source(collector, active, true);
		return r;
	}
	active->open = true;
	active->more = true; // something may wait since before
	active->retry_ms = 0;
	active->read_due_ms = 0;
	source->opened++;
	add_fd(collector, active);
	log_info("events: %s: %s", source->source->name, source->choice);
	return 0;
}

// After an error of a source that had worked.
static void open_later(struct collector *collector, struct active *active, const struct fault *why)
{
	close_source(collector, active, true);
	active->delay_ms = active->delay_ms == 0 ? FIRST_RETRY_MS : active->delay_ms * 2;
	if (active->delay_ms > MOST_RETRY_MS)
		active->delay_ms = MOST_RETRY_MS;
	active->retry_ms = clock_ms() + active->delay_ms;
	log_warning("events: %s: %s; it is opened again in %" PRId64 " ms",
		active->source.source->name, why->text, active->delay_ms);
}

static void retry_sources(struct collector *collector, int64_t now_ms)
{
	for (size_t i = 0; i < collector->n_sources; i++) {
		struct active *active = &collector->sources[i];
		struct fault why;

		if (active->open || active->retry_ms == 0 || active->retry_ms > now_ms)
			continue;
		if (open_source(collector, active, &why) < 0)
			open_later(collector, active, &why);
	}
}

// Opens, tells or closes a source, now that so many kinds are asked of it.
static void settle_source(struct collector *collector, struct active *active, uint32_t kinds)
{
	const struct event_source *what = active->source.source;
	bool wanted = kinds && what->is_wanted(&collector->for_sources, kinds);
	struct fault why;
	int r = 0;

	if (!wanted) {
		if (active->open)
			close_source(collector, active, false);
		else if (what->forget && active->source.opened == 0)
			what->forget(&collector->for_sources);
		active->source.kinds = 0;
		active->retry_ms = 0;
		(void) snprintf(active->source.choice, sizeof(active->source.choice), "%s",
			kinds ? "off by flags" : "nothing is asked of it");
		return;
	}
	active->source.kinds = kinds;
	if (!active->open)
		r = active->retry_ms ? 0 : open_source(collector, active, &why);
	else if (what->configure)
		r = what->configure(&active->source, &why);
	if (r == 0)
		return;
	if (active->open) {
		open_later(collector, active, &why);
		return;
	}
	log_info("Event publisher not enabled: %s: %s", what->name, why.text);
	(void) snprintf(active->source.choice, sizeof(active->source.choice), "%s", why.text);
	active->source.kinds = 0;
}

// Each kind is asked of the first source that can give it.
static void settle_sources(struct collector *collector)
{
	uint32_t left = collector->wanted;

	for (size_t i = 0; i < collector->n_sources; i++) {
		struct active *active = &collector->sources[i];

		settle_source(collector, active, left & active->source.source->kinds);
		left &= ~active->source.kinds;
	}
	for (int kind = 0; kind < N_EVENT_KINDS; kind++)
		if (left & EVENT_BIT(kind))
			log_verbose("events: nothing here tells of the kind %s",
				event_kind_name((enum event_kind) kind));
}

static void list_sources(struct collector *collector)
{
	for (size_t i = 0; i < n_event_sources_all && i < SOURCES; i++) {
		size_t at = collector->n_sources++;

		for (; at > 0 &&
			collector->sources[at - 1].source.source->order >
				event_sources_all[i]->order;
			at--)
			collector->sources[at] = collector->sources[at - 1];
		collector->sources[at] =
			(struct active){ .source = {
						 .source = event_sources_all[i],
						 .settings = &collector->for_sources,
						 .collector = collector,
						 .fd = -1,
					 } };
	}
}

// ---- tables ----

static void open_listeners(struct collector *collector)
{
	const struct collector_settings *settings = &collector->settings;
	struct fault why;

	free(collector->listeners);
	collector->listeners = must_alloc((settings->n_listeners + 1) * sizeof(struct listener));
	collector->n_listeners = 0;
	collector->wanted = 0;
	for (size_t i = 0; i < settings->n_listeners; i++) {
		const struct event_listener *told = &settings->listeners[i];
		struct event_schema schema = { told->name, told->columns, told->n_columns };
		struct listener listener = {
			.told = told,
			.kinds = told->table->wanted(settings->flags),
		};

		if (listener.kinds)
			listener.writer = event_store_writer(settings->store, &schema, &why);
		if (listener.kinds && !listener.writer) {
			log_error("events: %s: %s", told->name, why.text);
			listener.kinds = 0;
		}
		collector->wanted |= listener.kinds;
		collector->listeners[collector->n_listeners++] = listener;
	}
}

static void open_rules(struct collector *collector)
{
	size_t n_watches;
	struct rules *rules = rules_open(collector->settings.root, collector->settings.rules);

	rules_close(collector->rules);
	collector->rules = rules;
	collector->for_sources.rules = rules;
	free(collector->categories);
	collector->categories = must_alloc(
		(collector->settings.rules->n_file_paths + 1) * sizeof(struct event_category));
	(void) rules_watches(rules, &n_watches);
	if (n_watches == 0)
		collector->wanted &= ~(uint32_t) EVENTS_FILE;
}

static void resolve(struct collector *collector)
{
	collector->resolve_due_ms = 0;
	collector->resolved_ms = clock_ms();
	if (rules_resolve(collector->rules))
		settle_sources(collector);
}

// ---- counts ----

static void fill_source(const struct active *active, struct event_counts *counts)
{
	const struct source *source = &active->source;

	*counts = (struct event_counts){
		.name = source->source->name,
		.publisher = source->source->name,
		.type = "publisher",
		.choice = source->choice,
		.active = active->open,
		.events = (int64_t) source->counts.received,
		.refreshes = source->opened > 0 ? (int64_t) source->opened - 1 : 0,
		.received = source->counts.received,
		.filtered = source->counts.filtered,
		.stored = source->counts.received - source->counts.filtered,
		.dropped_kernel = source->counts.dropped_kernel,
		.dropped_queue = source->counts.dropped_queue,
	};
}

// The source that gives a table most of its kinds.
static const struct active *source_of(const struct collector *collector, uint32_t kinds)
{
	const struct active *best = NULL;
	int most = 0;

	for (size_t i = 0; i < collector->n_sources; i++) {
		const struct active *active = &collector->sources[i];
		int n = __builtin_popcount(active->source.kinds & kinds);

		if (n > most) {
			most = n;
			best = active;
		}
	}
	return best;
}

static void fill_table(const struct collector *collector, const struct listener *listener,
	struct event_counts *counts)
{
	const struct active *active = source_of(collector, listener->kinds);
	uint64_t rows = listener->writer ? event_writer_rows(listener->writer) : 0;

	*counts = (struct event_counts){
		.name = listener->told->name,
		.publisher = active ? active->source.source->name : listener->told->table->source,
		.type = "subscriber",
		.choice = "",
		.active = listener->kinds && active && active->open,
		.subscriptions = __builtin_popcount(listener->kinds),
		.events = (int64_t) rows,
		.received = rows,
		.stored = rows,
	};
	if (listener->writer) {
		counts->dropped_queue = event_writer_dropped(listener->writer);
		counts->stored -= counts->dropped_queue;
		counts->expired_unread = event_writer_expired_unread(listener->writer);
	}
	for (size_t i = 0; i < collector->n_sources; i++)
		if (collector->sources[i].source.kinds & listener->kinds)
			counts->subscriptions++;
}

static size_t fill_counts(const struct collector *collector, struct event_counts **counts)
{
	size_t n = 0;

	*counts = must_alloc((collector->n_sources + collector->n_listeners) * sizeof(**counts));
	for (size_t i = 0; i < collector->n_sources; i++)
		fill_source(&collector->sources[i], &(*counts)[n++]);
	for (size_t i = 0; i < collector->n_listeners; i++)
		fill_table(collector, &collector->listeners[i], &(*counts)[n++]);
	return n;
}

static uint64_t losses(const struct event_counts *counts)
{
	return counts->dropped_kernel + counts->dropped_queue + counts->expired_unread;
}

static void tell_loss(const struct event_counts *counts, uint64_t *told)
{
	if (losses(counts) == *told)
		return;
	log_warning("events: %s: %" PRIu64
		    " were lost in the last minute (since the start: %" PRIu64
		    " dropped by the kernel, %" PRIu64 " dropped by us, %" PRIu64
		    " expired before they were read)",
		counts->name, losses(counts) - *told, counts->dropped_kernel, counts->dropped_queue,
		counts->expired_unread);
	*told = losses(counts);
}

static void tell_losses(struct collector *collector)
{
	auto_free struct event_counts *counts = NULL;

	(void) fill_counts(collector, &counts);
	for (size_t i = 0; i < collector->n_sources; i++)
		tell_loss(&counts[i], &collector->sources[i].told_losses);
	for (size_t i = 0; i < collector->n_listeners; i++)
		tell_loss(&counts[collector->n_sources + i], &collector->listeners[i].told_losses);
}

// ---- storing ----

static void tell_sources(struct collector *collector)
{
	for (size_t i = 0; i < collector->n_sources; i++) {
		struct active *active = &collector->sources[i];

		if (active->open && active->source.source->stored)
			active->source.source->stored(&active->source);
	}
}

static void note_full(struct collector *collector, const struct fault *why)
{
	if (why->code != -ENOSPC || !collector->full)
		log_error("events: %s; rows wait until they can be stored", why->text);
	collector->full = why->code == -ENOSPC;
}

static void commit(struct collector *collector)
{
	struct event_position positions[SOURCES];
	auto_free struct event_counts *counts = NULL;
	size_t n = fill_counts(collector, &counts), n_positions = 0;
	uint64_t given = collector->given;
	struct fault why;

	for (size_t i = 0; i < collector->n_sources; i++)
		if (*collector->sources[i].source.position)
			positions[n_positions++] = (struct event_position){
				collector->sources[i].source.source->name,
				collector->sources[i].source.position,
			};
	collector->commit_due_ms = 0;
	collector->counts_due_ms = clock_ms() + COUNTS_MS;
	if (event_store_commit(collector->settings.store, positions, n_positions, counts, n, &why) <
		0) {
		note_full(collector, &why);
		collector->commit_due_ms = clock_ms() + COUNTS_MS;
		return;
	}
	if (collector->full)
		log_warning("events: there is room again");
	collector->full = false;
	collector->committed = given;
	collector->stored = true;
	collector->urgent = false;
	tell_sources(collector);
}

static void expire(struct collector *collector)
{
	const struct collector_settings *settings = &collector->settings;
	auto_free struct event_limits *limits = must_alloc(
		(settings->n_listeners + 1) * sizeof(*limits));
	uint64_t budget = (uint64_t) flags_integer(settings->flags, "events_budget_mb") << 20;
	struct fault why;

	for (size_t i = 0; i < settings->n_listeners; i++) {
		const struct event_table *table = settings->listeners[i].table;

		limits[i] = (struct event_limits){
			.table = settings->listeners[i].name,
			.expiry_s = flags_integer(settings->flags,
				table->expiry_flag ? table->expiry_flag : "events_expiry"),
			.most_seconds = (uint64_t) flags_integer(
				settings->flags, table->max_flag ? table->max_flag : "events_max"),
		};
	}
	if (event_store_expire(
		    settings->store, limits, settings->n_listeners, budget, time(NULL), &why) < 0)
		log_error("events: %s", why.text);
}

// ---- the loop ----

// 1 when more is waiting.
static int read_source(struct collector *collector, struct active *active, int64_t now_ms)
{
	struct fault why;
	int r = active->source.source->read(&active->source, &why);

	if (r < 0) {
		open_later(collector, active, &why);
		return 0;
	}
	active->delay_ms = 0;
	active->more = r > 0;
	active->read_due_ms = now_ms + active->source.period_ms;
	collector->urgent |= active->source.urgent;
	active->source.urgent = false;
	return r;
}

// Reads what waits, source by source, until there is no more or the time is over.
static void read_sources(struct collector *collector, int64_t began_ms)
{
	bool more = true;

	while (more && !collector->urgent &&
		event_store_pending_bytes(collector->settings.store) < COMMIT_BYTES) {
		int64_t now_ms = clock_ms();

		if (now_ms - began_ms >= SLICE_MS)
			return;
		more = false;
		for (size_t i = 0; i < collector->n_sources; i++) {
			struct active *active = &collector->sources[i];
			bool due = active->source.period_ms && active->read_due_ms <= now_ms;

			if (active->open && (active->more || due))
				more |= read_source(collector, active, now_ms) > 0;
		}
	}
}

static void keep_house(struct collector *collector, int64_t now_ms)
{
	retry_sources(collector, now_ms);
	if (collector->resolve_due_ms && collector->resolve_due_ms <= now_ms)
		resolve(collector);
	if (collector->expire_due_ms <= now_ms) {
		collector->expire_due_ms = now_ms + EXPIRE_MS;
		expire(collector);
	}
	if (collector->loss_due_ms <= now_ms) {
		collector->loss_due_ms = now_ms + LOSS_MS;
		tell_losses(collector);
	}
}

static void store_if_due(struct collector *collector)
{
	int64_t now_ms = clock_ms();
	size_t pending = event_store_pending_bytes(collector->settings.store);

	if (pending > 0 && collector->commit_due_ms == 0)
		collector->commit_due_ms = now_ms + COMMIT_MS;
	if ((pending >= COMMIT_BYTES || (pending > 0 && collector->urgent)) && !collector->full)
		collector->commit_due_ms = now_ms;
	if (collector->commit_due_ms ? collector->commit_due_ms <= now_ms
				     : collector->given != collector->committed &&
				collector->counts_due_ms <= now_ms) {
		commit(collector);
	} else if (pending == 0) {
		collector->urgent = false;
		tell_sources(collector); // there is nothing of them to be stored
	}
}

static int64_t sooner(int64_t a_ms, int64_t b_ms)
{
	return b_ms == 0 || a_ms < b_ms ? a_ms : b_ms;
}

static int wait_ms(const struct collector *collector, int64_t now_ms, int most_ms)
{
	int64_t due_ms = sooner(now_ms + most_ms, collector->commit_due_ms);

	due_ms = sooner(due_ms, collector->resolve_due_ms);
	// counts are stored with the rows that wait, if there are any
	if (collector->commit_due_ms == 0 && collector->given != collector->committed)
		due_ms = sooner(due_ms, collector->counts_due_ms);
	for (size_t i = 0; i < collector->n_sources; i++) {
		const struct active *active = &collector->sources[i];

		if (active->open && active->more)
			return 0;
		if (active->open && active->source.period_ms)
			due_ms = sooner(due_ms, active->read_due_ms);
		if (!active->open)
			due_ms = sooner(due_ms, active->retry_ms);
	}
	return due_ms <= now_ms ? 0 : (int) (due_ms - now_ms);
}

void collector_work(struct collector *collector, int most_ms)
{
	struct epoll_event events[SOURCES];
	int n = epoll_wait(
		collector->epoll, events, SOURCES, wait_ms(collector, clock_ms(), most_ms));
	int64_t now_ms = clock_ms();

	for (int i = 0; i < n; i++)
		if (events[i].data.u32 < collector->n_sources)
			collector->sources[events[i].data.u32].more = true;
	read_sources(collector, now_ms);
	store_if_due(collector);
	keep_house(collector, now_ms);
}

// ---- start and end ----

static void open_record(struct collector *collector)
{
	const char *path = flags_string(collector->settings.flags, "events_record");

	if (!*path || collector->record)
		return;
	collector->record = fopen(path, "ae");
	if (!collector->record)
		log_error("events: %s: %s", path, strerror(errno));
}

static void put_in_force(struct collector *collector, const struct collector_settings *settings)
{
	collector->settings = *settings;
	collector->for_sources.flags = settings->flags;
	collector->for_tables.flags = settings->flags;
	open_record(collector);
	open_listeners(collector);
	open_rules(collector);
	settle_sources(collector);
	collector->settings.rules = NULL; // it was only lent
}

struct collector *collector_open(const struct collector_settings *settings)
{
	struct collector *collector = must_alloc(sizeof(*collector));

	*collector = (struct collector){
		.epoll = epoll_create1(EPOLL_CLOEXEC),
		.processes = processes_open(settings->root),
		.for_sources = { .root = settings->root, .store_folder = settings->store_folder },
		.loss_due_ms = clock_ms() + LOSS_MS,
	};
	collector->for_sources.processes = collector->processes;
	collector->for_tables.processes = collector->processes;
	list_sources(collector);
	put_in_force(collector, settings);
	// those that start from now on are told by the sources
	processes_scan(collector->processes);
	commit(collector); // so that the counts are there
	return collector;
}

bool collector_has_stored(struct collector *collector)
{
	bool stored = collector->stored;

	collector->stored = false;
	return stored;
}

void collector_configure(struct collector *collector, const struct collector_settings *settings)
{
	put_in_force(collector, settings);
}

void collector_close(struct collector *collector, bool keep)
{
	if (!collector)
		return;
	// what waits in the kernel is given up to a moment: it may come without end
	read_sources(collector, clock_ms());
	commit(collector);
	for (size_t i = 0; i < collector->n_sources; i++)
		if (collector->sources[i].open)
			close_source(collector, &collector->sources[i], keep);
	rules_close(collector->rules);
	processes_close(collector->processes);
	free(collector->categories);
	free(collector->listeners);
	text_done(&collector->line);
	if (collector->record)
		(void) fclose(collector->record);
	(void) close(collector->epoll);
	free(collector);
}
