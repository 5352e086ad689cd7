// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <errno.h>
#include <unistd.h>

#include "config/locate.h"
#include "host/host.h"
#include "sql/sql.h"
#include "test.h"

// A folder for one test, and files in it.
struct place {
	char folder[64];
	char path[2][96];
	struct flags flags;
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");

	CHECK(file);
	CHECK(fputs(text, file) >= 0 && fclose(file) == 0);
}

static void open_place(struct place *place)
{
	*place = (struct place){ .folder = "/tmp/config_test.XXXXXX" };
	CHECK(mkdtemp(place->folder));
	for (size_t i = 0; i < 2; i++)
		(void) snprintf(place->path[i], sizeof(place->path[i]), "%s/%s", place->folder,
			i ? "pack.conf" : "osquery.conf");
	CHECK(flags_set(&place->flags, "config_path", place->path[0], NULL) == 0);
}

static void close_place(struct place *place)
{
	flags_done(&place->flags);
	(void) unlink(place->path[0]);
	(void) unlink(place->path[1]);
	CHECK(rmdir(place->folder) == 0);
}

static struct config *load_text(const char *text)
{
	const struct config_named source = { .name = "a.conf", .value = text };
	struct flags flags = { 0 };
	struct fault why = { 0 };
	struct config *config = config_load_kept(&flags, "5.23.0-x.1", &source, 1, &why);

	if (!config)
		fprintf(stderr, "%s\n", why.text);
	CHECK(config);
	return config;
}

TEST(the_same_sources_are_already_loaded)
{
	struct place place;
	struct fault why;
	struct config *config;

	open_place(&place);
	write_file(place.path[0], "{\"schedule\": {\"a\": {\"query\": \"SELECT 1\"}}}");
	config = config_load(&place.flags, "5.23.0", NULL, &why);
	CHECK(config && config->n_packs == 1 && config->packs[0].n_queries == 1);
	CHECK(!config_load(&place.flags, "5.23.0", config, &why) && why.code == -EALREADY);

	write_file(place.path[0], "{\"schedule\": {\"b\": {\"query\": \"SELECT 1\"}}}");
	config_free(config);
	config = config_load(&place.flags, "5.23.0", NULL, &why);
	CHECK_TEXT(config->packs[0].queries[0].name, "b");
	config_free(config);
	close_place(&place);
}

TEST(a_changed_pack_file_is_noticed)
{
	struct place place;
	struct fault why;
	struct config *config, *changed;
	char text[256];

	open_place(&place);
	(void) snprintf(text, sizeof(text), "{\"packs\": {\"p\": \"%s\"}}", place.path[1]);
	write_file(place.path[0], text);
	config = config_load(&place.flags, "5.23.0", NULL, &why); // the file is not there yet
	CHECK(config && config->n_packs == 0 && config->n_warnings == 1);
	CHECK(!config_load(&place.flags, "5.23.0", config, &why) && why.code == -EALREADY);

	write_file(place.path[1], "{\"queries\": {\"a\": {\"query\": \"SELECT 1\"}}}");
	changed = config_load(&place.flags, "5.23.0", config, &why);
	CHECK(changed && changed->n_packs == 1);
	CHECK_TEXT(changed->hash, config->hash); // that of the sources alone
	CHECK_TEXT(changed->packs[0].queries[0].full_name, "pack_p_a");
	CHECK(!config_load(&place.flags, "5.23.0", changed, &why) && why.code == -EALREADY);
	config_free(config);
	config_free(changed);
	close_place(&place);
}

TEST(a_bad_configuration_is_refused_as_a_whole)
{
	const struct config_named sources[] = { { .name = "a", .value = "{}" },
		{ .name = "b", .value = "{\n\"schedule\": {\n,}}" } };
	struct flags flags = { 0 };
	struct fault why;

	CHECK(!config_load_kept(&flags, "5.23.0", sources, 2, &why));
	CHECK(strncmp(why.text, "b:3: ", 5) == 0);
}

TEST(the_hash_is_that_of_the_digests_of_the_sources)
{
	struct config *config = load_text("{}");

	// printf %s "$(printf {} | sha1sum | cut -c1-40)" | sha1sum
	CHECK_TEXT(config->hash, "f80dee827635db39077a458243379b3ad63311fd");
	config_free(config);
}

