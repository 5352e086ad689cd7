// SPDX-License-Identifier: Apache-2.0
// Meta commands: what a person may type after a dot. One row of the table below each.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>

#include "base/base.h"
#include "base/clock.h"
#include "shell/session.h"

enum { ARGUMENTS = 50 };

struct command {
	const char *name;
	int least, most; // arguments
	const char *usage, *about;
	int (*run)(struct session *session, int n, char **arguments);
};

static const struct command *command_at(size_t at);

static bool parse_switch(const char *word)
{
	static const char *const yes[] = { "on", "yes", "y", "t", "true", "ok", "enable" };
	static const char *const no[] = { "off", "no", "n", "f", "false", "disable" };

	if (isdigit((unsigned char) *word))
		return strtol(word, NULL, 0) != 0;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (strcasecmp(word, yes[i]) == 0)
			return true;
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (strcasecmp(word, no[i]) == 0)
			return false;
	fprintf(stderr, "Error: not a switch: \"%s\". Taken as \"no\".\n", word);
	return false;
}

static const char *on_off(bool on)
{
	return on ? "on" : "off";
}

// Runs SQL on behalf of a command.
static int ask(struct session *session, const char *sql)
{
	struct fault why;
	int code = session_query(session, sql, &why);

	if (code != 0)
		fprintf(stderr, "Error: %s\n", why.text);
	return code;
}

// ---- tables ----

static bool is_known(struct session *session, const char *name)
{
	char *sql = sqlite3_mprintf("SELECT 1 FROM sqlite_master WHERE name = %Q "
				    "UNION SELECT 1 FROM sqlite_temp_master WHERE name = %Q",
		name, name);
	sqlite3_stmt *statement = NULL;
	const char *rest;
	bool known;

	known = sql_find_table(session->sql, name) ||
		(sql_prepare(session->sql, sql, &rest, &statement, NULL) > 0 &&
			sql_step(session->sql, statement, NULL) > 0);
	(void) sqlite3_finalize(statement);
	sqlite3_free(sql);
	return known;
}

static int show_all(struct session *session, int n, char **arguments)
{
	struct fault why;
	char *sql;
	int code;

	(void) n;
	if (!is_known(session, arguments[0])) {
		fprintf(stderr, "Error querying table: %s\n", arguments[0]);
		return SQLITE_ERROR;
	}
	sql = sqlite3_mprintf("SELECT * FROM \"%w\"", arguments[0]);
	code = session_query(session, sql, &why);
	sqlite3_free(sql);
	if (code != 0)
		fprintf(stderr, "Error querying table: %s: %s\n", arguments[0], why.text);
	return code;
}

static int show_tables(struct session *session, int n, char **arguments)
{
	for (size_t i = 0; i < sql_n_tables(session->sql); i++) {
		const char *name = sql_table(session->sql, i)->name;

		if (n == 0 || text_starts(name, arguments[0]))
			fprintf(session->printer.file, "  => %s\n", name);
	}
	return 0;
}

static int show_schema(struct session *session, int n, char **arguments)
{
	for (size_t i = 0; i < sql_n_tables(session->sql); i++) {
		const struct table *table = sql_table(session->sql, i);
		auto_free char *definition = NULL;

		if (n > 0 && !text_starts(table->name, arguments[0]))
			continue;
		definition = table_definition(table);
		fprintf(session->printer.file, "CREATE TABLE %s%s;\n", table->name, definition);
	}
	return 0;
}

static int describe(struct session *session, int n, char **arguments)
{
	session_describe(session, n > 0 ? arguments[0] : "");
	return 0;
}

static const char *type_of(sqlite3_stmt *statement, int column, bool row)
{
	const char *declared = sqlite3_column_decltype(statement, column);

	if (declared)
		return declared;
	switch (row ? sqlite3_column_type(statement, column) : SQLITE_NULL) {
	case SQLITE_INTEGER:
		return "BIGINT";
	case SQLITE_FLOAT:
		return "DOUBLE";
	case SQLITE_TEXT:
		return "TEXT";
	case SQLITE_BLOB:
		return "BLOB";
	default:
		return "UNKNOWN";
	}
}

