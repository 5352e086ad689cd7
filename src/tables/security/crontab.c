// SPDX-License-Identifier: Apache-2.0
// Jobs of cron, from the system's tables and those of users (crontab(5)).
#include <ctype.h>
#include <string.h>

#include "host/folder.h"
#include "host/lines.h"
#include "sql/table.h"

enum {
	EVENT,
	MINUTE,
	HOUR,
	DAY_OF_MONTH,
	MONTH,
	DAY_OF_WEEK,
	COMMAND,
	PATH,
	PID_WITH_NAMESPACE,
};

static const struct column columns[] = {
	[EVENT] = { "event", TEXT, "Word in place of a time, like @reboot." },
	[MINUTE] = { "minute", TEXT, "Minutes at which it runs." },
	[HOUR] = { "hour", TEXT, "Hours." },
	[DAY_OF_MONTH] = { "day_of_month", TEXT, "Days of the month." },
	[MONTH] = { "month", TEXT, "Months." },
	[DAY_OF_WEEK] = { "day_of_week", TEXT, "Days of the week, 0 and 7 are Sunday." },
	[COMMAND] = { "command", TEXT,
		"What is run; in tables of the system the user stands before it." },
	[PATH] = { "path", TEXT, "File that says so." },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
};

enum { N_TIMES = DAY_OF_WEEK - MINUTE + 1 };

// NAME=value, where blanks may stand around the '='.
static bool is_setting(const char *line)
{
	size_t length = 0;

	if (*line == '"' || *line == '\'')
		return true;
	while (isalnum((unsigned char) line[length]) || line[length] == '_')
		length++;
	return length > 0 && line[length + strspn(line + length, " \t")] == '=';
}

// Cuts the times or the event off. What is left is the command, NULL if the line is no job.
static char *cut_times(char *line, char *words[N_TIMES])
{
	size_t n = *line == '@' ? 1 : N_TIMES;

	for (size_t i = 0; i < n; i++)
		if (!(words[i] = text_word(&line, " \t")))
			return NULL;
	line = text_trim(line);
	return *line ? line : NULL;
}

static bool give_line(struct scan *scan, const char *path, char *line)
{
	char *words[N_TIMES], *command;
	bool is_event, more;

	line = text_trim(line);
	if (*line == '\0' || *line == '#' || is_setting(line))
		return true;
	is_event = *line == '@';
	command = cut_times(line, words);
	if (!command)
		return true;

	more = scan_row(scan);
	if (is_event)
		scan_text(scan, EVENT, words[0]);
	for (unsigned i = 0; !is_event && i < N_TIMES; i++)
		scan_text(scan, MINUTE + i, words[i]);
	scan_text(scan, COMMAND, command);
	scan_text(scan, PATH, path);
	return more;
}

static bool read_file(struct scan *scan, struct lines *lines, const char *path)
{
	if (lines_open(lines, scan_root(scan), path) < 0)
		return true;
	while (lines_next(lines))
		if (!give_line(scan, path, lines->line))
			return false;
	return true;
}

static int generate(struct scan *scan, struct fault *why)
{
	static const char *const folders[] = { "/etc/cron.d", "/var/at/tabs", "/var/spool/cron",
		"/var/spool/cron/crontabs" };
	auto_lines struct lines lines = { 0 };
	bool more = read_file(scan, &lines, "/etc/crontab");

	(void) why;
	for (size_t i = 0; more && i < sizeof(folders) / sizeof(folders[0]); i++) {
		struct arena *arena = scan_arena(scan);
		const char *const *names = folder_names(scan_root(scan), folders[i], arena);

		for (; more && *names; names++)
			more = read_file(
				scan, &lines, arena_printf(arena, "%s/%s", folders[i], *names));
	}
	return 0;
}

const struct table table_crontab = {
	.name = "crontab",
	.about = "Jobs that cron runs.",
	COLUMNS(columns),
	EXAMPLES("SELECT minute, hour, command, path FROM crontab",
		"SELECT command, path FROM crontab WHERE event = '@reboot'"),
	.attributes = CACHEABLE,
	.estimate.rows = 20,
	.generate = generate,
};
