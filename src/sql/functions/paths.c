// SPDX-License-Identifier: Apache-2.0
// Paths: their folder, and the program that a command line begins with.
#include <string.h>

#include "host/host.h"
#include "sql/sql.h"

static void call_parent_directory(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	const char *path, *slash;

	(void) n;
	if (sqlite3_value_type(arguments[0]) != SQLITE_TEXT) {
		sqlite3_result_error(
			context, "Invalid inputs to parent_directory, TEXT was expected", -1);
		return;
	}
	path = (const char *) sqlite3_value_text(arguments[0]);
	slash = strrchr(path, '/');
	if (slash)
		sqlite3_result_text(context, path, (int) (slash - path), SQLITE_TRANSIENT);
}

// ---- the program of a command line ----

struct command {
	const char *text;
	bool quoting;
	char escape;
};

static bool is_program(const struct root *root, const char *path)
{
	struct stat status;

	return *path && root_stat(root, path, &status, 0) == 0 && !S_ISDIR(status.st_mode);
}

// What was found: the first and the longest prefix that is a file, and the whole text, all without
// their escapes and quotes.
struct found {
	struct text first, longest, whole;
};

static void consider(const struct root *root, struct found *found)
{
	if (found->whole.length == 0 || !is_program(root, found->whole.bytes))
		return;
	if (found->first.length == 0)
		text_add(&found->first, found->whole.bytes, found->whole.length);
	text_clear(&found->longest);
	text_add(&found->longest, found->whole.bytes, found->whole.length);
}

static void find_programs(
	const struct root *root, const struct command *command, struct found *found)
{
	bool quoted = false;

	for (const char *at = command->text; *at; at++) {
		if (*at == command->escape && at[1]) {
			text_add_char(&found->whole, *++at);
		} else if (*at == '"' && command->quoting) {
			quoted = !quoted;
		} else {
			if (*at == ' ' && !quoted)
				consider(root, found);
			text_add_char(&found->whole, *at);
		}
	}
	consider(root, found);
}

static void found_done(struct found *found)
{
	text_done(&found->first);
	text_done(&found->longest);
	text_done(&found->whole);
}

// Takes (command [, quoting [, escape]]).
static bool get_command(int n, sqlite3_value **arguments, struct command *command)
{
	const char *escape = n > 2 ? (const char *) sqlite3_value_text(arguments[2]) : "\\";

	for (int i = 0; i < n; i++)
		if (sqlite3_value_type(arguments[i]) == SQLITE_NULL)
			return false;
	if (n < 1 || n > 3 || !escape || strlen(escape) != 1)
		return false;
	*command = (struct command){
		.text = (const char *) sqlite3_value_text(arguments[0]),
		.quoting = n > 1 && sqlite3_value_int64(arguments[1]) != 0,
		.escape = *escape,
	};
	return true;
}

static void call_find(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	struct found found = { 0 };
	struct command command;

	if (!get_command(n, arguments, &command)) {
		sqlite3_result_error(context, "Invalid inputs to find_binary_path_from_cmd", -1);
		return;
	}
	find_programs(&sql_function_host(context)->root, &command, &found);
	sqlite3_result_text(context, found.first.bytes ? found.first.bytes : "",
		(int) found.first.length, SQLITE_TRANSIENT);
	found_done(&found);
}

static void call_is_deterministic(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	struct found found = { 0 };
	struct command command;

	if (!get_command(n, arguments, &command)) {
		sqlite3_result_error(context, "Invalid inputs to is_path_deterministic", -1);
		return;
	}
	find_programs(&sql_function_host(context)->root, &command, &found);
	sqlite3_result_int(context,
		found.first.length == 0 || found.first.length == found.whole.length ||
			found.first.length == found.longest.length);
	found_done(&found);
}

static const struct function list[] = {
	{ "parent_directory", 1, call_parent_directory, "A path without its last part." },
	{ "find_file_path_in_cmd", -1, call_find,
		"The file that a command line begins with, cut at its blanks.", .impure = true },
	{ "is_path_deterministic", -1, call_is_deterministic,
		"1 if only one file can be the beginning of the command line.", .impure = true },
};

const struct functions functions_paths = {
	.name = "paths",
	.list = list,
	.n = sizeof(list) / sizeof(list[0]),
};
