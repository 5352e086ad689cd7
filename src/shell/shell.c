// SPDX-License-Identifier: Apache-2.0
#include "shell/shell.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "output/names.h"
#include "shell/session.h"
#include "tables/tables.h"
#include "version.h"

enum { PROGRESS_AFTER_MS = 1000 };

// The query that an interrupt cancels. A signal handler has no other way to know it.
static struct sql *volatile running;

static void on_interrupt(int signal)
{
	struct sql *sql = running;

	(void) signal;
	if (sql)
		sql_cancel(sql);
}

double session_seconds(struct timeval time)
{
	return (double) time.tv_sec + (double) time.tv_usec / 1e6;
}

// ---- one query ----

// Called while a query runs: after a second, one line shows how far it is.
static void report_progress(void *context)
{
	struct session *session = context;
	int64_t elapsed_ms = clock_ms() - session->began_ms;

	if (elapsed_ms < PROGRESS_AFTER_MS)
		return;
	fprintf(stderr, "\r\033[K%llu rows, %lld.%lld s", session->printer.rows,
		(long long) elapsed_ms / 1000, (long long) elapsed_ms / 100 % 10);
	session->reported = true;
}

static void clear_progress(struct session *session)
{
	if (session->reported)
		fputs("\r\033[K", stderr);
	session->reported = false;
}

static int run_statement(struct session *session, sqlite3_stmt *statement, struct fault *why)
{
	int r;

	printer_statement(&session->printer, statement);
	while ((r = sql_step(session->sql, statement, why)) > 0) {
		if (session->reported && session->printer.mode != MODE_PRETTY)
			clear_progress(session);
		printer_row(&session->printer, statement);
	}
	return r;
}

static void explain_plan(struct session *session, const char *sql)
{
	auto_text struct text explain = { 0 };
	sqlite3_stmt *statement;
	const char *rest;

	text_printf(&explain, "EXPLAIN QUERY PLAN %s", sql);
	if (sql_prepare(session->sql, explain.bytes, &rest, &statement, NULL) <= 0)
		return;
	while (sql_step(session->sql, statement, NULL) > 0)
		fprintf(stderr, "planner: %s\n", sqlite3_column_text(statement, 3));
	(void) sqlite3_finalize(statement);
}

static int run_all(struct session *session, const char *text, struct fault *why)
{
	int r = 0;

	while (*text && r >= 0 && !session->leave) {
		sqlite3_stmt *statement;

		if (flags_bool(session->flags, "planner"))
			explain_plan(session, text);
		r = sql_prepare(session->sql, text, &text, &statement, why);
		if (r <= 0)
			break;
		r = run_statement(session, statement, why);
		(void) sqlite3_finalize(statement);
	}
	return r;
}

static void report_time(const struct session *session, const struct rusage *before)
{
	struct rusage after;

	(void) getrusage(RUSAGE_SELF, &after);
	fprintf(session->printer.file, "Run Time: real %.3f user %.6f sys %.6f\n",
		(double) (clock_ms() - session->began_ms) / 1e3,
		session_seconds(after.ru_utime) - session_seconds(before->ru_utime),
		session_seconds(after.ru_stime) - session_seconds(before->ru_stime));
}

int session_query(struct session *session, const char *text, struct fault *why)
{
	struct rusage before;
	int r;

	session->began_ms = clock_ms();
	(void) getrusage(RUSAGE_SELF, &before);
	printer_begin(&session->printer);
	running = session->sql;
	r = run_all(session, text, why);
	running = NULL;
	clear_progress(session);
	printer_end(&session->printer);
	if (session->timer)
		report_time(session, &before);
	if (r >= 0)
		return 0;
	return sql_code(session->sql) ? sql_code(session->sql) : 1;
}

// ---- ways in ----

static int run_once(struct session *session, const char *text)
{
	struct fault why;
	int code;

	text += strspn(text, " \t\r\n");
	if (*text == '.') {
		code = session_command(session, text);
		return session->leave ? session->exit_code : code;
	}
	code = session_query(session, text, &why);
	if (code != 0)
		fprintf(stderr, "Error: %s\n", why.text);
	return code;
}