TEST(queries_are_in_order_of_priority_then_name)
{
	struct config *config = load_text(
		"{\"schedule\": {"
		"\"c\": {\"query\": \"1\", \"startup_priority\": 2},"
		"\"b\": {\"query\": \"1\"}, \"a\": {\"query\": \"1\"},"
		"\"d\": {\"query\": \"1\", \"startup_priority\": \"-1\"}}}");
	const struct config_query *queries = config->packs[0].queries;

	CHECK(config->packs[0].n_queries == 4);
	CHECK_TEXT(queries[0].name, "d");
	CHECK_TEXT(queries[1].name, "c");
	CHECK_TEXT(queries[2].name, "a");
	CHECK_TEXT(queries[3].name, "b");
	CHECK(queries[0].startup_priority == -1 && queries[3].startup_priority == INT64_MAX);
	CHECK(queries[0].removed && queries[0].denylist && !queries[0].snapshot);
	config_free(config);
}

TEST(decorators_are_in_order_of_their_sources)
{
	struct config *config = load_text(
		"{\"packs\": {\"z\": {\"decorators\": {\"load\": [\"SELECT 1\"]}}},"
		"\"decorators\": {\"load\": [\"SELECT 2\", \"SELECT 3\"],"
		" \"interval\": {\"120\": [\"SELECT 4\"]}}}");

	CHECK(config->n_decorators == 4);
	CHECK_TEXT(config->decorators[0].sql, "SELECT 2");
	CHECK_TEXT(config->decorators[1].sql, "SELECT 3");
	CHECK(config->decorators[2].when == DECORATE_INTERVAL);
	CHECK(config->decorators[2].interval_s == 120);
	CHECK_TEXT(config->decorators[3].source, "a.conf_z");
	config_free(config);
}

TEST(lists_of_files_are_kept_by_category)
{
	struct config *config = load_text(
		"{\"file_paths\": {\"etc\": [\"/etc/%%\", \"\", 7], \"bin\": []},"
		"\"file_accesses\": [\"etc\"], \"exclude_paths\": {\"etc\": [\"/etc/mtab\"]},"
		"\"file_paths_query\": {\"q\": [\"SELECT path FROM file\"]},"
		"\"events\": {\"enable_subscribers\": [\"a\"], \"disable_subscribers\": [\"b\"]}}");

	CHECK(config->n_file_paths == 2 && config->n_exclude_paths == 1);
	CHECK_TEXT(config->file_paths[0].name, "etc");
	CHECK_TEXT(config->file_paths[0].values[0], "/etc/%%");
	CHECK(!config->file_paths[0].values[1] && !config->file_paths[1].values[0]);
	CHECK_TEXT(config->file_accesses[0], "etc");
	CHECK_TEXT(config->file_paths_query[0].values[0], "SELECT path FROM file");
	CHECK_TEXT(config->enable_subscribers[0], "a");
	CHECK_TEXT(config->disable_subscribers[0], "b");
	CHECK(config->n_warnings == 1);
	config_free(config);
}

TEST(options_win_over_flags_that_were_given)
{
	struct config *config = load_text("{\"options\": {\"read_max\": 7, \"custom_a\": [1, 2],"
					  "\"config_path\": \"/x\", \"verbose\": true}}");
	struct flags given = { 0 }, flags = { 0 };

	CHECK(flags_set(&given, "read_max", "5", NULL) == 0);
	CHECK(flags_set(&given, "config_path", "/y", NULL) == 0);
	config_apply_options(config, &given, &flags);
	CHECK(flags_integer(&flags, "read_max") == 7 && flags_bool(&flags, "verbose"));
	CHECK_TEXT(flags_string(&flags, "config_path"), "/y");
	CHECK(flags.n_custom == 1);
	CHECK_TEXT(flags.custom[0].value, "[1,2]");
	CHECK(config->n_warnings == 1);
	flags_done(&given);
	flags_done(&flags);
	config_free(config);
}

// The first value of the first row, or -1 when the query is refused.
static int ask(struct sql *sql, const char *text)
{
	sqlite3_stmt *statement = NULL;
	const char *rest;
	int value = -1;

	if (sql_prepare(sql, text, &rest, &statement, NULL) > 0 &&
		sql_step(sql, statement, NULL) > 0)
		value = sqlite3_column_int(statement, 0);
	(void) sqlite3_finalize(statement);
	return value;
}

#define AUTO_TABLE(name)                                                                           \
	"\"auto_table_construction\": {\"" name "\": {\"query\": \"SELECT 1 AS a\","               \
	"\"path\": \"/nonexistent/%\", \"columns\": [\"a\"]}}"

