// SPDX-License-Identifier: Apache-2.0
#include "schedule/execute.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/clock.h"
#include "schedule/differ.h"
#include "store/outbox.h"
#include "store/place.h"

// ---- what it costs ----

struct meter {
	int64_t wall_ms, user_ms, system_ms;
};

static int64_t to_ms(struct timeval time)
{
	return time.tv_sec * 1000LL + time.tv_usec / 1000;
}

static struct meter read_meter(void)
{
	struct rusage usage;

	(void) getrusage(RUSAGE_THREAD, &usage);
	return (struct meter){ clock_ms(), to_ms(usage.ru_utime), to_ms(usage.ru_stime) };
}

static void add_costs(
	struct performance *performance, const struct meter *before, const struct result *result)
{
	struct meter after = read_meter();
	int64_t n = performance->executions;
	int64_t memory_bytes = result->memory_bytes;

	performance->executions++;
	performance->last_executed = time(NULL);
	performance->last_wall_ms = after.wall_ms - before->wall_ms;
	performance->last_user_ms = after.user_ms - before->user_ms;
	performance->last_system_ms = after.system_ms - before->system_ms;
	performance->last_memory_bytes = memory_bytes;
	performance->wall_ms += performance->last_wall_ms;
	performance->user_ms += performance->last_user_ms;
	performance->system_ms += performance->last_system_ms;
	performance->memory_bytes += (memory_bytes - performance->memory_bytes) / (n + 1);
	performance->output_bytes += result->output_bytes;
}

// ---- lines into the outbox ----

// One run, from its rows to what is stored.
struct logging {
	struct executor *executor;
	const struct config_query *query;
	struct line_head head;
	enum channel channel;
	struct line_writer *writer; // NULL before the first row
	const struct row_shape *shape; // of the row before
	enum line_form form;
	bool of_events;
	const struct event_place *places; // up to where event tables were read
	size_t n_places;
	struct fault *why;
};

static int append(void *context, const char *bytes, size_t length, uint64_t n_lines, bool ends)
{
	struct logging *logging = context;

	return outbox_append(logging->executor->store, logging->channel, bytes, length, n_lines,
		ends, logging->why);
}

static void open_lines(struct logging *logging, const struct row_shape *shape)
{
	if (!logging->writer)
		logging->writer = line_open(logging->form, &logging->head, shape, append, logging);
	else if (shape != logging->shape)
		line_reshape(logging->writer, shape);
	logging->shape = shape;
}

static int close_lines(struct logging *logging)
{
	return logging->writer ? line_close(take(logging->writer)) : 0;
}

// ---- differential results ----

static int log_removed(void *context, const struct row_shape *shape, struct row_reader row)
{
	struct logging *logging = context;

	if (!logging->query->removed)
		return 0;
	open_lines(logging, shape);
	return line_row(logging->writer, LINE_REMOVED, row);
}

static int log_added(void *context, const struct row_shape *shape, struct row_reader row)
{
	struct logging *logging = context;

	open_lines(logging, shape);
	return line_row(logging->writer, LINE_ADDED, row);
}

static int log_event(void *context, struct row_reader row)
{
	struct logging *logging = context;

	return line_row(logging->writer, LINE_ADDED, row);
}

static int store_rows(struct store *store, const struct record *record, const struct result *result,
	struct fault *why)
{
	auto_text struct text room = { 0 };
	int r = record_clear_rows(store, record->id, why);

	for (size_t i = 0; r >= 0 && i < spool_n_blocks(result->spool); i++) {
		struct spool_block block;

		r = spool_read(result->spool, i, &block, &room, why);
		if (r >= 0)
			r = record_add_rows(store, record->id, block.bytes, block.length, why);
	}
	return r;
}

// Logs what has changed since the result that `record` remembers, and makes it remember this one.
static int log_difference(struct logging *logging, const struct result *result,
	struct record *record, struct fault *why)
{
	struct executor *executor = logging->executor;
	struct difference difference = { .key = &executor->key,
		.store = executor->store,
		.record = record,
		.result = result,
		.removed = log_removed,
		.added = log_added,
		.context = logging };
	bool first = !record->has_result || record->epoch != executor->settings.epoch;
	struct record old = *record;
	int r;