static int show_types(struct session *session, int n, char **arguments)
{
	sqlite3_stmt *statement;
	const char *rest;
	struct fault why;
	bool row;

	(void) n;
	if (sql_prepare(session->sql, arguments[0], &rest, &statement, &why) <= 0) {
		fprintf(stderr, "Error: %s\n", why.text);
		return 1;
	}
	// an expression has no declared type: its first value tells
	row = sql_step(session->sql, statement, NULL) > 0;
	for (int i = 0; i < sqlite3_column_count(statement); i++)
		fprintf(session->printer.file, "%s %s\n", sqlite3_column_name(statement, i),
			type_of(statement, i, row));
	(void) sqlite3_finalize(statement);
	return 0;
}

// ---- how answers are shown ----

static int set_mode(struct session *session, int n, char **arguments)
{
	static const enum mode modes[] = { MODE_LINE, MODE_COLUMN, MODE_LIST, MODE_PRETTY, MODE_CSV,
		MODE_JSON, MODE_JSON_PRETTY };

	(void) n;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(arguments[0], mode_name(modes[i])) != 0)
			continue;
		session->printer.mode = modes[i];
		if (modes[i] == MODE_CSV)
			(void) snprintf(session->printer.separator, OUTPUT_SEPARATOR, ",");
		return 0;
	}
	fprintf(stderr,
		"Error: mode should be one of: column csv json json_pretty line list pretty\n");
	return 1;
}

static int set_headers(struct session *session, int n, char **arguments)
{
	(void) n;
	session->printer.headers = parse_switch(arguments[0]);
	return 0;
}

static int set_separator(struct session *session, int n, char **arguments)
{
	(void) n;
	(void) snprintf(session->printer.separator, OUTPUT_SEPARATOR, "%s", arguments[0]);
	return 0;
}

static int set_null_value(struct session *session, int n, char **arguments)
{
	(void) n;
	(void) snprintf(session->printer.null_value, OUTPUT_SEPARATOR, "%s", arguments[0]);
	return 0;
}

static int set_widths(struct session *session, int n, char **arguments)
{
	session->printer.n_widths = (unsigned) n;
	for (int i = 0; i < n; i++)
		session->printer.widths[i] = (unsigned) strtoul(arguments[i], NULL, 10) % 10000;
	return 0;
}

static int set_bail(struct session *session, int n, char **arguments)
{
	(void) n;
	session->bail = parse_switch(arguments[0]);
	return 0;
}

static int set_echo(struct session *session, int n, char **arguments)
{
	(void) n;
	session->echo = parse_switch(arguments[0]);
	return 0;
}

static int set_timer(struct session *session, int n, char **arguments)
{
	(void) n;
	session->timer = parse_switch(arguments[0]);
	return 0;
}

static int set_timeout(struct session *session, int n, char **arguments)
{
	(void) session;
	(void) n;
	(void) arguments; // tables are never locked by another: there is nothing to wait for
	return 0;
}

static int print_words(struct session *session, int n, char **arguments)
{
	for (int i = 0; i < n; i++)
		fprintf(session->printer.file, "%s%s", i ? " " : "", arguments[i]);
	fputc('\n', session->printer.file);
	return 0;
}

// ---- about the program ----

static int show_features(struct session *session, int n, char **arguments)
{
	(void) n;
	(void) arguments;
	for (size_t i = 0; i < n_flags; i++) {
		const struct flag *flag = &flag_list[i];

		if (flag->type == FLAG_BOOL && flag->kind != FLAG_UNLISTED &&
			(text_starts(flag->name, "enable_") || text_starts(flag->name, "disable_")))
			fprintf(session->printer.file, "%s: %s\n", flag->name,
				flags_string(session->flags, flag->name));
	}
	return 0;
}

static int show_version(struct session *session, int n, char **arguments)
{
	(void) n;
	(void) arguments;
	fprintf(session->printer.file, "osquery %s\nusing SQLite %s\n", session->agent.version,
		sqlite3_libversion());
	return 0;
}

