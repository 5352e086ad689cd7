// SPDX-License-Identifier: Apache-2.0
// Repositories that yum and dnf use, from /etc/yum.conf and *.repo files (yum.conf(5)).
#include <string.h>

#include "host/folder.h"
#include "host/lines.h"
#include "sql/table.h"

enum {
	NAME,
	SOURCE,
	BASEURL,
	MIRRORLIST,
	METALINK,
	ENABLED,
	GPGCHECK,
	GPGKEY,
	PID_WITH_NAMESPACE,
};

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "What the repository calls itself." },
	[SOURCE] = { "source", TEXT, "File that names it." },
	[BASEURL] = { "baseurl", TEXT, "Addresses of the repository." },
	[MIRRORLIST] = { "mirrorlist", TEXT, "Address of a list of mirrors." },
	[METALINK] = { "metalink", TEXT, "Address of a metalink file that lists mirrors." },
	[ENABLED] = { "enabled", TEXT, "Whether it is used, as the file says it." },
	[GPGCHECK] = { "gpgcheck", TEXT,
		"Whether signatures of packages are checked, as the file says it." },
	[GPGKEY] = { "gpgkey", TEXT, "Addresses of the keys that sign its packages." },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
};

// The column of a key, or -1.
static int column_of(const char *key)
{
	for (int i = NAME; i < PID_WITH_NAMESPACE; i++)
		if (i != SOURCE && strcmp(columns[i].name, key) == 0)
			return i;
	return -1;
}

struct reader {
	const char *source;
	bool in_repository; // below a heading other than [main]
	bool in_main;
	int column; // of the key that may go on in the next line, or -1
	const char *value; // so far
	const char *folders; // what [main] says of reposdir
	bool folders_go_on;
};

enum { CONTINUED_BYTES = 4096 }; // a value is not continued beyond: each line copies it anew

// A line that begins with a blank goes on with the value before.
static const char *join(struct scan *scan, const char *value, const char *more)
{
	if (!*more || strlen(value) >= CONTINUED_BYTES)
		return value;
	return *value ? arena_printf(scan_arena(scan), "%s %s", value, more)
		      : arena_copy(scan_arena(scan), more, strlen(more));
}

static void read_heading(struct scan *scan, struct reader *reader, char *line)
{
	line[strcspn(line, "]")] = '\0';
	reader->in_main = strcmp(line + 1, "main") == 0;
	reader->in_repository = !reader->in_main;
	if (reader->in_repository) {
		scan_row(scan);
		scan_text(scan, SOURCE, reader->source);
	}
}

static void read_pair(struct scan *scan, struct reader *reader, char *line)
{
	char *equals = strchr(line, '=');
	char *key, *value;

	if (!equals)
		return;
	*equals = '\0';
	key = text_trim(line);
	value = text_trim(equals + 1);
	reader->value = arena_copy(scan_arena(scan), value, strlen(value));
	if (reader->in_repository) {
		reader->column = column_of(key);
		if (reader->column >= 0)
			scan_text(scan, (unsigned) reader->column, reader->value);
	} else if (reader->in_main && strcmp(key, "reposdir") == 0) {
		reader->folders = reader->value;
		reader->folders_go_on = true;
	}
}

static void go_on(struct scan *scan, struct reader *reader, char *line)
{
	const char *more = text_trim(line);

	if (reader->column >= 0) {
		reader->value = join(scan, reader->value, more);
		scan_text(scan, (unsigned) reader->column, reader->value);
	} else if (reader->folders_go_on) {
		reader->folders = join(scan, reader->folders, more);
	}
}

static void read_file(struct scan *scan, struct reader *reader, const char *source)
{
	auto_lines struct lines lines = { 0 };

	*reader = (struct reader){ .source = source, .column = -1, .folders = reader->folders };
	if (lines_open(&lines, scan_root(scan), source) < 0)
		return;
	while (lines_next(&lines) && !scan_cancelled(scan)) {
		char first = lines.line[0];

		if (first == '#' || first == ';')
			continue;
		if (first == ' ' || first == '\t') {
			go_on(scan, reader, lines.line);
			continue;
		}
		reader->column = -1;
		reader->folders_go_on = false;
		if (first == '[')
			read_heading(scan, reader, lines.line);
		else
			read_pair(scan, reader, lines.line);
	}
}

static void read_folder(struct scan *scan, struct reader *reader, const char *folder)
{
	const char *const *names = folder_names(scan_root(scan), folder, scan_arena(scan));

	for (; *names && !scan_cancelled(scan); names++)
		if (text_ends(*names, ".repo"))
			read_file(scan, reader,
				arena_printf(scan_arena(scan), "%s/%s", folder, *names));
}

static int generate(struct scan *scan, struct fault *why)
{
	struct reader reader = { .folders = "/etc/yum.repos.d" };
	char *folders, *folder;

	(void) why;
	read_file(scan, &reader, "/etc/yum.conf");
	folders = arena_copy(scan_arena(scan), reader.folders, strlen(reader.folders));
	while ((folder = text_word(&folders, " \t,")))
		read_folder(scan, &reader, folder);
	return 0;
}

const struct table table_yum_sources = {
	.name = "yum_sources",
	.about = "Repositories that yum and dnf install packages from.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, baseurl FROM yum_sources WHERE enabled = '1'",
		"SELECT name, source FROM yum_sources WHERE gpgcheck = '0'"),
	.estimate.rows = 10,
	.generate = generate,
};
