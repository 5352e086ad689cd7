// SPDX-License-Identifier: Apache-2.0
// Names of the ports of Internet services, from /etc/services (services(5)).
#include <errno.h>
#include <string.h>

#include "sql/table.h"
#include "tables/network/words.h"

enum { NAME, PORT, PROTOCOL, ALIASES, COMMENT };

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the service." },
	[PORT] = { "port", INTEGER, "Port it uses." },
	[PROTOCOL] = { "protocol", TEXT, "Transport protocol, as tcp." },
	[ALIASES] = { "aliases", TEXT, "Other names, joined by blanks." },
	[COMMENT] = { "comment", TEXT, "Remark of the file." },
};

// name port/protocol [alias...] [# comment]. False when no more rows are needed.
static bool give_line(struct scan *scan, char *line)
{
	char *comment = words_cut_comment(scan_arena(scan), line);
	char *name = text_word(&line, " \t");
	char *port = text_word(&line, " \t");
	char *protocol = port ? strchr(port, '/') : NULL;
	bool more;

	if (!protocol || protocol == port)
		return true;
	*protocol++ = '\0';
	if (strspn(port, "0123456789") != strlen(port) || *protocol == '\0' ||
		strchr(protocol, '/'))
		return true;
	port += strspn(port, "0"); // it is never octal

	more = scan_row(scan);
	scan_text(scan, NAME, name);
	scan_text(scan, PORT, *port ? port : "0");
	scan_text(scan, PROTOCOL, protocol);
	scan_text(scan, ALIASES, words_join(line));
	scan_text(scan, COMMENT, comment);
	return more;
}

static int generate(struct scan *scan, struct fault *why)
{
	char *rest = scan_read(scan, "etc/services", NULL);

	if (!rest)
		return errno == ENOENT ? 0 : fail(why, -errno, "etc_services: /etc/services: %m");
	for (char *line; (line = text_line(&rest));)
		if (!give_line(scan, line))
			break;
	return 0;
}

const struct table table_etc_services = {
	.name = "etc_services",
	.about = "Names of the ports of Internet services.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, protocol FROM etc_services WHERE port = 53",
		"SELECT l.pid, s.name FROM listening_ports AS l JOIN etc_services AS s ON s.port = "
		"l.port AND s.protocol = 'tcp' WHERE l.protocol = 6"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 400 },
	.generate = generate,
};