static int show_socket(struct session *session, int n, char **arguments)
{
	(void) n;
	(void) arguments;
	fprintf(session->printer.file, "%s\n", flags_string(session->flags, "extensions_socket"));
	return 0;
}

static int show_summary(struct session *session, int n, char **arguments)
{
	const struct printer *printer = &session->printer;
	FILE *file = printer->file;

	(void) n;
	(void) arguments;
	fprintf(file, "osquery %s, SQLite %s, %zu tables\n", session->agent.version,
		sqlite3_libversion(), sql_n_tables(session->sql));
	fprintf(file, "%11s: %s\n", "bail", on_off(session->bail));
	fprintf(file, "%11s: %s\n", "echo", on_off(session->echo));
	fprintf(file, "%11s: %s\n", "headers", on_off(printer->headers));
	fprintf(file, "%11s: %s\n", "mode", mode_name(printer->mode));
	fprintf(file, "%11s: \"%s\"\n", "nullvalue", printer->null_value);
	fprintf(file, "%11s: \"%s\"\n", "separator", printer->separator);
	fprintf(file, "%11s: %s\n", "timer", on_off(session->timer));
	fprintf(file, "%11s:", "width");
	for (unsigned i = 0; i < printer->n_widths; i++)
		fprintf(file, " %u", printer->widths[i]);
	fprintf(file, "\n%11s: %s\n", "root", flags_string(session->flags, "host_root"));
	return 0;
}

static int connect_socket(struct session *session, int n, char **arguments)
{
	(void) session;
	(void) n;
	fprintf(stderr, "Error: .connect %s: extensions are not available yet\n", arguments[0]);
	return 1;
}

static int disconnect_socket(struct session *session, int n, char **arguments)
{
	(void) session;
	(void) n;
	(void) arguments;
	fprintf(stderr, "Error: not connected to an extension socket\n");
	return 1;
}

static int leave(struct session *session, int n, char **arguments)
{
	session->leave = true;
	session->exit_code = n > 0 ? (int) strtol(arguments[0], NULL, 10) : 0;
	return 0;
}

static int show_help(struct session *session, int n, char **arguments)
{
	(void) session;
	(void) n;
	(void) arguments;
	fprintf(stderr, "Statements end with a semicolon; commands begin with a dot:\n\n");
	for (size_t i = 0; command_at(i); i++) {
		const struct command *command = command_at(i);
		char usage[48];

		(void) snprintf(usage, sizeof(usage), ".%s %s", command->name, command->usage);
		fprintf(stderr, "%-28s %s\n", usage, command->about);
	}
	return 0;
}

// ---- profile ----

static int profile(struct session *session, int n, char **arguments)
{
	enum mode mode = session->printer.mode;
	struct sql_table_use uses[64];
	struct rusage before, after;
	int64_t began_ms = clock_ms(), most_bytes;
	size_t n_uses;
	int code;

	(void) n;
	(void) getrusage(RUSAGE_SELF, &before);
	session->printer.mode = MODE_QUIET;
	code = ask(session, arguments[0]);
	session->printer.mode = mode;
	if (code != 0)
		return code;
	(void) getrusage(RUSAGE_SELF, &after);
	(void) sql_memory(session->sql, &most_bytes);
	n_uses = sql_table_uses(session->sql, uses, sizeof(uses) / sizeof(uses[0]));

	fprintf(session->printer.file, "%10s: %llu\n%10s: %lld ms\n%10s: %.0f ms\n%10s: %.0f ms\n",
		"rows", session->printer.rows, "wall", (long long) (clock_ms() - began_ms), "user",
		(session_seconds(after.ru_utime) - session_seconds(before.ru_utime)) * 1e3,
		"system",
		(session_seconds(after.ru_stime) - session_seconds(before.ru_stime)) * 1e3);
	fprintf(session->printer.file, "%10s: %lld KB\n", "memory", (long long) most_bytes / 1024);
	for (size_t i = 0; i < n_uses; i++)
		fprintf(session->printer.file, "%10s: %s, %llu scans, %llu rows\n", "table",
			uses[i].table->name, (unsigned long long) uses[i].scans,
			(unsigned long long) uses[i].rows);
	return 0;
}

