// SPDX-License-Identifier: Apache-2.0
#include "test.h"

#include <sys/wait.h>
#include <unistd.h>

extern const struct test *const __start_tests[];
extern const struct test *const __stop_tests[];

// Each test in a process of its own: a crash is one failure, and no test sees what another left.
static int run_one(const struct test *test)
{
	pid_t child;
	int status;

	(void) fflush(NULL);
	child = fork();
	if (child < 0)
		return 1;
	if (child == 0) {
		test->run();
		exit(0);
	}
	if (waitpid(child, &status, 0) < 0)
		return 1;
	printf("%s %s\n", status == 0 ? "ok" : "FAILED", test->name);
	return status != 0;
}

static int chosen(const struct test *test, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], test->name) == 0)
			return 1;
	return argc < 2;
}

int main(int argc, char **argv)
{
	int failures = 0, list = argc > 1 && strcmp(argv[1], "--list") == 0;

	for (const struct test *const *test = __start_tests; test < __stop_tests; test++) {
		if (list)
			puts((*test)->name);
		else if (chosen(*test, argc, argv))
			failures += run_one(*test);
	}
	return failures != 0;
}
