// SPDX-License-Identifier: Apache-2.0
// Names of the protocols above IP, from /etc/protocols (protocols(5)).
#include <errno.h>

#include "sql/table.h"
#include "tables/network/words.h"

enum { NAME, NUMBER, ALIAS, COMMENT };

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the protocol." },
	[NUMBER] = { "number", INTEGER, "Its number in the header of IP." },
	[ALIAS] = { "alias", TEXT, "Another name." },
	[COMMENT] = { "comment", TEXT, "Remark of the file." },
};

// name number [alias...] [# comment]. False when no more rows are needed.
static bool give_line(struct scan *scan, char *line)
{
	char *comment = words_cut_comment(scan_arena(scan), line);
	char *name = text_word(&line, " \t");
	char *number = text_word(&line, " \t");
	int64_t value;
	bool more;

	if (!number)
		return true;
	more = scan_row(scan);
	scan_text(scan, NAME, name);
	if (text_integer(number, 10, &value) == 0)
		scan_integer(scan, NUMBER, value);
	scan_text(scan, ALIAS, text_word(&line, " \t"));
	scan_text(scan, COMMENT, comment);
	return more;
}

static int generate(struct scan *scan, struct fault *why)
{
	char *rest = scan_read(scan, "etc/protocols", NULL);

	if (!rest)
		return errno == ENOENT ? 0 : fail(why, -errno, "etc_protocols: /etc/protocols: %m");
	for (char *line; (line = text_line(&rest));)
		if (!give_line(scan, line))
			break;
	return 0;
}

const struct table table_etc_protocols = {
	.name = "etc_protocols",
	.about = "Names of the protocols above IP.",
	COLUMNS(columns),
	EXAMPLES("SELECT name FROM etc_protocols WHERE number = 17"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 60 },
	.generate = generate,
};
