// SPDX-License-Identifier: Apache-2.0
// Hosts whose keys users have accepted, from ~/.ssh/known_hosts (sshd(8), SSH_KNOWN_HOSTS FILE
// FORMAT).
#include "sql/table.h"
#include "tables/user/homes.h"

enum { UID, KEY, KEY_FILE };

static const struct column columns[] = {
	[UID] = { "uid", BIGINT, "User whose file it is.", INDEX | OPTIMIZED },
	[KEY] = { "key", TEXT, "The whole line: names of the host, type and key." },
	[KEY_FILE] = { "key_file", TEXT, "The file." },
};

static int open_scan(struct scan *scan, struct fault *why)
{
	static const char *const files[] = { ".ssh/known_hosts", NULL };

	(void) why;
	home_lines_open(scan_state(scan), scan, UID, files);
	return 0;
}

static int next(struct scan *scan, struct fault *why)
{
	struct home_lines *lines = scan_state(scan);
	int r = home_lines_next(lines);

	(void) why;
	if (r != ROW)
		return r;
	if (lines->lines.length == 0 || lines->lines.line[0] == '#')
		return SKIP;
	scan_integer(scan, UID, lines->homes.uid);
	scan_bytes(scan, KEY, lines->lines.line, lines->lines.length);
	scan_text(scan, KEY_FILE, lines->path.bytes);
	return ROW;
}

static void close_scan(struct scan *scan)
{
	home_lines_close(scan_state(scan));
}

const struct table table_known_hosts = {
	.name = "known_hosts",
	.about = "Keys of SSH servers that users have accepted.",
	COLUMNS(columns),
	EXAMPLES("SELECT username, key FROM users JOIN known_hosts USING (uid)"),
	.attributes = USER_DATA,
	.state_bytes = sizeof(struct home_lines),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
