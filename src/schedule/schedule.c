// SPDX-License-Identifier: Apache-2.0
#include "schedule/schedule.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/log.h"

enum {
	DENIED_S = 86400,
	FORGOTTEN_S = 592200, // after the last run of a query that is no longer scheduled
	SPLAY_DEFAULT_PERCENT = 10,
};

struct schedule {
	struct schedule_settings settings;
	struct scheduled_pack *packs;
	size_t n_packs;
	struct scheduled *queries;
	size_t n_queries;
	struct query_report *query_reports; // by name
	struct pack_report *pack_reports;
};

// ---- times ----

static uint64_t random_below(uint64_t limit)
{
	uint64_t number = 0;

	if (getrandom(&number, sizeof(number), GRND_NONBLOCK) != sizeof(number))
		number = (uint64_t) time(NULL);
	return number % limit;
}

static uint64_t splay(uint64_t interval_s, uint64_t percent)
{
	uint64_t distance, least;

	if (percent <= 1)
		percent = SPLAY_DEFAULT_PERCENT;
	if (percent > 100)
		return interval_s;
	distance = interval_s * percent / 100;
	least = interval_s > distance ? interval_s - distance : 1;
	return least + random_below(interval_s + distance - least + 1);
}

static uint64_t multiple_after(uint64_t now_s, uint64_t interval_s)
{
	return (now_s / interval_s + 1) * interval_s;
}

// ---- opening ----

// Takes over what is known of a query, or makes it known. The times of running ones go on.
static int plan(struct schedule *schedule, struct scheduled *scheduled,
	const struct schedule *before, struct store *store, uint64_t now_s, struct fault *why)
{
	const struct config_query *query = scheduled->query;
	const struct scheduled *earlier = before ? schedule_find(before, query->full_name) : NULL;
	struct arena arena = { 0 };
	struct record record;
	int r = record_read(store, query->full_name, &record, &arena, why);
	bool same_interval = record.interval_s == query->interval_s && record.splayed_s > 0 &&
		record.splayed_s <= 2 * query->interval_s;
	bool same_sql = record.sql && strcmp(record.sql, query->sql) == 0;

	if (!same_interval)
		record.splayed_s = splay(query->interval_s, schedule->settings.splay_percent);
	if (!same_sql)
		record.performance = (struct performance){ 0 };
	scheduled->splayed_s = record.splayed_s;
	scheduled->performance = record.performance;
	scheduled->denied_until = record.denied_until;
	scheduled->denied_why = record.denied_why ? must_dup(record.denied_why) : NULL;
	scheduled->next_s = multiple_after(now_s, scheduled->splayed_s);
	if (earlier && earlier->splayed_s == scheduled->splayed_s)
		scheduled->next_s = earlier->next_s;
	else if (!before && query->startup_priority != INT64_MAX)
		scheduled->next_s = now_s;

	if (r >= 0 && !(same_interval && same_sql)) {
		record.name = query->full_name;
		record.sql = query->sql;
		record.interval_s = query->interval_s;
		r = record_write(store, &record, why);
	}
	arena_done(&arena);
	return r;
}

static int forget_others(const struct schedule *schedule, struct store *store, struct fault *why)
{
	struct arena arena = { 0 };
	int64_t now = time(NULL);
	struct record *records;
	size_t n;
	int r = record_list(store, &records, &n, &arena, why);

	for (size_t i = 0; r >= 0 && i < n; i++)
		if (!schedule_find(schedule, records[i].name) &&
			records[i].performance.last_executed < now - FORGOTTEN_S)
			r = record_remove(store, &records[i], why);
	arena_done(&arena);
	return r;
}

static int plan_all(struct schedule *schedule, const struct schedule *before, struct store *store,
	uint64_t now_s, struct fault *why)
{
	int r = store_begin(store, why);

	for (size_t i = 0; i < schedule->n_queries; i++) {
		// also when the store fails: the query runs all the same
		int q = plan(schedule, &schedule->queries[i], before, store, now_s, why);

		r = r < 0 ? r : q;
	}
	if (r >= 0)
		r = forget_others(schedule, store, why);
	return store_end(store, r, why);
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct scheduled *) a)->query->full_name,
		((const struct scheduled *) b)->query->full_name);
}

// "a_b" in pack "c" and "b" in pack "c_a" would share a name, and so what is remembered of them.
static void drop_doubles(struct schedule *schedule)
{
	size_t kept = 0;

	for (size_t i = 0; i < schedule->n_queries; i++) {
		const struct scheduled *scheduled = &schedule->queries[i];

		if (kept > 0 && compare(&schedule->queries[kept - 1], scheduled) == 0)
			log_warning(
				"schedule: two queries are named %s; that of pack %s is left out",
				scheduled->query->full_name, scheduled->pack->config->name);
		else
			schedule->queries[kept++] = *scheduled;
	}
	schedule->n_queries = kept;
}

static void list_queries(struct schedule *schedule, const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_packs; i++)
		n += config->packs[i].n_queries;
	schedule->queries = must_alloc((n + 1) * sizeof(*schedule->queries));
	schedule->query_reports = must_alloc((n + 1) * sizeof(*schedule->query_reports));
	for (size_t i = 0; i < config->n_packs; i++) {
		const struct config_pack *pack = &config->packs[i];

		schedule->packs[i] = (struct scheduled_pack){ .config = pack };
		for (size_t j = 0; pack->fits && j < pack->n_queries; j++)
			schedule->queries[schedule->n_queries++] = (struct scheduled){
				.query = &pack->queries[j],
				.pack = &schedule->packs[i],
			};
	}
	qsort(schedule->queries, schedule->n_queries, sizeof(*schedule->queries), compare);
	drop_doubles(schedule);
}

