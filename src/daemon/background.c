// SPDX-License-Identifier: Apache-2.0
#include "daemon/background.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/clock.h"

// The exit code for the one who started the daemon: its end of the pipe tells when it is ready or
// has ended.
static int wait_for(pid_t pid, int pipe, int64_t patience_ms)
{
	int64_t until_ms = clock_ms() + patience_ms;
	struct pollfd waiting = { .fd = pipe, .events = POLLIN };
	int n, status;
	char byte;

	do {
		int64_t left_ms = until_ms - clock_ms();

		n = poll(&waiting, 1, left_ms < 0 ? 0 : left_ms < INT32_MAX ? (int) left_ms : -1);
	} while (n < 0 && errno == EINTR);

	if (n == 0) {
		fprintf(stderr, "osqueryd (%d) is started but not ready yet; it goes on trying\n",
			pid);
		return 0;
	}
	if (read(pipe, &byte, 1) == 1)
		return 0;
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status))
		return 1;
	return WEXITSTATUS(status);
}

bool background_begin(struct background *background, int64_t patience_ms, int *code)
{
	int ends[2];
	pid_t pid;

	*code = 1;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		fprintf(stderr, "--daemonize: %s\n", strerror(errno));
		return false;
	}
	(void) fflush(NULL); // or it would be written twice
	pid = fork();
	if (pid == 0) {
		(void) close(ends[0]);
		(void) setsid();
		background->ready = ends[1];
		return true;
	}
	(void) close(ends[1]);
	if (pid < 0)
		fprintf(stderr, "--daemonize: %s\n", strerror(errno));
	else
		*code = wait_for(pid, ends[0], patience_ms);
	(void) close(ends[0]);
	return false;
}

int background_detach(struct fault *why)
{
	auto_close int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (nowhere < 0)
		return fail(why, -errno, "/dev/null: %m");
	(void) fflush(NULL);
	for (int fd = 0; fd <= 2; fd++)
		if (dup2(nowhere, fd) < 0)
			return fail(why, -errno, "/dev/null: %m");
	return 0;
}

void background_leave(struct background *background)
{
	if (background->ready >= 0)
		(void) close(background->ready);
	background->ready = -1;
}

void background_ready(struct background *background)
{
	if (background->ready >= 0)
		(void) !write(background->ready, "", 1);
	background_leave(background);
}
