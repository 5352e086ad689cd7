// SPDX-License-Identifier: Apache-2.0
// Settings of SSH clients, from ~/.ssh/config and /etc/ssh/ssh_config (ssh_config(5)).
#include <ctype.h>
#include <string.h>

#include "sql/table.h"
#include "tables/user/homes.h"

enum { UID, BLOCK, OPTION, CONFIG_FILE };

static const struct column columns[] = {
	[UID] = { "uid", BIGINT, "User whose file it is; 0 for that of the system.",
		ADDITIONAL | OPTIMIZED },
	[BLOCK] = { "block", TEXT, "The Host or Match line above it, in lower case." },
	[OPTION] = { "option", TEXT, "The setting, in lower case." },
	[CONFIG_FILE] = { "ssh_config_file", TEXT, "The file." },
};

static void lower(char *text)
{
	for (; *text; text++)
		*text = (char) tolower((unsigned char) *text);
}

static bool is_heading(const char *line)
{
	size_t length = strcspn(line, " \t=");

	return (length == 4 && text_starts(line, "host")) ||
		(length == 5 && text_starts(line, "match"));
}

static void read_file(struct scan *scan, int64_t uid, const char *path)
{
	auto_lines struct lines lines = { 0 };
	const char *block = "";

	if (lines_open(&lines, scan_root(scan), path) < 0)
		return;
	while (lines_next(&lines)) {
		char *line = text_trim(lines.line);
		bool more;

		if (*line == '\0' || *line == '#')
			continue;
		lower(line);
		if (is_heading(line)) {
			block = arena_copy(scan_arena(scan), line, strlen(line));
			continue;
		}
		more = scan_row(scan);
		scan_integer(scan, UID, uid);
		scan_text(scan, BLOCK, block);
		scan_text(scan, OPTION, line);
		scan_text(scan, CONFIG_FILE, path);
		if (!more)
			return;
	}
}

static int generate(struct scan *scan, struct fault *why)
{
	auto_homes struct homes homes = { 0 };

	(void) why;
	homes_open(&homes, scan, UID);
	while (homes_next(&homes) && !scan_cancelled(scan))
		read_file(scan, homes.uid,
			arena_printf(scan_arena(scan), "%s/.ssh/config", homes.home.bytes));
	if (homes_want(&homes, 0))
		read_file(scan, 0, "/etc/ssh/ssh_config");
	return 0;
}

const struct table table_ssh_configs = {
	.name = "ssh_configs",
	.about = "Settings of SSH clients.",
	COLUMNS(columns),
	EXAMPLES("SELECT block, option FROM ssh_configs WHERE option LIKE 'forwardagent%'"),
	.attributes = USER_DATA,
	.generate = generate,
};
