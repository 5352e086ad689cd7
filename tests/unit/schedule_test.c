// SPDX-License-Identifier: Apache-2.0
// When queries are due, what is remembered of that, decorations.
#include "schedule/schedule.h"

#include "base/log.h"
#include "schedule/decorate.h"
#include "test.h"

static const struct table *const no_tables[] = { NULL };

enum { START_S = 1700000000, DAY_S = 86400 };

static const struct schedule_settings steady = { .splay_percent = 101, .pack_refresh_s = 60 };

// One pack with these queries.
static struct config pack_of(
	struct config_pack *pack, const struct config_query *queries, size_t n, const char *name)
{
	*pack = (struct config_pack){ .name = name,
		.platform = "",
		.version = "",
		.fits = true,
		.queries = queries,
		.n_queries = n };
	return (struct config){ .packs = pack, .n_packs = 1 };
}

#define QUERY(title, seconds)                                                                      \
	{                                                                                          \
		.name = title, .full_name = title, .sql = "SELECT 1", .interval_s = (seconds),     \
		.denylist = true, .startup_priority = INT64_MAX                                    \
	}

static struct store *open_store(void)
{
	struct fault why;

	log_threshold(LOG_ERROR + 1);
	return store_open("", STORE_MEMORY, &why);
}

TEST(a_query_is_due_at_multiples_of_its_interval)
{
	const struct config_query queries[] = { QUERY("a", 60), QUERY("b", 7) };
	struct config_pack pack;
	struct config config = pack_of(&pack, queries, 2, "main");
	struct store *store = open_store();
	struct schedule *schedule = schedule_open(&config, NULL, &steady, store, START_S);
	uint64_t now_s = START_S;
	int n[2] = { 0 };

	for (; now_s < START_S + 600; now_s = schedule_next_s(schedule)) {
		struct scheduled *due;

		while ((due = schedule_due(schedule, now_s))) {
			CHECK(now_s % due->query->interval_s == 0);
			n[due->query->interval_s == 7]++;
		}
	}
	CHECK(n[0] == 10 && (n[1] == 85 || n[1] == 86));
	schedule_close(schedule);
	store_close(store);
}

TEST(what_was_missed_is_run_once)
{
	const struct config_query queries[] = { QUERY("a", 60) };
	struct config_pack pack;
	struct config config = pack_of(&pack, queries, 1, "main");
	struct store *store = open_store();
	struct schedule *schedule = schedule_open(&config, NULL, &steady, store, START_S);

	// the machine slept for three days
	CHECK(schedule_due(schedule, START_S + 3 * DAY_S + 5));
	CHECK(!schedule_due(schedule, START_S + 3 * DAY_S + 5));
	CHECK(schedule_next_s(schedule) == (START_S + 3 * DAY_S + 5) / 60 * 60 + 60);
	schedule_close(schedule);
	store_close(store);
}

TEST(the_splay_stays_within_its_bounds_and_is_remembered)
{
	const struct schedule_settings splayed = { .splay_percent = 10, .pack_refresh_s = 60 };
	const struct config_query queries[] = { QUERY("a", 1000) };
	const struct config_query longer[] = { QUERY("a", 2000) };
	struct config_pack pack;
	struct config config = pack_of(&pack, queries, 1, "main");
	bool differ = false;
	uint64_t first_s = 0;

	for (int i = 0; i < 100; i++) {
		struct store *store = open_store();
		struct schedule *schedule = schedule_open(&config, NULL, &splayed, store, START_S);
		uint64_t splayed_s = schedule_find(schedule, "a")->splayed_s;

		CHECK(splayed_s >= 900 && splayed_s <= 1100);
		differ |= first_s && splayed_s != first_s;
		first_s = splayed_s;
		schedule_close(schedule);
		schedule = schedule_open(&config, NULL, &splayed, store, START_S + 5);
		CHECK(schedule_find(schedule, "a")->splayed_s == splayed_s);
		schedule_close(schedule);

		struct config other = pack_of(&pack, longer, 1, "main");

		schedule = schedule_open(&other, NULL, &splayed, store, START_S);
		CHECK(schedule_find(schedule, "a")->splayed_s >= 1800);
		schedule_close(schedule);
		config = pack_of(&pack, queries, 1, "main");
		store_close(store);
	}
	CHECK(differ);
}