// ---- the list ----

// `most` of -1: the rest of the line is one argument.
static const struct command commands[] = {
	{ "all", 1, 1, "TABLE", "Show all rows of a table.", show_all },
	{ "bail", 1, 1, "on|off", "Stop at the first error.", set_bail },
	{ "connect", 1, 1, "PATH", "Ask another process over its extension socket.",
		connect_socket },
	{ "describe", 0, 1, "[PREFIX]", "Show what tables say of themselves, as JSON.", describe },
	{ "disconnect", 0, 0, "", "Ask this process again.", disconnect_socket },
	{ "echo", 1, 1, "on|off", "Print each statement before it runs.", set_echo },
	{ "exit", 0, 1, "[CODE]", "Leave.", leave },
	{ "features", 0, 0, "", "Show the switches that enable or disable something.",
		show_features },
	{ "headers", 1, 1, "on|off", "Show names of columns.", set_headers },
	{ "help", 0, 0, "", "Show this.", show_help },
	{ "list", 0, 1, "[PREFIX]", "As .tables.", show_tables },
	{ "mode", 1, 1, "MODE",
		"Show answers as column, csv, json, json_pretty, line, list or pretty.", set_mode },
	{ "nullvalue", 1, 1, "TEXT", "Show TEXT for NULL.", set_null_value },
	{ "print", 0, ARGUMENTS, "TEXT...", "Print the words.", print_words },
	{ "profile", 1, -1, "SQL", "Run a query for its cost: time, memory, rows of each table.",
		profile },
	{ "quit", 0, 0, "", "Leave.", leave },
	{ "schema", 0, 1, "[PREFIX]", "Show how tables are declared.", show_schema },
	{ "separator", 1, 1, "TEXT", "Put TEXT between the columns of mode list and csv.",
		set_separator },
	{ "show", 0, 0, "", "Show the settings.", show_summary },
	{ "socket", 0, 0, "", "Show the extension socket.", show_socket },
	{ "summary", 0, 0, "", "As .show.", show_summary },
	{ "tables", 0, 1, "[PREFIX]", "Show the names of tables.", show_tables },
	{ "timeout", 1, 1, "MS", "Accepted; tables are never locked.", set_timeout },
	{ "timer", 1, 1, "on|off", "Show how long each query took.", set_timer },
	{ "types", 1, -1, "SQL", "Show the types of a query's columns.", show_types },
	{ "version", 0, 0, "", "Show versions.", show_version },
	{ "width", 0, OUTPUT_WIDTHS, "N...", "Set the widths of mode column.", set_widths },
};

static const size_t n_commands = sizeof(commands) / sizeof(commands[0]);

static const struct command *command_at(size_t at)
{
	return at < n_commands ? &commands[at] : NULL;
}

// The whole name, else the first one that starts with what was typed.
static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < n_commands; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	for (size_t i = 0; *name && i < n_commands; i++)
		if (text_starts(commands[i].name, name))
			return &commands[i];
	return NULL;
}

// ---- reading a line ----

static char unescape(const char **at)
{
	static const char letters[] = "ntr\\\"'", meanings[] = "\n\t\r\\\"'";
	const char *found = **at ? strchr(letters, **at) : NULL;

	if (**at >= '0' && **at <= '7') {
		unsigned value = 0;

		for (int i = 0; i < 3 && **at >= '0' && **at <= '7'; i++)
			value = value * 8 + (unsigned) (*(*at)++ - '0');
		return (char) value;
	}
	if (**at == '\0')
		return '\\';
	(*at)++;
	return found ? meanings[found - letters] : (*at)[-1];
}

