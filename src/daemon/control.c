// SPDX-License-Identifier: Apache-2.0
// osqueryctl: through systemd where it runs this host and knows the service, else by itself, with
// the pidfile. With flags on its command line it is about a daemon with those flags, and systemd is
// left out.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "base/base.h"
#include "base/clock.h"
#include "daemon/daemon.h"
#include "daemon/pidfile.h"

// Of the Linux Standard Base, which scripts rely on.
enum { CODE_DONE = 0, CODE_FAILED = 1, CODE_NOT_RUNNING = 3, CODE_UNKNOWN = 4 };

enum { KILL_MORE_MS = 3000 }; // the daemon has alarm_timeout for its roles, and then this

struct command {
	const char *name;
	int most_words; // after its name
	int (*run)(const struct flags *flags, const char *word);
	bool by_systemd;
};

// ---- other programs ----

// Runs a program and gives its exit code.
static int run_program(const char *path, char *const *arguments)
{
	int status;
	pid_t pid;

	(void) fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void) execvp(path, arguments);
		fprintf(stderr, "osqueryctl: %s: %s\n", path, strerror(errno));
		_exit(127);
	}
	if (pid < 0) {
		fprintf(stderr, "osqueryctl: %s\n", strerror(errno));
		return CODE_FAILED;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return CODE_FAILED;
	return WIFEXITED(status) ? WEXITSTATUS(status) : CODE_FAILED;
}

static bool has_unit(void)
{
	static const char *const folders[] = { "/etc/systemd/system", "/run/systemd/system",
		"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system" };
	char path[96];

	if (access("/run/systemd/system", F_OK) < 0)
		return false;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		(void) snprintf(path, sizeof(path), "%s/osqueryd.service", folders[i]);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static int ask_systemd(const char *command)
{
	char *const arguments[] = { (char *) (uintptr_t) "systemctl",
		(char *) (uintptr_t) "--no-pager", (char *) (uintptr_t) command,
		(char *) (uintptr_t) "osqueryd.service", NULL };

	return run_program("systemctl", arguments);
}

// The osqueryd beside this program: its name is the one to be seen in lists of processes.
static int find_daemon(char path[PATH_MAX])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - sizeof("/osqueryd"));
	char *slash;

	if (length <= 0)
		return -ENOENT;
	path[length] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return -ENOENT;
	memcpy(slash, "/osqueryd", sizeof("/osqueryd"));
	return access(path, X_OK) < 0 ? -errno : 0;
}

// Runs the daemon with the flags that are in force here, of files and command line, and one more.
static int run_daemon(const struct flags *flags, const char *more)
{
	// the file keeps the daemon from reading its default one besides
	const char *arguments[FLAGS_MAX + 4] = { "osqueryd", "--flagfile=/dev/null" };
	struct arena arena = { 0 };
	size_t n = 2;
	char path[PATH_MAX];
	int code;

	if (find_daemon(path) < 0) {
		fprintf(stderr, "osqueryctl: %s is missing\n", path);
		return CODE_FAILED;
	}
	for (size_t i = 0; i < n_flags; i++)
		if (flags->set[i])
			arguments[n++] = arena_printf(
				&arena, "--%s=%s", flag_list[i].name, flags->set[i]);
	arguments[n++] = more;
	arguments[n] = NULL;
	code = run_program(path, (char *const *) (uintptr_t) arguments);
	arena_done(&arena);
	return code;
}

// ---- commands ----

static pid_t find(const struct flags *flags, int *pidfd)
{
	struct fault why;
	pid_t pid = pidfile_holder(flags_string(flags, "pidfile"), pidfd, &why);

	if (pid < 0)
		fprintf(stderr, "osqueryctl: %s\n", why.text);
	return pid;
}

static int start(const struct flags *flags, const char *word)
{
	auto_close int pidfd = -1;
	pid_t pid = find(flags, &pidfd);
	int code;

	(void) word;
	if (pid < 0)
		return CODE_FAILED;
	if (pid > 0) {
		printf("osqueryd (%d) is already running\n", pid);
		return CODE_DONE;
	}
	code = run_daemon(flags, "--daemonize=true");
	if (code == 0)
		puts("osqueryd is started");
	return code;
}

static int stop(const struct flags *flags, const char *word)
{
	int64_t patience_ms = clock_from_s(flags_integer(flags, "alarm_timeout")) + KILL_MORE_MS;
	auto_close int pidfd = -1;
	pid_t pid = find(flags, &pidfd);
	int r;

	(void) word;
	if (pid < 0)
		return CODE_FAILED;
	if (pid == 0) {
		puts("osqueryd is not running");
		return CODE_DONE;
	}
	r = pidfile_end(pidfd, patience_ms);
	if (r < 0) {
		fprintf(stderr, "osqueryctl: osqueryd (%d) can't be ended: %s\n", pid,
			strerror(-r));
		return CODE_FAILED;
	}
	printf("osqueryd (%d) is stopped\n", pid);
	return CODE_DONE;
}

static int restart(const struct flags *flags, const char *word)
{
	int code = stop(flags, word);

	return code == CODE_DONE ? start(flags, word) : code;
}

static int status(const struct flags *flags, const char *word)
{
	auto_close int pidfd = -1;
	pid_t pid = find(flags, &pidfd);

	(void) word;
	if (pid < 0)
		return CODE_UNKNOWN;
	if (pid == 0) {
		puts("osqueryd is not running");
		return CODE_NOT_RUNNING;
	}
	printf("osqueryd (%d) is running\n", pid);
	return CODE_DONE;
}

static int check_config(const struct flags *flags, const char *path)
{
	struct flags changed = *flags;
	struct fault why;
	int code;

	if (!path)
		return run_daemon(flags, "--config_check=true");
	// a copy with one member of its own
	changed.set[flag_find("config_path") - flag_list] = NULL;
	if (flags_set(&changed, "config_path", path, &why) < 0) {
		fprintf(stderr, "osqueryctl: %s\n", why.text);
		return CODE_FAILED;
	}
	code = run_daemon(&changed, "--config_check=true");
	free(changed.set[flag_find("config_path") - flag_list]);
	return code;
}

static const struct command commands[] = {
	{ "start", 0, start, true },
	{ "stop", 0, stop, true },
	{ "restart", 0, restart, true },
	{ "status", 0, status, true },
	{ "config-check", 1, check_config, false },
};

void control_help(FILE *file)
{
	fputs("Usage: osqueryctl [FLAG]... start|stop|restart|status|config-check [PATH]\n\n"
	      "The daemon gets the flags of --flagfile, else of /etc/osquery/osquery.flags, and\n"
	      "those of the command line. Without flags there, systemd is asked to do it where it\n"
	      "knows the service. config-check takes the configuration at PATH, if there is one.\n",
		file);
}

int control_run(const struct flags *flags, bool by_itself, int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct command *command = &commands[i];

		if (strcmp(name, command->name) != 0 || argc - 2 > command->most_words)
			continue;
		if (command->by_systemd && !by_itself && has_unit())
			return ask_systemd(command->name);
		return command->run(flags, argc > 2 ? argv[2] : NULL);
	}
	control_help(stderr);
	return CODE_FAILED;
}
