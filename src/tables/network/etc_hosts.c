// SPDX-License-Identifier: Apache-2.0
// Names of hosts that need no name server, from /etc/hosts (hosts(5)).
#include <errno.h>
#include <string.h>

#include "sql/table.h"
#include "tables/network/words.h"

enum { ADDRESS, HOSTNAMES, PID_WITH_NAMESPACE };

static const struct column columns[] = {
	[ADDRESS] = { "address", TEXT, "IP address." },
	[HOSTNAMES] = { "hostnames", TEXT, "Its names, joined by blanks." },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
};

static int generate(struct scan *scan, struct fault *why)
{
	char *rest = scan_read(scan, "etc/hosts", NULL);

	if (!rest)
		return errno == ENOENT ? 0 : fail(why, -errno, "etc_hosts: /etc/hosts: %m");
	for (char *line; (line = text_line(&rest));) {
		char *address;

		line[strcspn(line, "#")] = '\0';
		address = text_word(&line, " \t");
		if (!address)
			continue;
		bool more = scan_row(scan);

		scan_text(scan, ADDRESS, address);
		scan_text(scan, HOSTNAMES, words_join(line));
		if (!more)
			break;
	}
	return 0;
}

const struct table table_etc_hosts = {
	.name = "etc_hosts",
	.about = "Names of hosts that are known without a name server.",
	.alias = "hosts",
	COLUMNS(columns),
	EXAMPLES("SELECT hostnames FROM etc_hosts WHERE address = '127.0.0.1'"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 10 },
	.generate = generate,
};
