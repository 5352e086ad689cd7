// SPDX-License-Identifier: Apache-2.0
// Runs of queries: what is logged, what is remembered.
#include "schedule/execute.h"

#include <errno.h>
#include <stdint.h>

#include "schedule/differ.h"
#include "store/outbox.h"
#include "test.h"

static const struct table *const no_tables[] = { NULL };

// A query database with one ordinary table, and a store in memory.
struct bench {
	struct flags flags;
	struct agent agent;
	struct host host;
	struct executor executor;
	struct config_query query;
	struct performance performance;
	int64_t read; // of the outbox
};

static void run_sql(struct bench *bench, const char *text)
{
	struct fault why;

	while (*text) {
		sqlite3_stmt *statement;
		int r = sql_prepare(bench->executor.sql, text, &text, &statement, &why);

		CHECK(r >= 0);
		if (r == 0)
			return;
		while ((r = sql_step(bench->executor.sql, statement, &why)) > 0)
			;
		CHECK(r == 0);
		(void) sqlite3_finalize(statement);
	}
}

static void bench_open(struct bench *bench)
{
	struct fault why;

	*bench = (struct bench){
		.agent = { .tables = no_tables },
		.executor.settings = { .host_identifier = "host",
			.null_text = "",
			.event_lines = true },
		.executor.key = { { 1, 2 } },
		.query = { .name = "q",
			.full_name = "q",
			.sql = "SELECT b, a FROM t ORDER BY rowid",
			.interval_s = 60,
			.removed = true },
		.read = 1,
	};
	CHECK(host_open(&bench->host, &bench->flags, &bench->agent, &why) == 0);
	bench->executor.sql = sql_open(&bench->host, &why);
	bench->executor.store = store_open("", STORE_MEMORY, &why);
	run_sql(bench, "CREATE TABLE t (a, b)");
}

static void bench_close(struct bench *bench)
{
	store_close(bench->executor.store);
	sql_close(bench->executor.sql);
	host_close(&bench->host);
	flags_done(&bench->flags);
}

// Takes the lines that were made since the last call; what changes from run to run is cut out.
static void take_lines(struct bench *bench, struct text *lines)
{
	struct outbox_entry entry;
	struct text room = { 0 };
	struct fault why;

	text_clear(lines);
	text_add_string(lines, "");
	while (outbox_read(bench->executor.store, bench->read, &entry, &room, &why) > 0) {
		text_add(lines, entry.bytes, entry.length);
		bench->read = entry.id + 1;
	}
	text_done(&room);
}

static enum execution_end run(struct bench *bench, struct text *lines)
{
	struct execution execution = { .query = &bench->query, .performance = bench->performance };
	struct fault why;
	enum execution_end ended = execute(&bench->executor, &execution, &why);

	bench->performance = execution.performance;
	take_lines(bench, lines);
	return ended;
}

// Whether the lines are so many, and each of these texts is in them, in this order.
static bool has(const struct text *lines, int n, const char *const *texts)
{
	const char *at = lines->bytes;

	for (const char *c = lines->bytes; *c; c++)
		n -= *c == '\n';
	for (; n == 0 && *texts && at; texts++)
		at = strstr(at, *texts);
	return n == 0 && at;
}

#define HAS(lines, n, ...) CHECK(has(lines, n, (const char *const[]){ __VA_ARGS__, NULL }))

TEST(the_first_run_logs_everything_and_later_ones_what_changed)
{
	struct text lines = { 0 };
	struct bench bench;

	bench_open(&bench);
	run_sql(&bench, "INSERT INTO t VALUES (1, 'x'), (2, 'y')");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 2, "\"counter\":0",
		"\"columns\":{\"a\":\"1\",\"b\":\"x\"},\"action\":\"added\"",
		"{\"a\":\"2\",\"b\":\"y\"}");
	CHECK(run(&bench, &lines) == EXECUTION_DONE && lines.length == 0);
	run_sql(&bench, "UPDATE t SET b = 'z' WHERE a = 1");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 2, "\"counter\":1", "{\"a\":\"1\",\"b\":\"x\"},\"action\":\"removed\"",
		"{\"a\":\"1\",\"b\":\"z\"},\"action\":\"added\"");
	// another order is no difference
	bench.query.sql = "SELECT a, b FROM t ORDER BY rowid DESC";
	CHECK(run(&bench, &lines) == EXECUTION_DONE && lines.length == 0);
	run_sql(&bench, "DELETE FROM t");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 2, "\"counter\":2", "removed", "removed");
	CHECK(bench.performance.executions == 5);
	bench_close(&bench);
	text_done(&lines);
}

TEST(a_row_that_is_there_twice_counts_twice)
{
	struct text lines = { 0 };
	struct bench bench;

	bench_open(&bench);
	run_sql(&bench, "INSERT INTO t VALUES (1, 'x'), (1, 'x')");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 2, "added");
	run_sql(&bench, "INSERT INTO t VALUES (1, 'x')");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 1, "added");
	run_sql(&bench, "DELETE FROM t WHERE rowid < 3");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 2, "removed", "removed");
	bench_close(&bench);
	text_done(&lines);
}