static int profile(struct session *session, const char *text, int64_t times)
{
	int code = 0;

	if (!text || !*text) {
		fputs("Error: --profile needs a query\n", stderr);
		return 2;
	}
	session->printer.mode = MODE_QUIET;
	for (int64_t i = 0; i < times && code == 0; i++)
		code = run_once(session, text);
	return code;
}

static int run_file(struct session *session, const char *path)
{
	auto_fclose FILE *file = fopen(path, "re");

	if (!file) {
		fprintf(stderr, "Error: %s: %s\n", path, strerror(errno));
		return 1;
	}
	return session_read(session, file);
}

static int print_all(struct session *session, const char *table)
{
	auto_text struct text command = { 0 };

	text_printf(&command, ".all %s", table);
	return session_command(session, command.bytes);
}

static int run_queries(struct session *session, const struct config_pack *pack)
{
	for (size_t i = 0; i < pack->n_queries; i++) {
		const struct config_query *query = &pack->queries[i];
		struct fault why;
		int code = session_query(session, query->sql, &why);

		if (code != 0) {
			fprintf(stderr, "Could not execute query %s: %s\nError: %s\n", query->name,
				query->sql, why.text);
			return code;
		}
	}
	return 0;
}

// Several sources may have a pack of that name, as each may have a schedule.
static int run_pack(struct session *session, const char *name)
{
	int code = 0;

	for (size_t i = 0; session->config && i < session->config->n_packs && code == 0; i++)
		if (strcmp(session->config->packs[i].name, name) == 0)
			code = run_queries(session, &session->config->packs[i]);
	return code;
}

static int dispatch(struct session *session, const char *word)
{
	const struct flags *flags = session->flags;
	const char *query = flags_string(flags, "query");
	int64_t times = flags_integer(flags, "profile");

	if (!*query && word)
		query = word;
	if (flags_bool(flags, "L"))
		return session_command(session, ".tables");
	if (*flags_string(flags, "A"))
		return print_all(session, flags_string(flags, "A"));
	if (times > 0)
		return profile(session, query, times);
	if (*flags_string(flags, "pack"))
		return run_pack(session, flags_string(flags, "pack"));
	if (*flags_string(flags, "query"))
		return run_once(session, query);
	if (*flags_string(flags, "query_file"))
		return run_file(session, flags_string(flags, "query_file"));
	if (word)
		return run_once(session, word);
	if (isatty(STDIN_FILENO))
		return session_interact(session);
	return session_read(session, stdin);
}

// ---- setting up ----

void shell_presets(struct flags *flags)
{
	(void) flags_set(flags, "disable_events", "true", NULL);
}

static void set_default(struct flags *flags, const char *name, const char *value)
{
	if (!flags_is_set(flags, name))
		(void) flags_set(flags, name, value, NULL);
}

// Initial values of the shell that depend on what was set.
static void settle_flags(struct flags *flags, bool one_shot)
{
	const char *home = getenv("HOME");
	auto_text struct text path = { 0 };

	(void) flags_set(flags, "disable_logging", "true", NULL);
	(void) flags_set(flags, "disable_watchdog", "true", NULL);
	set_default(flags, "ignore_table_exceptions", "true");
	set_default(flags, "ignore_registry_exceptions", "true");
	set_default(flags, "hash_delay", "0");
	if (!flags_is_set(flags, "database_path"))
		set_default(flags, "disable_database", "true");
	if (one_shot) {
		(void) flags_set(flags, "disable_caching", "true", NULL);
		set_default(flags, "disable_extensions", "true");
	}
	text_printf(&path, "%s/.osquery/shell.db", home ? home : "/tmp");
	set_default(flags, "database_path", path.bytes);
	text_clear(&path);
	text_printf(&path, "%s/.osquery/shell.em", home ? home : "/tmp");
	set_default(flags, "extensions_socket", path.bytes);
}

static enum mode choose_mode(const struct flags *flags)
{
	if (flags_bool(flags, "list"))
		return MODE_LIST;
	if (flags_bool(flags, "line"))
		return MODE_LINE;
	if (flags_bool(flags, "csv"))
		return MODE_CSV;
	if (flags_bool(flags, "json_pretty"))
		return MODE_JSON_PRETTY;
	return flags_bool(flags, "json") ? MODE_JSON : MODE_PRETTY;
}

