// SPDX-License-Identifier: Apache-2.0
#include "daemon/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static void make_path(char path[64])
{
	(void) snprintf(path, 64, "/tmp/pidfile_test.XXXXXX");
	CHECK(mkdtemp(path));
	(void) snprintf(path + strlen(path), 64 - strlen(path), "/pid");
}

static void remove_path(char path[64])
{
	(void) unlink(path);
	*strrchr(path, '/') = '\0';
	CHECK(rmdir(path) == 0);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t) strlen(text));
	CHECK(close(fd) == 0);
}

TEST(a_pidfile_says_who_has_it_and_goes_with_it)
{
	struct pidfile pidfile = { .fd = -1 };
	struct fault why;
	char path[64], text[16] = { 0 };

	make_path(path);
	CHECK(pidfile_open(&pidfile, path, false, 0, &why) == 0);
	CHECK(pread(pidfile.fd, text, sizeof(text) - 1, 0) > 0);
	CHECK(strtol(text, NULL, 10) == getpid());
	pidfile_close(&pidfile);
	CHECK(access(path, F_OK) < 0 && pidfile.fd == -1);
	remove_path(path);
}

TEST(a_pidfile_that_nobody_holds_is_taken_over_whatever_it_says)
{
	static const char *const texts[] = { "", "1\n", "-1", "0", "garbage",
		"99999999999999999999", "4194304\n", "2\n3\n", "\n\n\n",
		"1234567890123456789012345678901234567890" };
	char path[64];

	make_path(path);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct pidfile pidfile = { .fd = -1 };

		write_file(path, texts[i]);
		CHECK(pidfile_open(&pidfile, path, true, 0, NULL) == 0);
		pidfile_close(&pidfile);
	}
	remove_path(path);
}

// Somebody who holds the file with a text of their choice, and is another program than the test,
// which would pass for an osqueryd.
static pid_t hold(const char *path, const char *text)
{
	int started[2]; // closed by execve(2)
	char byte;
	pid_t pid;

	CHECK(pipe2(started, O_CLOEXEC) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		char own[16];
		int fd;

		(void) snprintf(own, sizeof(own), "%d\n", getpid());
		write_file(path, text ? text : own);
		fd = open(path, O_RDWR); // which stays open
		CHECK(flock(fd, LOCK_EX | LOCK_NB) == 0);
		CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
		(void) execl("/bin/sleep", "sleep", "600", NULL);
		_exit(1);
	}
	CHECK(close(started[1]) == 0);
	CHECK(read(started[0], &byte, 1) == 0);
	CHECK(close(started[0]) == 0);
	return pid;
}

static void end(pid_t pid)
{
	int status;

	CHECK(kill(pid, SIGKILL) == 0);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status));
}

TEST(force_never_ends_who_is_no_osqueryd)
{
	struct pidfile pidfile = { .fd = -1 };
	struct fault why;
	char path[64];
	pid_t pid;
	int pidfd = -1;

	make_path(path);
	pid = hold(path, NULL);
	CHECK(pidfile_open(&pidfile, path, true, 100, &why) == -ESRCH);
	CHECK(strstr(why.text, "is no osqueryd"));
	CHECK(pidfile_holder(path, &pidfd, &why) == -ESRCH && pidfd == -1);
	CHECK(kill(pid, 0) == 0 && waitpid(pid, NULL, WNOHANG) == 0);
	end(pid);
	remove_path(path);
}

TEST(force_never_ends_who_is_named_in_the_file_but_does_not_hold_it)
{
	static const char *const texts[] = { "1\n", "0\n", "-1\n", "garbage", "",
		"99999999999999999999\n" };
	char path[64], ours[16];
	int pidfd = -1;

	make_path(path);
	(void) snprintf(ours, sizeof(ours), "%d\n", getppid());
	for (size_t i = 0; i <= sizeof(texts) / sizeof(texts[0]); i++) {
		struct pidfile pidfile = { .fd = -1 };
		struct fault why;
		pid_t pid = hold(path, i == 0 ? ours : texts[i - 1]);

		CHECK(pidfile_open(&pidfile, path, true, 100, &why) == -EEXIST);
		CHECK(strstr(why.text, "can't be told") && pidfile.fd == -1);
		CHECK(pidfile_holder(path, &pidfd, &why) == 0 && pidfd == -1);
		CHECK(waitpid(pid, NULL, WNOHANG) == 0);
		end(pid);
	}
	remove_path(path);
}

TEST(what_is_no_file_of_its_own_is_left_alone)
{
	struct pidfile pidfile = { .fd = -1 };
	char path[64], other[80];

	make_path(path);
	CHECK(symlink("/dev/null", path) == 0);
	CHECK(pidfile_open(&pidfile, path, true, 0, NULL) == -ELOOP);
	CHECK(unlink(path) == 0 && mkfifo(path, 0600) == 0);
	CHECK(pidfile_open(&pidfile, path, true, 0, NULL) == -EINVAL);
	CHECK(unlink(path) == 0);
	(void) snprintf(other, sizeof(other), "%s.other", path);
	write_file(other, "precious");
	CHECK(link(other, path) == 0);
	CHECK(pidfile_open(&pidfile, path, true, 0, NULL) == -EINVAL);
	CHECK(unlink(other) == 0);
	remove_path(path);
}

TEST(a_folder_that_is_missing_is_told)
{
	struct pidfile pidfile = { .fd = -1 };
	struct fault why;

	CHECK(pidfile_open(&pidfile, "/nonexistent/pid", false, 0, &why) == -ENOENT);
	CHECK(strstr(why.text, "/nonexistent/pid"));
}