// Cuts the next argument off: a word, or what stands in quotes. Backslashes escape except within
// '…'.
static char *next_argument(const char **at, struct arena *arena)
{
	char quote = '\0';
	char *argument, *end;

	*at += strspn(*at, " \t\r\n");
	if (**at == '\0')
		return NULL;
	argument = end = arena_alloc(arena, strlen(*at) + 1);
	if (**at == '"' || **at == '\'')
		quote = *(*at)++;
	while (**at && (quote ? **at != quote : !strchr(" \t\r\n", **at))) {
		char character = *(*at)++;

		*end++ = character == '\\' && quote != '\'' ? unescape(at) : character;
	}
	if (quote && **at == quote)
		(*at)++;
	*end = '\0';
	return argument;
}

static int complain(const char *name)
{
	fprintf(stderr,
		"Error: unknown command or invalid arguments:  \"%s\". Enter \".help\" for help\n",
		name);
	return 1;
}

int session_command(struct session *session, const char *line)
{
	struct arena arena = { 0 };
	char *arguments[OUTPUT_WIDTHS];
	const char *at = line + 1;
	const char *name = next_argument(&at, &arena);
	const struct command *command = find_command(name ? name : "");
	int n = 0, r;

	if (command && command->most < 0) {
		char *rest = text_trim(arena_copy(&arena, at, strlen(at)));

		if (*rest)
			arguments[n++] = rest;
	} else {
		while (n < OUTPUT_WIDTHS && (arguments[n] = next_argument(&at, &arena)))
			n++;
	}
	if (!command || n < command->least || (command->most >= 0 && n > command->most))
		r = complain(name ? name : "");
	else
		r = command->run(session, n, arguments);
	(void) fflush(session->printer.file);
	arena_done(&arena);
	return r;
}

// ---- completion ----

static void add_name(char ***names, size_t *n, const char *name, const char *prefix)
{
	if (strncasecmp(name, prefix, strlen(prefix)) != 0)
		return;
	for (size_t i = 0; i < *n; i++)
		if (strcmp((*names)[i], name) == 0)
			return;
	*names = must_resize(*names, (*n + 2) * sizeof(**names));
	(*names)[(*n)++] = must_dup(name);
	(*names)[*n] = NULL;
}

static void add_functions(struct session *session, char ***names, size_t *n, const char *prefix)
{
	sqlite3_stmt *statement;
	const char *rest;

	if (sql_prepare(session->sql, "SELECT DISTINCT name FROM pragma_function_list", &rest,
		    &statement, NULL) <= 0)
		return;
	while (sql_step(session->sql, statement, NULL) > 0)
		add_name(names, n, (const char *) sqlite3_column_text(statement, 0), prefix);
	(void) sqlite3_finalize(statement);
}

char **session_complete(struct session *session, const char *prefix)
{
	static const char *const keywords[] = { "SELECT", "FROM", "WHERE", "JOIN", "LEFT", "USING",
		"GROUP BY", "ORDER BY", "HAVING", "LIMIT", "DISTINCT", "LIKE", "GLOB", "BETWEEN",
		"UNION", "CASE", "WHEN", "THEN", "ELSE", "EXPLAIN QUERY PLAN", "EXISTS", "COLLATE",
		"NULL", "WITH", "RECURSIVE" };
	char **names = must_alloc(sizeof(*names));
	size_t n = 0;

	names[0] = NULL;
	if (*prefix == '.') {
		for (size_t i = 0; i < n_commands; i++) {
			char name[32];

			(void) snprintf(name, sizeof(name), ".%s", commands[i].name);
			add_name(&names, &n, name, prefix);
		}
		return names;
	}
	for (size_t i = 0; i < sql_n_tables(session->sql); i++) {
		const struct table *table = sql_table(session->sql, i);

		add_name(&names, &n, table->name, prefix);
		for (size_t j = 0; *prefix && j < table->n_columns; j++)
			if (!(table->columns[j].options & HIDDEN))
				add_name(&names, &n, table->columns[j].name, prefix);
	}
	if (*prefix) {
		add_functions(session, &names, &n, prefix);
		for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
			add_name(&names, &n, keywords[i], prefix);
	}
	return names;
}