static int open_output(struct session *session)
{
	struct printer *printer = &session->printer;
	const char *path = flags_string(session->flags, "output");

	printer->mode = choose_mode(session->flags);
	printer->headers = flags_bool(session->flags, "header");
	(void) snprintf(printer->separator, sizeof(printer->separator), "%s",
		flags_string(session->flags, "separator"));
	(void) snprintf(printer->null_value, sizeof(printer->null_value), "%s",
		flags_string(session->flags, "nullvalue"));
	printer->file = stdout;
	if (*path && strcmp(path, "-") != 0)
		printer->file = fopen(path, "we");
	if (!printer->file) {
		fprintf(stderr, "Error: --output=%s: %s\n", path, strerror(errno));
		return 1;
	}
	printer->terminal = isatty(fileno(printer->file));
	return 0;
}

static void set_log(const struct flags *flags)
{
	int64_t lowest = flags_integer(flags, "logger_min_stderr");

	if (flags_bool(flags, "verbose"))
		log_threshold(LOG_VERBOSE);
	else if (!flags_bool(flags, "logger_stderr"))
		log_threshold(LOG_ERROR + 1);
	else
		log_threshold(lowest > LOG_WARNING ? (enum severity) lowest : LOG_WARNING);
}

static int open_session(struct session *session, struct fault *why)
{
	const struct flags *flags = session->flags;
	struct sql_limits limits = {
		.cpu_ms = flags_integer(flags, "query_cpu_limit"),
		.wall_ms = flags_integer(flags, "query_wall_limit"),
		.memory_bytes = flags_integer(flags, "query_memory_limit") << 20,
	};
	int r;

	session->agent = (struct agent){
		.version = HOSTQL_VERSION,
		.start_time = time(NULL),
		.tables = tables_all,
		.n_tables = n_tables_all,
		.output_name = output_name,
	};
	session_report(session);
	r = host_open(&session->host, flags, &session->agent, why);
	if (r < 0)
		return r;
	session->sql = sql_open(&session->host, why);
	if (!session->sql)
		return why->code;
	sql_limit(session->sql, &limits);
	session->recording = recording_open(&session->host, session->config);
	if (session->config)
		config_apply_tables(session->config, NULL, session->sql);
	return 0;
}

static void catch_interrupt(void)
{
	// without SA_RESTART: a read that waits for a person ends too
	struct sigaction action = { .sa_handler = on_interrupt };

	(void) sigaction(SIGINT, &action, NULL);
	(void) signal(SIGPIPE, SIG_DFL);
}

static int run_session(struct session *session, const char *word)
{
	struct fault why = { 0 };

	if (open_output(session) != 0)
		return 1;
	if (open_session(session, &why) < 0) {
		fprintf(stderr, "Error: %s\n", why.text);
		return 1;
	}
	if (isatty(STDERR_FILENO) && isatty(STDOUT_FILENO))
		sql_on_progress(session->sql, report_progress, session);
	catch_interrupt();
	return dispatch(session, word);
}

int shell_run(struct flags *flags, int argc, char **argv)
{
	struct session session = { .given = flags, .host.root.fd = -1 };
	bool one_shot = argc > 1 || !isatty(STDIN_FILENO);
	int code;

	settle_flags(flags, one_shot);
	set_log(flags);
	if (flags_bool(flags, "config_check"))
		return config_check(flags, HOSTQL_VERSION);
	if (flags_bool(flags, "config_dump"))
		return config_dump(flags);
	session_load_config(&session);
	set_log(session.flags);
	code = run_session(&session, argc > 1 ? argv[1] : NULL);
	sql_close(session.sql);
	recording_close(session.recording, &session.host);
	host_close(&session.host);
	arena_done(&session.reports);
	store_close(session.store);
	free(session.instance_id);
	config_free(session.config);
	flags_done(&session.settled);
	if (session.printer.file &&
		(fflush(session.printer.file) != 0 || ferror(session.printer.file))) {
		fputs("Error: not all output could be written\n", stderr);
		code = code ? code : 1;
	}
	if (session.printer.file && session.printer.file != stdout)
		(void) fclose(session.printer.file);
	return code;
}
