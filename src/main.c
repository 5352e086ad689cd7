// SPDX-License-Identifier: Apache-2.0
// Picks the program by the name it was called with.
#include <stdio.h>
#include <string.h>

#include "base/base.h"
#include "base/flags.h"
#include "daemon/daemon.h"
#include "shell/shell.h"

static const char default_flag_file[] = "/etc/osquery/osquery.flags.default";
static const char control_flag_file[] = "/etc/osquery/osquery.flags";

static const char *program_name(char **argv)
{
	const char *slash = strrchr(argv[0], '/');

	return slash ? slash + 1 : argv[0];
}

// -S and -D choose the program whatever its name; they are looked for before anything is parsed,
// because the initial values of other flags depend on it.
static bool is_daemon(int argc, char **argv)
{
	bool daemon = strstr(program_name(argv), "osqueryd") != NULL;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-S") == 0 || strcmp(argv[i], "--S") == 0)
			daemon = false;
		if (strcmp(argv[i], "-D") == 0 || strcmp(argv[i], "--D") == 0)
			daemon = true;
	}
	return daemon;
}

static bool names_flag_file(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (text_starts(argv[i], "--flagfile") || text_starts(argv[i], "-flagfile"))
			return true;
	return false;
}

// Without --flagfile: the file that osqueryctl keeps for the daemon, or else the default one.
static int read_flags(struct flags *flags, bool control, int *argc, char **argv, struct fault *why)
{
	if (!names_flag_file(*argc, argv)) {
		const char *path = control && access(control_flag_file, R_OK) == 0
			? control_flag_file
			: default_flag_file;
		int r = flags_read_file(flags, path, true, why);

		if (r < 0)
			return r;
	}
	return flags_parse(flags, argc, argv, why);
}

int main(int argc, char **argv)
{
	bool control = strcmp(program_name(argv), "osqueryctl") == 0;
	bool daemon = is_daemon(argc, argv);
	int given = argc;
	struct flags flags = { 0 };
	struct fault why;
	int code = 1;

	if (shell_wants_help(argc, argv)) {
		if (control)
			control_help(stdout);
		else
			shell_help(argv[0], daemon);
		return 0;
	}
	if (shell_wants_version(argc, argv)) {
		shell_version(argv[0]);
		return 0;
	}
	if (!daemon && !control)
		shell_presets(&flags);
	if (read_flags(&flags, control, &argc, argv, &why) < 0)
		fprintf(stderr, "%s\n", why.text);
	else if (control)
		code = control_run(&flags, argc < given, argc, argv);
	else
		code = daemon ? daemon_run(&flags, argc, argv) : shell_run(&flags, argc, argv);
	flags_done(&flags);
	return code;
}
