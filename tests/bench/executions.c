// SPDX-License-Identifier: Apache-2.0
// How often a second `SELECT * FROM processes` can run as a scheduled, differential query while
// there are a thousand processes: with its note in the store, its transaction and its lines in a
// file, as the runner does it. Next to ps(1), run as often in the same time and asked for the same
// columns as far as it has them; and next to a query without any work, which is what a run costs by
// itself.
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "output/output.h"
#include "schedule/execute.h"
#include "tables/tables.h"

enum { PROCESSES = 1000, SECONDS = 10, EMPTY_RUNS = 2000 };

static const double goal_ratio = 1.0; // of CPU time to that of ps

struct bench {
	char folder[64];
	struct flags flags;
	struct agent agent;
	struct host host;
	struct outputs *outputs;
	struct executor executor;
	pid_t crowd[PROCESSES];
};

struct cost {
	double wall_ms, cpu_ms;
	size_t n;
};

static void die(const char *what)
{
	fprintf(stderr, "executions: %s\n", what);
	exit(1);
}

// ---- measuring ----

static double to_ms(struct timeval time)
{
	return (double) time.tv_sec * 1e3 + (double) time.tv_usec / 1e3;
}

static struct cost read_cost(int who)
{
	struct timespec now;
	struct rusage usage;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	(void) getrusage(who, &usage);
	return (struct cost){ (double) now.tv_sec * 1e3 + (double) now.tv_nsec / 1e6,
		to_ms(usage.ru_utime) + to_ms(usage.ru_stime), 0 };
}

static void add_cost(struct cost *sum, int who, struct cost before)
{
	struct cost after = read_cost(who);

	sum->wall_ms += after.wall_ms - before.wall_ms;
	sum->cpu_ms += after.cpu_ms - before.cpu_ms;
	sum->n++;
}

// ---- what is measured ----

// As the runner does it (daemon/runner_turn.c).
static void run_query(struct bench *bench, struct execution *execution, struct cost *cost)
{
	struct cost before = read_cost(RUSAGE_SELF);
	struct fault why = { 0 };

	if (execution_begin(&bench->executor, execution->query, &why) < 0 ||
		execute(&bench->executor, execution, &why) != EXECUTION_DONE ||
		outputs_deliver(bench->outputs, &why) < 0)
		die(why.text);
	add_cost(cost, RUSAGE_SELF, before);
}

static void run_ps(struct cost *cost)
{
	static char name[] = "ps", option[] = "-eo",
		    columns[] =
			    "pid,comm,exe,args,stat,uid,gid,euid,egid,suid,sgid,rss,vsz,cputimes,"
			    "lstart,ppid,pgid,nlwp,nice,cgroup,pcpu";
	char *const words[] = { name, option, columns, NULL };
	struct cost before = read_cost(RUSAGE_CHILDREN);
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	(void) posix_spawn_file_actions_init(&actions);
	(void) posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
	if (posix_spawnp(&pid, "ps", &actions, NULL, words, environ) != 0 ||
		waitpid(pid, &status, 0) < 0 || status != 0)
		die("ps");
	(void) posix_spawn_file_actions_destroy(&actions);
	add_cost(cost, RUSAGE_CHILDREN, before);
}

// ---- the surroundings ----

// They die with this program, however it ends.
static void start_crowd(struct bench *bench)
{
	for (size_t i = 0; i < PROCESSES; i++) {
		bench->crowd[i] = fork();
		if (bench->crowd[i] < 0)
			die("fork");
		if (bench->crowd[i] == 0) {
			(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
			(void) execlp("sleep", "sleep", "3600", NULL);
			_exit(1);
		}
	}
}

static void end_crowd(const struct bench *bench)
{
	for (size_t i = 0; i < PROCESSES; i++) {
		(void) kill(bench->crowd[i], SIGKILL);
		(void) waitpid(bench->crowd[i], NULL, 0);
	}
}

static void open_bench(struct bench *bench)
{
	struct fault why = { 0 };

	*bench = (struct bench){ .folder = "/tmp/hostql-bench-XXXXXX",
		.agent = { .daemon = true, .tables = tables_all, .n_tables = n_tables_all } };
	if (!mkdtemp(bench->folder))
		die("mkdtemp");
	if (flags_set(&bench->flags, "logger_path", bench->folder, &why) < 0 ||
		host_open(&bench->host, &bench->flags, &bench->agent, &why) < 0)
		die(why.text);
	bench->executor = (struct executor){ .sql = sql_open(&bench->host, &why),
		.store = store_open(bench->folder, STORE_WRITE, &why),
		.key = { { 1, 2 } },
		.settings = { .host_identifier = "host",
			.null_text = "",
			.folder = bench->folder,
			.event_lines = true } };
	bench->outputs = outputs_open(&bench->flags, bench->executor.store, &why);
	if (!bench->executor.sql || !bench->outputs)
		die(why.text);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
	(void) status;
	(void) kind;
	(void) place;
	return remove(path);
}

static void close_bench(struct bench *bench)
{
	outputs_close(bench->outputs);
	store_close(bench->executor.store);
	sql_close(bench->executor.sql);
	host_close(&bench->host);
	flags_done(&bench->flags);
	(void) nftw(bench->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

// ---- the table ----

static void print(const char *what, const struct cost *cost, const char *rest)
{
	double n = (double) cost->n;

	printf("%-36s %8zu %10.1f %10.3f ms %10.3f ms  %s\n", what, cost->n,
		n * 1e3 / cost->wall_ms, cost->wall_ms / n, cost->cpu_ms / n, rest);
}

static bool measure(struct bench *bench)
{
	static const struct config_query processes = { .name = "processes",
		.full_name = "processes",
		.sql = "SELECT * FROM processes",
		.removed = true,
		.interval_s = 60 };
	static const struct config_query nothing = { .name = "nothing",
		.full_name = "nothing",
		.sql = "SELECT 1 AS one",
		.removed = true,
		.interval_s = 60 };
	struct execution execution = { .query = &processes }, empty = { .query = &nothing };
	struct cost ours = { 0 }, ps = { 0 }, fixed = { 0 };
	char rest[64];
	double ratio;

	run_query(bench, &execution, &(struct cost){ 0 }); // the first run logs all rows
	run_query(bench, &empty, &(struct cost){ 0 });
	while (ours.wall_ms + ps.wall_ms < SECONDS * 1e3) {
		run_query(bench, &execution, &ours);
		run_ps(&ps);
	}
	for (int i = 0; i < EMPTY_RUNS; i++)
		run_query(bench, &empty, &fixed);

	ratio = ours.cpu_ms / ps.cpu_ms;
	printf("%-36s %8s %10s %13s %13s\n", "scheduled query", "runs", "a second", "wall", "CPU");
	(void) snprintf(rest, sizeof(rest), "%.2f of ps, goal %.1f%s", ratio, goal_ratio,
		ratio > goal_ratio ? ": OVER" : "");
	print("processes, 1,000 of them", &ours, rest);
	print("ps -eo, the same columns", &ps, "");
	print("a query without work", &fixed, "");
	return ratio <= goal_ratio;
}

int main(void)
{
	struct bench bench;
	bool good;

	open_bench(&bench);
	start_crowd(&bench);
	good = measure(&bench);
	end_crowd(&bench);
	close_bench(&bench);
	return !good;
}