TEST(those_with_a_priority_run_at_the_start_in_its_order)
{
	struct config_query queries[] = { QUERY("a", 60), QUERY("b", 60), QUERY("c", 60) };
	struct config_pack pack;
	struct config config = pack_of(&pack, queries, 3, "main");
	struct store *store = open_store();
	struct schedule *schedule, *after;

	queries[0].startup_priority = 5;
	queries[2].startup_priority = 1;
	schedule = schedule_open(&config, NULL, &steady, store, START_S + 1);
	CHECK_TEXT(schedule_due(schedule, START_S + 1)->query->name, "c");
	CHECK_TEXT(schedule_due(schedule, START_S + 1)->query->name, "a");
	CHECK(!schedule_due(schedule, START_S + 1));
	// a configuration that is loaded anew is no start
	after = schedule_open(&config, schedule, &steady, store, START_S + 10);
	CHECK(!schedule_due(after, START_S + 10));
	schedule_close(after);
	schedule_close(schedule);
	store_close(store);
}

TEST(a_new_configuration_moves_no_query_that_stays)
{
	const struct config_query queries[] = { QUERY("a", 60), QUERY("b", 100) };
	const struct config_query changed[] = { QUERY("a", 60), QUERY("b", 50), QUERY("c", 5) };
	struct config_pack pack, pack_changed;
	struct config config = pack_of(&pack, queries, 2, "main");
	struct config other = pack_of(&pack_changed, changed, 3, "main");
	struct store *store = open_store();
	struct schedule *schedule = schedule_open(&config, NULL, &steady, store, START_S);
	struct schedule *after;
	uint64_t a_s = schedule_find(schedule, "a")->next_s;

	// loaded so late that "a" is overdue: it is not passed over
	after = schedule_open(&other, schedule, &steady, store, a_s + 1);
	CHECK(schedule_find(after, "a")->next_s == a_s);
	CHECK(schedule_find(after, "b")->next_s % 50 == 0 && schedule_find(after, "c"));
	schedule_close(after);
	schedule_close(schedule);
	store_close(store);
}

TEST(two_queries_of_one_name_are_one)
{
	const struct config_query queries[] = { QUERY("a", 60), QUERY("a", 50) };
	struct config_pack pack;
	struct config config = pack_of(&pack, queries, 2, "main");
	struct store *store = open_store();
	struct schedule *schedule = schedule_open(&config, NULL, &steady, store, START_S);
	struct agent agent = { 0 };

	schedule_report(schedule, &agent);
	CHECK(agent.n_queries == 1);
	schedule_close(schedule);
	store_close(store);
}

TEST(what_is_no_longer_scheduled_is_forgotten_a_week_later)
{
	const struct config_query queries[] = { QUERY("a", 60), QUERY("b", 60) };
	struct config_pack pack;
	struct config config = pack_of(&pack, queries, 2, "main");
	struct store *store = open_store();
	struct arena arena = { 0 };
	struct record record;
	struct fault why;

	schedule_close(schedule_open(&config, NULL, &steady, store, START_S));
	CHECK(record_read(store, "a", &record, &arena, &why) == 1);
	record.performance.last_executed = time(NULL) - 592000;
	CHECK(record_write(store, &record, &why) == 0);
	CHECK(record_read(store, "b", &record, &arena, &why) == 1);
	record.performance.last_executed = time(NULL) - 592300;
	CHECK(record_write(store, &record, &why) == 0);
	config.n_packs = 0;
	schedule_close(schedule_open(&config, NULL, &steady, store, START_S));
	CHECK(record_read(store, "a", &record, &arena, &why) == 1);
	CHECK(record_read(store, "b", &record, &arena, &why) == 0);
	arena_done(&arena);
	store_close(store);
}