	if (!first && result_is_same(result, record))
		return 0;
	if (first)
		old.has_result = false;
	difference.record = &old;
	logging->head.counter = first ? 0 : record->counter + 1;
	r = difference_find(&difference, why);
	// the first result is logged as a whole, and a batch of it even if there is nothing in it
	if (r >= 0 && first && logging->form == LINE_BATCH)
		open_lines(logging, &result->shape);
	if (r >= 0)
		r = close_lines(logging);
	if (r < 0)
		return r;

	if (first || difference.n_removed + difference.n_added > 0) {
		record->counter = logging->head.counter;
		r = store_rows(executor->store, record, result, why);
	}
	record->epoch = executor->settings.epoch;
	record->has_result = true;
	record->digest = result->digest;
	record->n_rows = result->n_rows;
	return r;
}

// ---- events ----

// Rows of event tables were all added: each is given once.
static int log_events(struct logging *logging, const struct result *result, struct record *record,
	struct fault *why)
{
	auto_text struct text room = { 0 };
	uint64_t epoch = logging->executor->settings.epoch;
	bool first = !record->has_result || record->epoch != epoch;
	int r = first ? record_clear_rows(logging->executor->store, record->id, why) : 0;

	if (first || result->n_rows > 0)
		record->counter = first ? 1 : record->counter + 1;
	record->epoch = epoch;
	record->has_result = true;
	record->n_rows = 0;
	logging->head.counter = record->counter;
	for (size_t i = 0; r >= 0 && i < spool_n_blocks(result->spool); i++) {
		struct spool_block block;

		open_lines(logging, &result->shape);
		r = spool_read(result->spool, i, &block, &room, why);
		if (r >= 0)
			r = rows_each(block.bytes, block.length, log_event, logging);
	}
	return r < 0 ? r : close_lines(logging);
}

static int write_places(struct logging *logging, struct fault *why)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < logging->n_places; i++) {
		struct place place = {
			.query = logging->query->full_name,
			.table = logging->places[i].table,
			.generation = logging->places[i].generation,
			.id = logging->places[i].id,
		};

		r = place_write(logging->executor->store, &place, why);
	}
	return r;
}

// ---- snapshots ----

static int log_row(void *context, struct row_reader row)
{
	struct logging *logging = context;

	return line_row(logging->writer, LINE_SNAPSHOT_ROW, row);
}

static int log_snapshot(struct logging *logging, const struct result *result, struct fault *why)
{
	auto_text struct text room = { 0 };
	int r = 0;

	if (logging->form == LINE_EVENTS && result->n_rows == 0)
		return 0;
	open_lines(logging, &result->shape);
	for (size_t i = 0; r >= 0 && i < spool_n_blocks(result->spool); i++) {
		struct spool_block block;

		r = spool_read(result->spool, i, &block, &room, why);
		if (r >= 0)
			r = rows_each(block.bytes, block.length, log_row, logging);
	}
	return r < 0 ? r : close_lines(logging);
}

// ---- a run ----

static void begin_logging(struct logging *logging, struct executor *executor,
	const struct execution *execution, struct fault *why)
{
	const struct execution_settings *settings = &executor->settings;
	const struct config_query *query = execution->query;
	bool events = query->snapshot ? settings->snapshot_event_lines : settings->event_lines;

	*logging = (struct logging){
		.executor = executor,
		.query = query,
		.channel = query->snapshot ? CHANNEL_SNAPSHOTS : CHANNEL_RESULTS,
		.form = events         ? LINE_EVENTS
			: query->snapshot ? LINE_SNAPSHOT
					  : LINE_BATCH,
		.why = why,
		.head = {
			.name = query->full_name,
			.host_identifier = settings->host_identifier,
			.unix_time = time(NULL),
			.epoch = settings->epoch,
			.numerics = settings->numerics,
			.decorations = execution->decorations,
			.n_decorations = execution->n_decorations,
			.decorations_top_level = settings->decorations_top_level,
		},
	};
}

// The setting of the store that names the query that runs; after a crash it still does.
static const char executing[] = "executing";

// What is known of the query, with what this run adds to it.
static int read_record(struct executor *executor, const struct execution *execution,
	struct record *record, struct arena *arena, struct fault *why)
{
	const struct config_query *query = execution->query;
	int r = record_read(executor->store, query->full_name, record, arena, why);

	record->name = query->full_name;
	record->sql = query->sql;
	record->interval_s = query->interval_s;
	record->performance = execution->performance;
	return r;
}

