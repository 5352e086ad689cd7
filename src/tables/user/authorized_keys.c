// SPDX-License-Identifier: Apache-2.0
// Keys that may log in as a user, from ~/.ssh/authorized_keys (sshd(8), AUTHORIZED_KEYS FILE
// FORMAT).
#include <string.h>

#include "sql/table.h"
#include "tables/user/homes.h"

enum { UID, ALGORITHM, KEY, OPTIONS, COMMENT, KEY_FILE, PID_WITH_NAMESPACE };

static const struct column columns[] = {
	[UID] = { "uid", BIGINT, "User whom the key lets in.", ADDITIONAL },
	[ALGORITHM] = { "algorithm", TEXT, "Type of the key." },
	[KEY] = { "key", TEXT, "The public key in Base64." },
	[OPTIONS] = { "options", TEXT, "What is allowed or forced on login, joined by commas." },
	[COMMENT] = { "comment", TEXT, "Comment behind the key." },
	[KEY_FILE] = { "key_file", TEXT, "The file." },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
};

static const char *const algorithms[] = { "ssh-rsa", "ssh-ed25519", "ecdsa-sha2-nistp256",
	"ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "sk-ssh-ed25519@openssh.com",
	"sk-ecdsa-sha2-nistp256@openssh.com" };

static bool begins_with_algorithm(const char *text)
{
	size_t length = strcspn(text, " \t");

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (strlen(algorithms[i]) == length && strncmp(text, algorithms[i], length) == 0)
			return text[length] != '\0';
	return false;
}

// The end of the options: the first blank that is not in quotes.
static char *skip_options(char *line)
{
	bool quoted = false;

	for (; *line && (quoted || (*line != ' ' && *line != '\t')); line++) {
		if (*line == '\\' && line[1] == '"')
			line++;
		else if (*line == '"')
			quoted = !quoted;
	}
	return line;
}

// Options of z/OS may name a key that is kept elsewhere.
static bool names_key_ring(const char *options)
{
	return text_starts(options, "zos-key-ring-label=") ||
		strstr(options, ",zos-key-ring-label=");
}

static int give_line(struct scan *scan, char *line)
{
	char *options = line + strspn(line, " \t"), *rest = options, *key;

	if (*options == '#' || *options == '\0')
		return SKIP;
	if (!begins_with_algorithm(rest)) {
		char *end = skip_options(options);

		rest = end + strspn(end, " \t");
		*end = '\0';
		scan_text(scan, OPTIONS, options);
		if (!begins_with_algorithm(rest))
			return names_key_ring(options) ? ROW : SKIP;
	}
	scan_text(scan, ALGORITHM, text_word(&rest, " \t"));
	key = text_word(&rest, " \t");
	if (!key)
		return SKIP;
	scan_text(scan, KEY, key);
	scan_text(scan, COMMENT, text_trim(rest));
	return ROW;
}

static int open_scan(struct scan *scan, struct fault *why)
{
	static const char *const files[] = { ".ssh/authorized_keys", ".ssh/authorized_keys2",
		NULL };

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
	scan_integer(scan, UID, lines->homes.uid);
	scan_text(scan, KEY_FILE, lines->path.bytes);
	return give_line(scan, lines->lines.line);
}

static void close_scan(struct scan *scan)
{
	home_lines_close(scan_state(scan));
}

const struct table table_authorized_keys = {
	.name = "authorized_keys",
	.about = "Keys that may log in over SSH.",
	COLUMNS(columns),
	EXAMPLES("SELECT username, algorithm, comment FROM users JOIN authorized_keys USING (uid)"),
	.attributes = USER_DATA,
	.state_bytes = sizeof(struct home_lines),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