TEST(numbers_and_texts_are_different_values)
{
	struct text lines = { 0 };
	struct bench bench;

	bench_open(&bench);
	run_sql(&bench, "INSERT INTO t VALUES (1, 1.5)");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	run_sql(&bench, "UPDATE t SET a = '1'");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 2, "removed", "added");
	bench_close(&bench);
	text_done(&lines);
}

TEST(a_new_epoch_logs_everything_as_added)
{
	struct text lines = { 0 };
	struct bench bench;

	bench_open(&bench);
	run_sql(&bench, "INSERT INTO t VALUES (1, 'x')");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	run_sql(&bench, "INSERT INTO t VALUES (2, 'y')");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 1, "\"epoch\":0,\"counter\":1");
	bench.executor.settings.epoch = 5;
	run_sql(&bench, "DELETE FROM t WHERE a = 1");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 1, "\"epoch\":5,\"counter\":0", "{\"a\":\"2\"", "added");
	bench_close(&bench);
	text_done(&lines);
}

TEST(removed_rows_can_be_left_out_and_still_count)
{
	struct text lines = { 0 };
	struct bench bench;

	bench_open(&bench);
	bench.query.removed = false;
	run_sql(&bench, "INSERT INTO t VALUES (1, 'x')");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	run_sql(&bench, "DELETE FROM t");
	CHECK(run(&bench, &lines) == EXECUTION_DONE && lines.length == 0);
	run_sql(&bench, "INSERT INTO t VALUES (3, 'x')");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 1, "\"counter\":2", "added");
	bench_close(&bench);
	text_done(&lines);
}

TEST(columns_that_change_make_every_row_another)
{
	struct text lines = { 0 };
	struct bench bench;

	bench_open(&bench);
	run_sql(&bench, "INSERT INTO t VALUES (1, 'x')");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	bench.query.sql = "SELECT a FROM t";
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 2, "{\"a\":\"1\",\"b\":\"x\"},\"action\":\"removed\"",
		"{\"a\":\"1\"},\"action\":\"added\"");
	bench_close(&bench);
	text_done(&lines);
}

TEST(a_batch_is_one_line_and_the_first_one_may_be_empty)
{
	struct text lines = { 0 };
	struct bench bench;

	bench_open(&bench);
	bench.executor.settings.event_lines = false;
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 1, "{\"diffResults\":{\"removed\":[],\"added\":[]}", "\"counter\":0");
	CHECK(run(&bench, &lines) == EXECUTION_DONE && lines.length == 0);
	run_sql(&bench, "INSERT INTO t VALUES (1, 'x'), (2, 'y')");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 1, "\"removed\":[],\"added\":[{\"a\":\"1\"", "\"counter\":1");
	bench_close(&bench);
	text_done(&lines);
}

TEST(a_snapshot_is_the_whole_result_each_time)
{
	struct text lines = { 0 };
	struct bench bench;

	bench_open(&bench);
	bench.query.snapshot = true;
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 1, "{\"snapshot\":[],\"action\":\"snapshot\"");
	run_sql(&bench, "INSERT INTO t VALUES (1, 'x'), (2, 'y')");
	for (int i = 0; i < 2; i++) {
		CHECK(run(&bench, &lines) == EXECUTION_DONE);
		HAS(&lines, 1, "{\"snapshot\":[{\"a\":\"1\"", "\"counter\":0");
	}
	bench.executor.settings.snapshot_event_lines = true;
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 2, "\"action\":\"snapshot\"");
	run_sql(&bench, "DELETE FROM t");
	CHECK(run(&bench, &lines) == EXECUTION_DONE && lines.length == 0);
	bench_close(&bench);
	text_done(&lines);
}

TEST(a_failing_query_logs_nothing_and_changes_nothing)
{
	struct text lines = { 0 };
	struct bench bench;

	bench_open(&bench);
	run_sql(&bench, "INSERT INTO t VALUES (1, 'x')");
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	bench.query.sql = "SELECT a, b FROM t UNION ALL SELECT 1, abs(-9223372036854775808)";
	CHECK(run(&bench, &lines) == EXECUTION_ERROR && lines.length == 0);
	bench.query.sql = "SELECT nothing FROM nowhere";
	CHECK(run(&bench, &lines) == EXECUTION_ERROR && lines.length == 0);
	bench.query.sql = "SELECT a, b FROM t; SELECT a FROM t";
	CHECK(run(&bench, &lines) == EXECUTION_ERROR && lines.length == 0);
	bench.query.sql = "SELECT a, b FROM t";
	CHECK(run(&bench, &lines) == EXECUTION_DONE && lines.length == 0);
	bench_close(&bench);
	text_done(&lines);
}

