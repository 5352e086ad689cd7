// SPDX-License-Identifier: Apache-2.0
// --help and --version.
#include <stdio.h>
#include <string.h>

#include "shell/shell.h"
#include "version.h"

static bool has_word(int argc, char **argv, const char *const *words)
{
	for (int i = 1; i < argc; i++)
		for (const char *const *word = words; *word; word++)
			if (strcmp(argv[i], *word) == 0)
				return true;
	return false;
}

bool shell_wants_help(int argc, char **argv)
{
	static const char *const words[] = { "--help", "-help", "-h", "--h", "--helpfull",
		"-helpfull", NULL };

	return has_word(argc, argv, words);
}

bool shell_wants_version(int argc, char **argv)
{
	static const char *const words[] = { "--version", "-version", NULL };

	return has_word(argc, argv, words);
}

static const char *base_name(const char *program)
{
	const char *slash = strrchr(program, '/');

	return slash ? slash + 1 : program;
}

void shell_version(const char *program)
{
	printf("%s version %s\n", base_name(program), HOSTQL_VERSION);
}

static void print_group(enum flag_kind kind, const char *title)
{
	static const char *const types[] = {
		[FLAG_BOOL] = "",
		[FLAG_STRING] = " TEXT",
		[FLAG_INT32] = " NUMBER",
		[FLAG_UINT32] = " NUMBER",
		[FLAG_UINT64] = " NUMBER",
	};

	printf("\n%s\n\n", title);
	for (size_t i = 0; i < n_flags; i++) {
		const struct flag *flag = &flag_list[i];
		char name[96];

		if (flag->kind != kind)
			continue;
		(void) snprintf(name, sizeof(name), "--%s%s", flag->name, types[flag->type]);
		printf("    %-44s %s", name, flag->about);
		if (*flag->initial && strcmp(flag->initial, "false") != 0)
			printf(" [%s]", flag->initial);
		printf("%s\n", flag->idle ? " (accepted, does nothing yet)" : "");
	}
}

void shell_help(const char *program, bool daemon)
{
	const char *name = base_name(program);

	if (daemon)
		printf("%s %s: asks this host questions on a schedule and logs the answers.\n"
		       "Usage: %s [FLAG]...\n\n",
			name, HOSTQL_VERSION, name);
	else
		printf("%s %s: ask this host questions in SQL.\n"
		       "Usage: %s [FLAG]... [SQL or .COMMAND]\n\n"
		       "Without SQL it reads statements from a person or from standard input; "
		       ".help there\nlists the commands. ",
			name, HOSTQL_VERSION, name);
	printf("Flags take one or two dashes, --name=value or --name value; --name\n"
	       "and --noname set a switch. --flagfile FILE reads flags from a file, one a line.\n");
	print_group(FLAG_CLI, "Command line only:");
	print_group(FLAG_OPTION, "Command line or configuration:");
	if (!daemon)
		print_group(FLAG_SHELL, "Shell only:");
}
