// SPDX-License-Identifier: Apache-2.0
// Loads for the benchmarks and tests of events: does a known number of things, at a known rate, and
// says in JSON what it did and how long it took.
//
//	bench_load opens FOLDER FILES PER_SECOND SECONDS	opens and closes files to read, in
// turn 	bench_load spawns N AT_ONCE				runs /bin/true so many times
//	bench_load tree FOLDER FOLDERS FILES			makes, writes, renames, removes
// files 	bench_load writes FOLDER N				writes and closes N files
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int64_t now_ns(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void give_up(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t cpu_us(int who)
{
	struct rusage usage;

	(void) getrusage(who, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * INT64_C(1000000) +
		usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
}

static void report(const char *what, int64_t n, int64_t began_ns)
{
	printf("{\"did\":\"%s\",\"n\":%" PRId64 ",\"ns\":%" PRId64 ",\"cpu_us\":%" PRId64
	       ",\"children_us\":%" PRId64 "}\n",
		what, n, now_ns() - began_ns, cpu_us(RUSAGE_SELF), cpu_us(RUSAGE_CHILDREN));
}

// ---- opens ----

static void make_files(const char *folder, long files)
{
	char path[PATH_MAX];

	(void) mkdir(folder, 0755);
	for (long i = 0; i < files; i++) {
		int fd;

		(void) snprintf(path, sizeof(path), "%s/file%05ld", folder, i);
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		if (fd < 0 || close(fd) < 0)
			give_up(path);
	}
}

// The rate is kept over hundredths of a second; 0: as fast as possible.
static void wait_for(int64_t due_ns)
{
	struct timespec due = { due_ns / 1000000000, due_ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
}

static void run_opens(const char *folder, long files, long per_second, long seconds)
{
	enum { SLICES = 100 };
	char(*paths)[PATH_MAX] = malloc((size_t) files * PATH_MAX);
	int64_t n = 0, total = (int64_t) per_second * seconds, began_ns;

	if (!paths)
		give_up("malloc");
	make_files(folder, files);
	for (long i = 0; i < files; i++)
		(void) snprintf(paths[i], PATH_MAX, "%s/file%05ld", folder, i);
	began_ns = now_ns();
	for (int64_t slice = 1; n < total; slice++) {
		int64_t until = per_second * slice / SLICES;

		for (; n < until && n < total; n++) {
			int fd = open(paths[n % files], O_RDONLY | O_CLOEXEC);

			if (fd < 0)
				give_up("open");
			(void) close(fd);
		}
		wait_for(began_ns + slice * (1000000000 / SLICES));
	}
	report("opens", n, began_ns);
	free(paths);
}

// ---- spawns ----

static void spawn_all(long first, long n)
{
	for (long i = 0; i < n; i++) {
		char number[24];
		char *arguments[] = { "true", number, NULL };
		pid_t child;
		int status;

		(void) snprintf(number, sizeof(number), "spawn%ld", first + i);
		if (posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environ) != 0)
			give_up("posix_spawn");
		if (waitpid(child, &status, 0) < 0 || status != 0)
			give_up("waitpid");
	}
}

static void run_spawns(long n, long at_once)
{
	int64_t began_ns = now_ns();

	for (long i = 0; i < at_once; i++) {
		long first = n * i / at_once, last = n * (i + 1) / at_once;

		if (at_once == 1) {
			spawn_all(first, last - first);
		} else if (fork() == 0) {
			spawn_all(first, last - first);
			_exit(0);
		}
	}
	while (wait(NULL) > 0)
		;
	report("spawns", n, began_ns);
}

// ---- files ----

static void write_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd) < 0)
		give_up(path);
}

static void run_tree(const char *folder, long folders, long files)
{
	char path[PATH_MAX], other[PATH_MAX];
	int64_t began_ns = now_ns();
	long each = files / folders;

	(void) mkdir(folder, 0755);
	for (long d = 0; d < folders; d++) {
		(void) snprintf(path, sizeof(path), "%s/folder%05ld", folder, d);
		if (mkdir(path, 0755) < 0)
			give_up(path);
		for (long f = 0; f < each; f++) {
			(void) snprintf(path, sizeof(path), "%s/folder%05ld/file%ld", folder, d, f);
			(void) snprintf(
				other, sizeof(other), "%s/folder%05ld/name%ld", folder, d, f);
			write_file(path);
			if (rename(path, other) < 0 || unlink(other) < 0)
				give_up(path);
		}
		(void) snprintf(path, sizeof(path), "%s/folder%05ld", folder, d);
		if (rmdir(path) < 0)
			give_up(path);
	}
	report("tree", each * folders, began_ns);
}

static void run_writes(const char *folder, long n)
{
	char path[PATH_MAX];
	int64_t began_ns = now_ns();

	(void) mkdir(folder, 0755);
	for (long i = 0; i < n; i++) {
		(void) snprintf(path, sizeof(path), "%s/file%05ld", folder, i % 1000);
		write_file(path);
	}
	report("writes", n, began_ns);
}

static long number(const char *text)
{
	char *end;
	long value = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || value <= 0) {
		fprintf(stderr, "bench_load: \"%s\" is no number above 0\n", text);
		exit(2);
	}
	return value;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (strcmp(what, "opens") == 0 && argc == 6)
		run_opens(argv[2], number(argv[3]), number(argv[4]), number(argv[5]));
	else if (strcmp(what, "spawns") == 0 && argc == 4)
		run_spawns(number(argv[2]), number(argv[3]));
	else if (strcmp(what, "tree") == 0 && argc == 5)
		run_tree(argv[2], number(argv[3]), number(argv[4]));
	else if (strcmp(what, "writes") == 0 && argc == 4)
		run_writes(argv[2], number(argv[3]));
	else {
		fprintf(stderr,
			"usage: bench_load opens FOLDER FILES PER_SECOND SECONDS | spawns N "
			"AT_ONCE "
			"| tree FOLDER FOLDERS FILES | writes FOLDER N\n");
		return 2;
	}
	return 0;
}