TEST(tables_and_views_take_the_place_of_those_before)
{
	struct config *first = load_text(
		"{\"views\": {\"v\": \"SELECT 1\", \"gone\": \"SELECT 1\"}," AUTO_TABLE("t") "}");
	struct config *second = load_text(
		"{\"views\": {\"v\": \"SELECT 2\", \"t\": \"SELECT 3\"}," AUTO_TABLE("u") "}");
	struct config *third = load_text("{}");
	struct flags flags = { 0 };
	struct agent agent = { .version = "0" };
	struct host host;
	struct sql *sql;

	CHECK(host_open(&host, &flags, &agent, NULL) == 0);
	sql = sql_open(&host, NULL);
	CHECK(sql);
	config_apply_tables(first, NULL, sql);
	CHECK(ask(sql, "SELECT * FROM v") == 1 && ask(sql, "SELECT * FROM gone") == 1);
	CHECK(ask(sql, "SELECT count(*) FROM t") == 0 && sql_n_tables(sql) == 1);

	config_apply_tables(second, first, sql);
	config_free(first);
	CHECK(ask(sql, "SELECT * FROM v") == 2 && ask(sql, "SELECT * FROM gone") == -1);
	CHECK(ask(sql, "SELECT * FROM t") == 3 && ask(sql, "SELECT count(*) FROM u") == 0);

	config_apply_tables(third, second, sql);
	config_free(second);
	CHECK(ask(sql, "SELECT * FROM v") == -1 && ask(sql, "SELECT count(*) FROM u") == -1);
	CHECK(sql_n_tables(sql) == 0);
	sql_close(sql);
	config_free(third);
	host_close(&host);
	flags_done(&flags);
}

TEST(a_table_that_is_in_use_can_be_removed)
{
	struct config *config = load_text("{" AUTO_TABLE("t") "}");
	const struct table *table = config->auto_tables[0].table;
	struct flags flags = { 0 };
	struct agent agent = { .version = "0" };
	struct host host;
	struct sql *sql;
	sqlite3_stmt *statement;
	const char *rest;

	CHECK(host_open(&host, &flags, &agent, NULL) == 0);
	sql = sql_open(&host, NULL);
	CHECK(sql && sql_add_table(sql, table, NULL) == 0);
	CHECK(sql_add_table(sql, table, NULL) == -EEXIST);
	CHECK(sql_prepare(sql, "SELECT count(*) FROM t", &rest, &statement, NULL) > 0);
	sql_remove_table(sql, table);
	CHECK(sql_find_table(sql, "t") == NULL && ask(sql, "SELECT * FROM t") == -1);
	CHECK(sql_step(sql, statement, NULL) == -EINVAL); // no such table any more
	(void) sqlite3_finalize(statement);
	CHECK(sql_add_table(sql, table, NULL) == 0 && ask(sql, "SELECT count(*) FROM t") == 0);
	sql_close(sql);
	config_free(config);
	host_close(&host);
	flags_done(&flags);
}

TEST(warnings_are_bounded)
{
	char text[8192] = "{\"views\": {";
	struct config *config;

	for (int i = 0; i < 300; i++)
		(void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s\"v%d\": %d",
			i ? "," : "", i, i);
	(void) snprintf(text + strlen(text), sizeof(text) - strlen(text), "}}");
	config = load_text(text);
	CHECK(config->n_warnings == 101);
	CHECK_TEXT(config->warnings[100], "config: 200 more of such warnings");
	config_free(config);
}

TEST(a_line_is_found_by_the_way_to_it)
{
	static const char text[] = "\n{\"a\": {\n\"b\": [1,\n {\"\\u0063\\ud83d\\ude00\":\n 2}]},\n"
				   "\"a\\\"}\": 3,\n\"a\": {\n\"b\": [4]}}";
	const struct step member[] = { { .name = "a\"}" } };
	const struct step last[] = { { .name = "a" }, { .name = "b" }, { .index = 0 } };
	const struct step missing[] = { { .name = "a" }, { .name = "x" } };

	CHECK(locate_line(text, NULL, 0) == 2);
	CHECK(locate_line(text, member, 1) == 6);
	CHECK(locate_line(text, last, 3) == 8); // of two members of a name the last one counts
	CHECK(locate_line(text, missing, 2) == 7);
}

static void count_duplicate(void *context, unsigned line, const char *name)
{
	unsigned *lines = context;

	CHECK_TEXT(name, "a");
	*lines = *lines * 10 + line;
}

TEST(duplicates_are_found_at_every_depth)
{
	unsigned lines = 0;

	locate_duplicates("{\"a\": [{\"a\": 1,\n\"\\u0061\": {\"a\": 2}}],\n\"b\": {},\n\"a\": 1}",
		count_duplicate, &lines);
	CHECK(lines == 24);
}

TEST(depth_counts_brackets_outside_of_texts)
{
	CHECK(locate_depth("{\"[[[\": \"\\\"[[\"}", 15, 1) == 0);
	CHECK(locate_depth("[\n[\n[]]]", 8, 2) == 3);
}

TEST(the_shard_is_a_percentage)
{
	CHECK(config_shard() <= 100 && config_shard() == config_shard());
}