TEST(what_the_store_cannot_take_is_logged_the_next_time)
{
	struct text lines = { 0 };
	struct bench bench;
	struct fault why;

	bench_open(&bench);
	run_sql(&bench, "INSERT INTO t VALUES (1, 'x')");
	// somebody else's transaction is in the way: BEGIN fails
	CHECK(store_begin(bench.executor.store, &why) == 0);
	CHECK(run(&bench, &lines) == EXECUTION_NOT_STORED && lines.length == 0);
	CHECK(store_end(bench.executor.store, -EBUSY, &why) == -EBUSY);
	CHECK(run(&bench, &lines) == EXECUTION_DONE);
	HAS(&lines, 1, "\"counter\":0", "added");
	bench_close(&bench);
	text_done(&lines);
}

// ---- the difference of large random multisets ----

struct tally {
	int64_t balance[64]; // how often each value was added, less how often removed
	uint64_t n_added, n_removed;
	bool added;
};

static int tally_row(struct tally *tally, struct row_reader row, int step)
{
	struct value value;

	CHECK(row_value(&row, &value) == 1 && value.type == VALUE_INTEGER);
	tally->balance[value.integer] += step;
	return 0;
}

static int tally_removed(void *context, const struct row_shape *shape, struct row_reader row)
{
	struct tally *tally = context;

	CHECK(shape->n_columns == 1 && !tally->added);
	tally->n_removed++;
	return tally_row(tally, row, -1);
}

static int tally_added(void *context, const struct row_shape *shape, struct row_reader row)
{
	struct tally *tally = context;

	CHECK(shape->n_columns == 1);
	tally->added = true;
	tally->n_added++;
	return tally_row(tally, row, 1);
}

// Gathers `SELECT a` over t and remembers it, as execute does.
static void check_difference(struct bench *bench, struct record *record, int64_t counts[64])
{
	struct row_rules rules = { "" };
	struct tally tally = { 0 };
	struct result result;
	struct fault why = { 0 };
	struct difference difference = { &bench->executor.key, bench->executor.store, record,
		&result, tally_removed, tally_added, &tally };
	int64_t now[64] = { 0 };
	struct text room = { 0 }, names = { 0 };
	uint64_t expected_added = 0, expected_removed = 0;

	CHECK(result_gather(&result, bench->executor.sql, "SELECT a FROM t", &rules,
		      &bench->executor.key, NULL, &why) == 0);
	CHECK(difference_find(&difference, &why) >= 0);
	for (size_t i = 0; i < spool_n_blocks(result.spool); i++) {
		struct spool_block block;
		struct row_reader rows, row;
		struct value value;

		CHECK(spool_read(result.spool, i, &block, &room, &why) == 0);
		rows = (struct row_reader){ block.bytes, block.bytes + block.length };
		while (row_next(&rows, &row) > 0) {
			CHECK(row_value(&row, &value) == 1);
			now[value.integer]++;
		}
	}
	for (int i = 0; i < 64; i++) {
		CHECK(tally.balance[i] == now[i] - counts[i]);
		expected_added += now[i] > counts[i] ? (uint64_t) (now[i] - counts[i]) : 0;
		expected_removed += now[i] < counts[i] ? (uint64_t) (counts[i] - now[i]) : 0;
		counts[i] = now[i];
	}
	CHECK(tally.n_added == expected_added && tally.n_removed == expected_removed);
	CHECK(difference.n_added == expected_added && difference.n_removed == expected_removed);

	result_names(&result, &names);
	record->names = names.bytes;
	record->names_length = names.length;
	record->has_result = true;
	record->digest = result.digest;
	record->n_rows = result.n_rows;
	CHECK(record_write(bench->executor.store, record, &why) == 0);
	CHECK(record_clear_rows(bench->executor.store, record->id, &why) == 0);
	for (size_t i = 0; i < spool_n_blocks(result.spool); i++) {
		struct spool_block block;

		CHECK(spool_read(result.spool, i, &block, &room, &why) == 0);
		CHECK(record_add_rows(bench->executor.store, record->id, block.bytes, block.length,
			      &why) == 0);
	}
	CHECK(result_is_same(&result, record));
	record->names = "a";
	record->names_length = 2;
	text_done(&names);
	text_done(&room);
	result_done(&result);
}

TEST(random_multisets_differ_by_what_was_added_and_removed)
{
	struct bench bench;
	struct record record = { .name = "r", .sql = "" };
	int64_t counts[64] = { 0 };

	bench_open(&bench);
	for (int round = 0; round < 12; round++) {
		run_sql(&bench,
			round % 4 == 3 ? "DELETE FROM t WHERE abs(random()) % 3 = 0"
				       : "INSERT INTO t WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL"
					 " SELECT i + 1 FROM n WHERE i < 30000)"
					 " SELECT abs(random()) % 64, 0 FROM n");
		check_difference(&bench, &record, counts);
	}
	bench_close(&bench);
}