// What a run leaves behind: its lines, the state of the query.
static int write_result(struct logging *logging, const struct result *result, struct record *record,
	struct fault *why)
{
	auto_text struct text names = { 0 };
	struct store *store = logging->executor->store;
	int r = record->id ? 0 : record_write(store, record, why); // its rows need the id

	if (r < 0)
		return r;
	if (logging->query->snapshot) {
		r = log_snapshot(logging, result, why);
	} else {
		r = logging->of_events ? log_events(logging, result, record, why)
				       : log_difference(logging, result, record, why);
		result_names(result, &names);
		record->names = names.bytes ? names.bytes : "";
		record->names_length = names.length;
	}
	if (r >= 0)
		r = write_places(logging, why);
	return r < 0 ? r : record_write(store, record, why);
}

// All of it, and that the query has ended, in one transaction.
static int record_run(struct logging *logging, struct execution *execution,
	const struct result *result, struct fault *why)
{
	struct executor *executor = logging->executor;
	struct arena arena = { 0 };
	struct record record;
	int r = store_begin(executor->store, why);

	if (r < 0)
		return r;
	r = read_record(executor, execution, &record, &arena, why);
	execution->first = r >= 0 && !record.has_result && !execution->query->snapshot;
	if (r >= 0)
		r = write_result(logging, result, &record, why);
	if (r >= 0)
		r = store_set(executor->store, executing, NULL, why);
	r = store_end(executor->store, r, why);
	line_cancel(take(logging->writer));
	arena_done(&arena);
	return r;
}

static enum execution_end end_of(int code)
{
	switch (code) {
	case -ECANCELED:
		return EXECUTION_CANCELLED;
	case -EDQUOT:
		return EXECUTION_OVER_LIMIT;
	default:
		return EXECUTION_ERROR;
	}
}

// From here on event tables give the query what it has not read yet.
static void begin_events(struct executor *executor, const struct execution *execution)
{
	struct arena arena = { 0 };
	struct event_place *given;
	struct place *places;
	struct fault why;
	size_t n;

	if (!executor->events || !executor->settings.events_optimize)
		return;
	if (place_list(executor->store, execution->query->full_name, &places, &n, &arena, &why) < 0)
		n = 0; // it reads them from the start
	given = arena_zero(&arena, (n + 1) * sizeof(*given));
	for (size_t i = 0; i < n; i++)
		given[i] = (struct event_place){ places[i].table, places[i].generation,
			places[i].id };
	event_view_begin(executor->events, given, n);
	arena_done(&arena);
}

static void end_events(struct logging *logging, struct execution *execution)
{
	struct executor *executor = logging->executor;

	if (!executor->events || !executor->settings.events_optimize)
		return;
	logging->n_places = event_view_end(executor->events, &logging->places);
	logging->of_events = event_view_was_read(executor->events);
	execution->of_events = logging->of_events;
}

enum execution_end execute(
	struct executor *executor, struct execution *execution, struct fault *why)
{
	const struct config_query *query = execution->query;
	struct row_rules rules = { executor->settings.null_text, .escape = !query->snapshot };
	struct meter before = read_meter();
	struct logging logging;
	struct result result;
	int r;

	begin_events(executor, execution);
	r = result_gather(&result, executor->sql, query->sql, &rules, &executor->key,
		executor->settings.folder, why);
	begin_logging(&logging, executor, execution, why);
	end_events(&logging, execution);
	add_costs(&execution->performance, &before, &result);
	if (r < 0) {
		result_done(&result);
		return end_of(r);
	}
	r = record_run(&logging, execution, &result, why);
	result_done(&result);
	return r < 0 ? EXECUTION_NOT_STORED : EXECUTION_DONE;
}

int execution_begin(struct executor *executor, const struct config_query *query, struct fault *why)
{
	return store_set(executor->store, executing, query->full_name, why);
}

int execution_fail(struct executor *executor, const struct execution *execution,
	int64_t denied_until, const char *denied_why, struct fault *why)
{
	struct arena arena = { 0 };
	struct record record;
	int r = store_begin(executor->store, why);

	if (r < 0)
		return r;
	r = read_record(executor, execution, &record, &arena, why);
	record.denied_until = denied_until;
	record.denied_why = denied_why;
	if (r >= 0)
		r = record_write(executor->store, &record, why);
	if (r >= 0)
		r = store_set(executor->store, executing, NULL, why);
	r = store_end(executor->store, r, why);
	arena_done(&arena);
	return r;
}

char *execution_unfinished(struct store *store)
{
	return store_setting(store, executing);
}
