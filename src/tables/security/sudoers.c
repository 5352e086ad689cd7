// SPDX-License-Identifier: Apache-2.0
// Rules of sudo, from /etc/sudoers and the files that it includes (sudoers(5)).
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "host/folder.h"
#include "host/lines.h"
#include "sql/table.h"

enum { SOURCE, HEADER, RULE_DETAILS };

static const struct column columns[] = {
	[SOURCE] = { "source", TEXT, "File that says so." },
	[HEADER] = { "header", TEXT, "First word: a user, %group, alias, Defaults, @include, …." },
	[RULE_DETAILS] = { "rule_details", TEXT, "The rest of the rule." },
};

enum {
	DEPTH_MAX = 128, // files that include each other; sudo has the same limit
	FILES_MAX = 4096, // of all, as each may include several
	RULE_BYTES = 1 << 20, // a rule over several lines is cut there
};

struct reader {
	struct scan *scan;
	const char *chain[DEPTH_MAX]; // the files being read, the innermost last
	unsigned depth, n_files;
	bool full;
};

static void read_file(struct reader *reader, const char *path);

// ---- includes ----

// A word that may be in double quotes and may have blanks behind backslashes.
static char *unquote(struct reader *reader, const char *text)
{
	bool quoted = *text == '"';
	char *path = arena_alloc(scan_arena(reader->scan), strlen(text) + 1);
	size_t n = 0;

	for (text += quoted; *text; text++) {
		if (quoted ? *text == '"' : isspace((unsigned char) *text))
			break;
		if (*text == '\\' && text[1])
			text++;
		path[n++] = *text;
	}
	while (n > 1 && path[n - 1] == '/')
		n--;
	path[n] = '\0';
	return path;
}

static const char *read_hostname(struct reader *reader)
{
	char *text = scan_read(reader->scan, "proc/sys/kernel/hostname", NULL);

	if (!text)
		return "";
	text = text_trim(text);
	text[strcspn(text, ".")] = '\0';
	return text;
}

// The path that an include means: %h is the name of the host, and what does not begin with '/' is
// in the folder of the file that includes it.
static const char *resolve(struct reader *reader, const char *source, const char *text)
{
	struct arena *arena = scan_arena(reader->scan);
	const char *path = unquote(reader, text);
	const char *mark = strstr(path, "%h"), *slash = strrchr(source, '/');

	if (mark)
		path = arena_printf(arena, "%.*s%s%s", (int) (mark - path), path,
			read_hostname(reader), mark + 2);
	if (*path == '/')
		return path;
	return arena_printf(arena, "%.*s/%s", (int) (slash - source), source, path);
}

static void read_folder(struct reader *reader, const char *folder)
{
	struct arena *arena = scan_arena(reader->scan);
	const char *const *names = folder_names(scan_root(reader->scan), folder, arena);

	for (; *names && !reader->full; names++)
		if (!strchr(*names, '.') && !text_ends(*names, "~"))
			read_file(reader, arena_printf(arena, "%s/%s", folder, *names));
}

// ---- rules ----

// "#include", "#1000 ALL = …" and "#-1" are no comments.
static bool is_comment(const char *line)
{
	return *line == '#' && !isdigit((unsigned char) line[1]) &&
		!(line[1] == '-' && isdigit((unsigned char) line[2])) &&
		!text_starts(line, "#include ") && !text_starts(line, "#include\t") &&
		!text_starts(line, "#includedir ") && !text_starts(line, "#includedir\t");
}

static void give(struct reader *reader, const char *source, char *rule)
{
	struct scan *scan = reader->scan;
	char *details, *header;

	details = rule = text_trim(rule);
	if (*rule == '\0' || is_comment(rule))
		return;
	header = text_word(&details, " \t");
	reader->full = !scan_row(scan);
	scan_text(scan, SOURCE, source);
	scan_text(scan, HEADER, header);
	scan_text(scan, RULE_DETAILS, details);
	if (reader->full || *details == '\0')
		return;
	if (strcmp(header + 1, "include") == 0 && strchr("#@", *header))
		read_file(reader, resolve(reader, source, details));
	else if (strcmp(header + 1, "includedir") == 0 && strchr("#@", *header))
		read_folder(reader, resolve(reader, source, details));
}

// Adds a line to the rule. True when the rule goes on in the next line.
static bool add_line(struct text *rule, const char *line)
{
	size_t length = strlen(line);
	bool goes_on = length > 0 && line[length - 1] == '\\';

	if (rule->length < RULE_BYTES)
		text_add(rule, line, length - goes_on);
	return goes_on;
}

static void read_rules(struct reader *reader, const char *path)
{
	auto_lines struct lines lines = { 0 };
	auto_text struct text rule = { 0 };
	int r = lines_open(&lines, scan_root(reader->scan), path);

	if (r < 0 && r != -ENOENT)
		scan_warn(reader->scan, "%s: %s", path, strerror(-r));
	while (!reader->full && lines_next(&lines)) {
		if (add_line(&rule, lines.line))
			continue;
		give(reader, path, rule.bytes);
		text_clear(&rule);
	}
	if (!reader->full && rule.length > 0)
		give(reader, path, rule.bytes);
}

static void read_file(struct reader *reader, const char *path)
{
	for (unsigned i = 0; i < reader->depth; i++)
		if (strcmp(reader->chain[i], path) == 0) {
			scan_warn(reader->scan, "%s includes itself", path);
			return;
		}
	if (reader->depth == DEPTH_MAX || reader->n_files == FILES_MAX) {
		scan_warn(reader->scan, "%s: too many files include each other", path);
		reader->full = reader->n_files == FILES_MAX;
		return;
	}
	reader->chain[reader->depth++] = path;
	reader->n_files++;
	read_rules(reader, path);
	reader->depth--;
}

static int generate(struct scan *scan, struct fault *why)
{
	struct reader reader = { .scan = scan };

	(void) why;
	read_file(&reader, "/etc/sudoers");
	return 0;
}

const struct table table_sudoers = {
	.name = "sudoers",
	.about = "Who may run what as whom by sudo.",
	COLUMNS(columns),
	EXAMPLES("SELECT header, rule_details, source FROM sudoers",
		"SELECT header, source FROM sudoers WHERE rule_details LIKE '%NOPASSWD%'"),
	.estimate.rows = 30,
	.generate = generate,
};
