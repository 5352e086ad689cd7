// SPDX-License-Identifier: Apache-2.0
// Loaded kernel modules, from /proc/modules (proc_modules(5), kernel/module/procfs.c).
#include <errno.h>
#include <string.h>

#include "sql/table.h"

enum { NAME, SIZE, USED_BY, STATUS, ADDRESS };

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the module." },
	[SIZE] = { "size", BIGINT, "Bytes of memory that it holds." },
	[USED_BY] = { "used_by", TEXT, "Modules that need it, joined by commas; - if none." },
	[STATUS] = { "status", TEXT, "Live, Loading or Unloading." },
	[ADDRESS] = { "address", TEXT,
		"Where it was loaded, as 0x…; zero for readers without rights." },
};

// name size references users status address [taints]
enum { FIELDS = 6 };

static int generate(struct scan *scan, struct fault *why)
{
	char *text = scan_read(scan, "proc/modules", NULL);
	char *line;

	if (!text) // a kernel without modules has no such file
		return errno == ENOENT ? 0 : fail(why, -errno, "kernel_modules: /proc/modules: %m");

	while ((line = text_line(&text))) {
		char *fields[FIELDS];
		size_t n = 0, users;
		bool more;

		while (n < FIELDS && (fields[n] = text_word(&line, " ")))
			n++;
		if (n < FIELDS)
			continue;
		users = strlen(fields[3]);
		users -= users > 0 && fields[3][users - 1] == ',';

		more = scan_row(scan);
		scan_text(scan, NAME, fields[0]);
		scan_text(scan, SIZE, fields[1]);
		scan_bytes(scan, USED_BY, fields[3], users);
		scan_text(scan, STATUS, fields[4]);
		scan_text(scan, ADDRESS, fields[5]);
		if (!more)
			break;
	}
	return 0;
}

const struct table table_kernel_modules = {
	.name = "kernel_modules",
	.about = "Modules that are loaded into the kernel.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, used_by FROM kernel_modules WHERE status != 'Live'",
		"SELECT name, size FROM kernel_modules ORDER BY size DESC LIMIT 5"),
	.generate = generate,
};