struct schedule *schedule_open(const struct config *config, const struct schedule *before,
	const struct schedule_settings *settings, struct store *store, uint64_t now_s)
{
	struct schedule *schedule = must_alloc(sizeof(*schedule));
	struct fault why;

	*schedule = (struct schedule){ .settings = *settings, .n_packs = config->n_packs };
	schedule->packs = must_alloc((config->n_packs + 1) * sizeof(*schedule->packs));
	schedule->pack_reports = must_alloc(
		(config->n_packs + 1) * sizeof(*schedule->pack_reports));
	list_queries(schedule, config);
	if (plan_all(schedule, before, store, now_s, &why) < 0)
		log_error("schedule: %s", why.text);
	return schedule;
}

void schedule_close(struct schedule *schedule)
{
	if (!schedule)
		return;
	for (size_t i = 0; i < schedule->n_queries; i++)
		free(schedule->queries[i].denied_why);
	free(schedule->queries);
	free(schedule->packs);
	free(schedule->query_reports);
	free(schedule->pack_reports);
	free(schedule);
}

// ---- what is due ----

// Of two queries, the one that comes first: the one that is due longer, then at the start by
// priority, then by name, in which they are.
static bool is_before(const struct scheduled *a, const struct scheduled *b)
{
	if (a->next_s != b->next_s)
		return a->next_s < b->next_s;
	return a->query->startup_priority < b->query->startup_priority;
}

static struct scheduled *find_first(const struct schedule *schedule)
{
	struct scheduled *first = NULL;

	for (size_t i = 0; i < schedule->n_queries; i++)
		if (!first || is_before(&schedule->queries[i], first))
			first = &schedule->queries[i];
	return first;
}

uint64_t schedule_next_s(const struct schedule *schedule)
{
	const struct scheduled *first = find_first(schedule);

	return first ? first->next_s : UINT64_MAX;
}

struct scheduled *schedule_due(struct schedule *schedule, uint64_t now_s)
{
	struct scheduled *first = find_first(schedule);

	if (!first || first->next_s > now_s)
		return NULL;
	first->next_s = multiple_after(now_s, first->splayed_s);
	return first;
}

struct scheduled *schedule_find(const struct schedule *schedule, const char *name)
{
	const struct config_query query = { .full_name = name };
	const struct scheduled key = { .query = &query };

	return bsearch(
		&key, schedule->queries, schedule->n_queries, sizeof(*schedule->queries), compare);
}

// ---- discovery ----

static bool gives_a_row(struct sql *sql, const char *text, const char *pack)
{
	sqlite3_stmt *statement = NULL;
	struct fault why = { 0 };
	const char *rest;
	int r = sql_prepare(sql, text, &rest, &statement, &why);

	if (r > 0)
		r = sql_step(sql, statement, &why);
	if (r < 0)
		log_warning("pack %s: discovery query: %s: %s", pack, why.text, text);
	(void) sqlite3_finalize(statement);
	return r > 0;
}

bool schedule_is_active(
	struct schedule *schedule, struct scheduled_pack *pack, struct sql *sql, uint64_t now_s)
{
	const char *const *text = pack->config->discovery;

	if (!text || !*text)
		return true;
	if (pack->asked_s && now_s < pack->asked_s + schedule->settings.pack_refresh_s) {
		pack->cache_hits++;
		return pack->active;
	}
	pack->executions++;
	pack->asked_s = now_s;
	pack->active = true;
	for (; pack->active && *text; text++)
		pack->active = gives_a_row(sql, *text, pack->config->name);
	return pack->active;
}

// ---- the denylist ----

static void allow(struct scheduled *scheduled)
{
	scheduled->denied_until = 0;
	free(scheduled->denied_why);
	scheduled->denied_why = NULL;
	scheduled->told = false;
}

bool schedule_is_denied(struct scheduled *scheduled, int64_t now)
{
	if (scheduled->denied_until > now + DENIED_S)
		scheduled->denied_until = now + DENIED_S; // the clock was set back
	if (scheduled->denied_until <= now || !scheduled->query->denylist)
		allow(scheduled);
	return scheduled->denied_until != 0;
}

void schedule_deny(struct scheduled *scheduled, int64_t now, const char *why)
{
	allow(scheduled);
	scheduled->denied_until = now + DENIED_S;
	scheduled->denied_why = must_dup(why);
}

// ---- reports ----

static bool is_pack_active(const struct scheduled_pack *pack)
{
	const char *const *discovery = pack->config->discovery;

	return pack->config->fits && (!discovery || !*discovery || pack->active);
}

void schedule_report(struct schedule *schedule, struct agent *agent)
{
	for (size_t i = 0; i < schedule->n_queries; i++) {
		const struct scheduled *scheduled = &schedule->queries[i];

		schedule->query_reports[i] = (struct query_report){
			.name = scheduled->query->full_name,
			.sql = scheduled->query->sql,
			.interval_s = scheduled->query->interval_s,
			.denied_until = scheduled->denied_until,
			.denied_why = scheduled->denied_why,
			.performance = scheduled->performance,
		};
	}
	for (size_t i = 0; i < schedule->n_packs; i++) {
		const struct scheduled_pack *pack = &schedule->packs[i];

		schedule->pack_reports[i] = (struct pack_report){
			.name = pack->config->name,
			.platform = pack->config->platform,
			.version = pack->config->version,
			.shard = pack->config->shard,
			.cache_hits = pack->cache_hits,
			.executions = pack->executions,
			.active = is_pack_active(pack),
		};
	}
	agent->queries = schedule->query_reports;
	agent->n_queries = schedule->n_queries;
	agent->packs = schedule->pack_reports;
	agent->n_packs = schedule->n_packs;
}
