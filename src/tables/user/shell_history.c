// SPDX-License-Identifier: Apache-2.0
// Commands that users gave to their shells, from the history files in their homes (bash(1),
// zshmisc(1), tcsh(1)).
#include <ctype.h>
#include <string.h>

#include "sql/table.h"
#include "tables/user/homes.h"

enum { UID, TIME, COMMAND, HISTORY_FILE };

static const struct column columns[] = {
	[UID] = { "uid", BIGINT, "User whose history it is.", ADDITIONAL | OPTIMIZED },
	[TIME] = { "time", INTEGER,
		"When, in seconds since 1970; 0 where the shell keeps no time." },
	[COMMAND] = { "command", TEXT, "The line that was typed." },
	[HISTORY_FILE] = { "history_file", TEXT, "The file." },
};

struct state {
	struct home_lines lines;
	int64_t time; // of the next command, 0 if unknown
	bool of_zsh;
};

static int open_scan(struct scan *scan, struct fault *why)
{
	static const char *const files[] = { ".bash_history", ".zsh_history", ".zhistory",
		".history", ".sh_history", ".ash_history", ".bash_sessions/*.history", NULL };
	struct state *state = scan_state(scan);

	(void) why;
	home_lines_open(&state->lines, scan, UID, files);
	return 0;
}

// Digits up to `end`, as seconds: the pointer behind them, or NULL if there are none.
static const char *read_time(const char *digits, int64_t *time)
{
	int64_t value = 0;
	const char *at = digits;

	for (; isdigit((unsigned char) *at) && at - digits < 18; at++)
		value = value * 10 + (*at - '0');
	if (at == digits)
		return NULL;
	*time = value;
	return at;
}

// A line that only says when the next was typed: "#1700000000", and "#+1700000000" of tcsh.
static bool is_time(const char *line, int64_t *time)
{
	const char *end;
	int64_t value;

	if (line[0] != '#')
		return false;
	end = read_time(line + 1 + (line[1] == '+'), &value);
	if (!end || *end != '\0')
		return false;
	*time = value;
	return true;
}

// The command of ": 1700000000:0;command", as zsh writes it with EXTENDED_HISTORY, or NULL.
static char *skip_prefix(char *line, int64_t *time)
{
	const char *end;
	int64_t ignored;

	if (line[0] != ':' || line[1] != ' ')
		return NULL;
	end = read_time(line + 2 + strspn(line + 2, " "), time);
	if (!end || *end != ':')
		return NULL;
	end = read_time(end + 1, &ignored);
	return end && *end == ';' ? line + (end + 1 - line) : NULL;
}

// zsh writes some bytes of other than ASCII text as 0x83 and the byte with bit 5 changed.
static size_t decode_zsh(char *text, size_t length)
{
	size_t n = 0;

	for (size_t i = 0; i < length; i++) {
		bool is_mark = (unsigned char) text[i] == 0x83 && i + 1 < length;

		text[n++] = is_mark ? (char) (text[++i] ^ 0x20) : text[i];
	}
	text[n] = '\0';
	return n;
}

static void begin_file(struct state *state)
{
	const char *path = state->lines.path.bytes;

	state->lines.first = false;
	state->time = 0;
	state->of_zsh = text_ends(path, "/.zsh_history") || text_ends(path, "/.zhistory");
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	int r = home_lines_next(&state->lines);
	char *line = state->lines.lines.line, *command;
	size_t length = state->lines.lines.length;
	int64_t time = 0;

	(void) why;
	if (r != ROW)
		return r;
	if (state->lines.first)
		begin_file(state);
	if (length == 0 || is_time(line, &state->time))
		return SKIP;

	command = skip_prefix(line, &time);
	if (command)
		length -= (size_t) (command - line);
	else
		command = line;
	if (state->of_zsh)
		length = decode_zsh(command, length);
	scan_integer(scan, UID, state->lines.homes.uid);
	scan_integer(scan, TIME, command == line ? state->time : time);
	scan_bytes(scan, COMMAND, command, length);
	scan_text(scan, HISTORY_FILE, state->lines.path.bytes);
	state->time = 0;
	return ROW;
}

static void close_scan(struct scan *scan)
{
	home_lines_close(&((struct state *) scan_state(scan))->lines);
}

const struct table table_shell_history = {
	.name = "shell_history",
	.about = "Commands that users typed into their shells.",
	COLUMNS(columns),
	EXAMPLES("SELECT username, time, command FROM users JOIN shell_history USING (uid)",
		"SELECT command, count(*) AS n FROM shell_history GROUP BY command ORDER BY n DESC "
		"LIMIT 5"),
	.attributes = USER_DATA,
	.estimate = { .rows = 1000 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
