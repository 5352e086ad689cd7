// SPDX-License-Identifier: Apache-2.0
// Ten thousand runs of queries of all kinds: memory does not grow.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "schedule/decorate.h"
#include "schedule/execute.h"
#include "store/outbox.h"
#include "tables/tables.h"
#include "test.h"

#if defined(__SANITIZE_ADDRESS__)
enum { RUNS = 1000 }; // the sanitizer itself tells what leaks
#else
enum { RUNS = 10000 };
#endif

enum { GROWTH_KB = 1024 };

static const struct config_query queries[] = {
	{ .sql = "SELECT pid, name, state, cmdline FROM processes", .removed = true },
	{ .sql = "SELECT * FROM users JOIN user_groups USING (uid)", .removed = true },
	{ .sql = "SELECT abs(random()) % 1000 AS n, hex(randomblob(20)) AS t FROM etc_services",
		.removed = true },
	{ .sql = "SELECT * FROM file WHERE path LIKE '/etc/%'", .snapshot = true },
	{ .sql = "SELECT * FROM time", .removed = true },
	{ .sql = "SELECT key, value FROM process_envs WHERE pid = 1", .snapshot = true },
	{ .sql = "SELECT md5, path FROM hash WHERE path = '/etc/passwd'", .removed = true },
	{ .sql = "SELECT nothing FROM nowhere", .removed = true },
	{ .sql = "SELECT count(*) AS n, regex_match(name, '[a-z]+', 0) AS r FROM processes GROUP "
		 "BY 2",
		.removed = true },
	{ .sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
		 " SELECT i, random() % 2 AS r FROM n",
		.removed = true },
};

enum { N_QUERIES = sizeof(queries) / sizeof(queries[0]) };

static long read_pss_kb(void)
{
	auto_fclose FILE *file = fopen("/proc/self/smaps_rollup", "re");
	char line[256];
	long kb = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %ld", &kb) == 1)
			return kb;
	return -1;
}

// As an output does that takes everything at once.
static void drain(struct store *store, struct outbox_reader *reader, struct text *room)
{
	struct outbox_entry entry;
	struct fault why;

	while (outbox_read(store, reader->entry, &entry, room, &why) > 0)
		reader->entry = entry.id + 1;
	CHECK(outbox_reader_save(store, reader, &why) == 0);
	CHECK(outbox_trim(store, 0, 0, &why) == 0);
}

static void remove_folder(const char *folder)
{
	auto_closedir DIR *list = opendir(folder);
	struct dirent *entry;

	while ((entry = readdir(list)))
		if (entry->d_name[0] != '.')
			CHECK(unlinkat(dirfd(list), entry->d_name, 0) == 0);
	CHECK(rmdir(folder) == 0);
}

TEST(ten_thousand_runs_do_not_grow)
{
	static const struct config_decorator decorator = { "config", DECORATE_ALWAYS, 0,
		"SELECT hostname FROM system_info" };
	const struct config config = { .decorators = &decorator, .n_decorators = 1 };
	char folder[] = "/tmp/hostql-endurance-XXXXXX";
	struct flags flags = { 0 };
	struct agent agent = { .tables = tables_all, .n_tables = n_tables_all };
	struct executor executor = {
		.settings = { .host_identifier = "host", .null_text = "", .event_lines = true },
		.key = { { 1, 2 } }
	};
	struct performance performance[N_QUERIES] = { 0 };
	struct decorations *decorations = decorations_open(&config);
	struct outbox_reader reader;
	struct text room = { 0 };
	struct host host;
	struct fault why;
	struct stat status;
	char path[64];
	long early_kb = 0, late_kb;

	CHECK(mkdtemp(folder) && host_open(&host, &flags, &agent, &why) == 0);
	executor.sql = sql_open(&host, &why);
	executor.store = store_open(folder, STORE_WRITE, &why);
	CHECK(outbox_reader_open(executor.store, &reader, "none", &why) == 0);
	for (int i = 0; i < RUNS; i++) {
		struct config_query query = queries[i % N_QUERIES];
		struct execution execution = { .query = &query,
			.performance = performance[i % N_QUERIES] };
		char name[16];

		(void) snprintf(name, sizeof(name), "q%d", i % N_QUERIES);
		query.name = query.full_name = name;
		decorations_run(decorations, executor.sql, DECORATE_ALWAYS);
		execution.decorations = decorations_list(decorations, &execution.n_decorations);
		CHECK(execution_begin(&executor, &query, &why) == 0);
		if (execute(&executor, &execution, &why) != EXECUTION_DONE) {
			CHECK(i % N_QUERIES == 7); // the one about nowhere
			CHECK(execution_fail(&executor, &execution, 0, NULL, &why) == 0);
		}
		performance[i % N_QUERIES] = execution.performance;
		drain(executor.store, &reader, &room);
		if (i == RUNS / 10)
			early_kb = read_pss_kb();
	}
	late_kb = read_pss_kb();
	printf("PSS after %d runs %ld kB, after %d %ld kB\n", RUNS / 10, early_kb, RUNS, late_kb);
	CHECK(performance[0].executions == RUNS / N_QUERIES);
#if !defined(__SANITIZE_ADDRESS__)
	CHECK(early_kb > 0 && late_kb < early_kb + GROWTH_KB);
#endif
	text_done(&room);
	decorations_close(decorations);
	store_close(executor.store);
	(void) snprintf(path, sizeof(path), "%s/state.db", folder);
	CHECK(stat(path, &status) == 0 && status.st_size < 4 << 20); // nor does the store
	sql_close(executor.sql);
	host_close(&host);
	flags_done(&flags);
	remove_folder(folder);
}
