// SPDX-License-Identifier: Apache-2.0
// What a large scheduled query costs: the first run, one without a change, and one in which every
// hundredth row changed; next to sort(1) and comm(1) over the same rows. Each size in a process of
// its own, whose peak of memory is told. The rows are made by the query, which is measured too.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "schedule/execute.h"
#include "store/outbox.h"

enum { GOAL_MS = 3000, GOAL_MB = 150 };

static const struct table *const no_tables[] = { NULL };

static double now_ms(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6;
}

static void die(const char *what)
{
	fprintf(stderr, "difference: %s\n", what);
	exit(1);
}

// Rows like those of `file`, of which every hundredth has another size in the run `version`.
static char *query_of(int rows, int version)
{
	struct text text = { 0 };

	text_printf(&text,
		"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
		" SELECT '/usr/share/doc/package-' || (i / 100) || '/file-' || i AS path, i AS"
		" inode, 0 AS uid, 0 AS gid, '0644' AS mode, 1700000000 + i AS mtime,"
		" i * 37 %% 100003 + %d * (i %% 100 = 0) AS size, 'regular' AS type FROM n",
		rows, version);
	return text.bytes;
}

// What an output would do: read all, and then forget it.
static size_t drain(struct store *store)
{
	struct outbox_entry entry = { 0 };
	struct text room = { 0 };
	struct fault why;
	size_t n = 0;

	while (outbox_read(store, entry.id + 1, &entry, &room, &why) > 0)
		n += entry.n_lines;
	if (outbox_trim(store, 0, 0, &why) < 0)
		die(why.text);
	text_done(&room);
	return n;
}

static double run(struct executor *executor, int rows, int version, size_t *lines)
{
	auto_free char *sql = query_of(rows, version);
	struct config_query query = {
		.name = "q", .full_name = "q", .sql = sql, .removed = true, .interval_s = 60
	};
	struct execution execution = { .query = &query };
	struct fault why;
	double began = now_ms();

	if (execute(executor, &execution, &why) != EXECUTION_DONE)
		die(why.text);
	*lines = drain(executor->store);
	return now_ms() - began;
}

// The same question to sort and comm: two files of rows, sorted and compared.
static double run_tools(const char *folder, int rows)
{
	static char script[] = "LC_ALL=C sort old >a; LC_ALL=C sort new >b; comm -3 a b >c";
	char *const words[] = { "sh", "-c", script, NULL };
	double began;
	pid_t pid;

	if (chdir(folder) < 0)
		die(folder);
	for (int version = 0; version < 2; version++) {
		auto_fclose FILE *file = fopen(version ? "new" : "old", "we");

		for (int i = 1; file && i <= rows; i++)
			fprintf(file, "/usr/share/doc/package-%d/file-%d|%d|%d\n", i / 100, i,
				1700000000 + i, i * 37 % 100003 + version * (i % 100 == 0));
	}
	began = now_ms();
	if (posix_spawn(&pid, "/bin/sh", NULL, NULL, words, environ) != 0 ||
		waitpid(pid, NULL, 0) < 0)
		die("sh");
	return now_ms() - began;
}

static void measure(const char *folder, int rows)
{
	static const char *const names[] = { "first", "same", "1 % changed" };
	static const int versions[] = { 0, 0, 1 };
	struct flags flags = { 0 };
	struct agent agent = { .tables = no_tables };
	struct host host;
	struct fault why;
	struct executor executor = { .settings = { .host_identifier = "host",
					     .null_text = "",
					     .folder = folder,
					     .event_lines = true },
		.key = { { 1, 2 } } };
	struct rusage usage;

	if (host_open(&host, &flags, &agent, &why) < 0)
		die(why.text);
	executor.sql = sql_open(&host, &why);
	executor.store = store_open(folder, STORE_WRITE, &why);
	for (int i = 0; i < 3; i++) {
		size_t lines;
		double ms = run(&executor, rows, versions[i], &lines);

		(void) getrusage(RUSAGE_SELF, &usage);
		printf("%8d rows %-12s %8.1f ms %8zu lines  peak %6.1f MB %s\n", rows, names[i], ms,
			lines, (double) usage.ru_maxrss / 1024,
			ms > GOAL_MS || usage.ru_maxrss / 1024 > GOAL_MB ? "OVER" : "");
	}
	store_close(executor.store);
	sql_close(executor.sql);
	host_close(&host);
	printf("%8d rows %-12s %8.1f ms\n", rows, "sort, comm", run_tools(folder, rows));
}

static void remove_files(const char *folder)
{
	auto_closedir DIR *list = opendir(folder);
	struct dirent *entry;

	while (list && (entry = readdir(list)))
		(void) unlinkat(dirfd(list), entry->d_name, 0);
	(void) rmdir(folder);
}

int main(void)
{
	static const int sizes[] = { 10000, 100000, 1000000 };

	setvbuf(stdout, NULL, _IONBF, 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		char folder[] = "/tmp/hostql-bench-XXXXXX";
		pid_t pid;

		if (!mkdtemp(folder))
			die("mkdtemp");
		pid = fork();
		if (pid == 0) {
			measure(folder, sizes[i]);
			_exit(0);
		}
		(void) waitpid(pid, NULL, 0);
		remove_files(folder);
	}
	return 0;
}