TEST(sql_that_changed_begins_its_costs_anew)
{
	struct config_query queries[] = { QUERY("a", 60) };
	struct config_pack pack;
	struct config config = pack_of(&pack, queries, 1, "main");
	struct store *store = open_store();
	struct arena arena = { 0 };
	struct schedule *schedule;
	struct record record;
	struct fault why;

	schedule_close(schedule_open(&config, NULL, &steady, store, START_S));
	CHECK(record_read(store, "a", &record, &arena, &why) == 1);
	record.performance.executions = 9;
	CHECK(record_write(store, &record, &why) == 0);
	schedule = schedule_open(&config, NULL, &steady, store, START_S);
	CHECK(schedule_find(schedule, "a")->performance.executions == 9);
	schedule_close(schedule);
	queries[0].sql = "SELECT 2";
	schedule = schedule_open(&config, NULL, &steady, store, START_S);
	CHECK(schedule_find(schedule, "a")->performance.executions == 0);
	schedule_close(schedule);
	arena_done(&arena);
	store_close(store);
}

TEST(a_denial_lasts_a_day_whatever_the_clock_does)
{
	const struct config_query query = QUERY("a", 60), kept = { .denylist = false };
	struct scheduled scheduled = { .query = &query };

	schedule_deny(&scheduled, START_S, "too much");
	CHECK(schedule_is_denied(&scheduled, START_S));
	CHECK(schedule_is_denied(&scheduled, START_S + DAY_S - 1));
	CHECK(!schedule_is_denied(&scheduled, START_S + DAY_S) && !scheduled.denied_why);
	// the clock was set back by a year: not a year and a day
	schedule_deny(&scheduled, START_S, "too much");
	CHECK(schedule_is_denied(&scheduled, START_S - 365 * DAY_S));
	CHECK(!schedule_is_denied(&scheduled, START_S - 364 * DAY_S + 1));
	// and none for a query that may not be denied
	schedule_deny(&scheduled, START_S, "too much");
	scheduled.query = &kept;
	CHECK(!schedule_is_denied(&scheduled, START_S));
}

// ---- decorations ----

static void check_decorations(struct decorations *decorations, const char *expected)
{
	struct text text = { 0 };
	size_t n;
	const struct decoration *list = decorations_list(decorations, &n);

	text_add_string(&text, "");
	for (size_t i = 0; i < n; i++)
		text_printf(&text, "%s=%s ", list[i].name, list[i].value);
	CHECK_TEXT(text.bytes, expected);
	text_done(&text);
}

TEST(decorators_run_in_their_time_and_later_sources_win)
{
	const struct config_decorator list[] = {
		{ "a.conf", DECORATE_LOAD, 0, "SELECT 'load' AS x, 'load' AS y" },
		{ "a.conf", DECORATE_INTERVAL, 60, "SELECT 'minute' AS z" },
		{ "a.conf", DECORATE_INTERVAL, 120, "SELECT 'two' AS w UNION ALL SELECT 'more'" },
		{ "b.conf", DECORATE_ALWAYS, 0, "SELECT 'always' AS x, NULL AS a" },
		{ "b.conf", DECORATE_ALWAYS, 0, "SELECT wrong FROM nowhere" },
		{ "b.conf", DECORATE_ALWAYS, 0, "SELECT 1 WHERE 0" },
	};
	const struct config config = { .decorators = list, .n_decorators = 6 };
	struct agent agent = { .tables = no_tables };
	struct flags flags = { 0 };
	struct host host;
	struct fault why;
	struct decorations *decorations;
	struct sql *sql;

	log_threshold(LOG_ERROR + 1);
	CHECK(host_open(&host, &flags, &agent, &why) == 0);
	sql = sql_open(&host, &why);
	decorations = decorations_open(&config);
	check_decorations(decorations, "");
	decorations_run(decorations, sql, DECORATE_LOAD);
	check_decorations(decorations, "x=load y=load ");
	decorations_run_due(decorations, sql, 59, 60);
	check_decorations(decorations, "x=load y=load z=minute ");
	decorations_run_due(decorations, sql, 60, 130);
	decorations_run(decorations, sql, DECORATE_ALWAYS);
	check_decorations(decorations, "a= w=two x=always y=load z=minute ");
	decorations_close(decorations);
	sql_close(sql);
	host_close(&host);
}
