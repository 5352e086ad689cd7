// SPDX-License-Identifier: Apache-2.0
// State and age of passwords, from /etc/shadow (shadow(5)). Without the right to read it: no rows.
#include <errno.h>
#include <string.h>

#include "host/lines.h"
#include "sql/table.h"

enum {
	PASSWORD_STATUS,
	HASH_ALG,
	LAST_CHANGE,
	MIN,
	MAX,
	WARNING,
	INACTIVE,
	EXPIRE,
	FLAG,
	USERNAME,
};

static const struct column columns[] = {
	[PASSWORD_STATUS] = { "password_status", TEXT, "active, locked, not_set or empty." },
	[HASH_ALG] = { "hash_alg", TEXT,
		"How the password is hashed, as crypt(5) names it: y, 6, 5, 2b, 1, …." },
	[LAST_CHANGE] = { "last_change", BIGINT,
		"Last change of the password, in days since 1970; -1 if unset." },
	[MIN] = { "min", BIGINT, "Days before it may be changed again; -1 if unset." },
	[MAX] = { "max", BIGINT, "Days after which it must be changed; -1 if unset." },
	[WARNING] = { "warning", BIGINT, "Days before that with a warning; -1 if unset." },
	[INACTIVE] = { "inactive", BIGINT, "Days after that with a login left; -1 if unset." },
	[EXPIRE] = { "expire", BIGINT, "End of the account, in days since 1970; -1 if unset." },
	[FLAG] = { "flag", BIGINT, "The reserved field." },
	[USERNAME] = { "username", TEXT, "Name of the user.", INDEX | OPTIMIZED },
};

static const char *status_of(const char *password)
{
	if (strcmp(password, "!!") == 0)
		return "not_set";
	if (*password == '\0')
		return "empty";
	return strchr("!*x", *password) ? "locked" : "active";
}

// What stands between the first two dollars.
static void give_algorithm(struct scan *scan, const char *password)
{
	const char *start = strchr(password, '$');
	const char *end = start ? strchr(start + 1, '$') : NULL;

	if (end)
		scan_bytes(scan, HASH_ALG, start + 1, (size_t) (end - start - 1));
}

// Cuts the next field off, "" when there is none left.
static char *cut_field(char **rest)
{
	char *field = *rest;

	*rest += strcspn(*rest, ":");
	if (**rest)
		*(*rest)++ = '\0';
	return field;
}

static void give_numbers(struct scan *scan, char *rest)
{
	for (unsigned column = LAST_CHANGE; column <= FLAG; column++) {
		const char *field = cut_field(&rest);
		int64_t value;

		if (text_integer(field, 10, &value) == 0)
			scan_integer(scan, column, value);
		else if (column != FLAG)
			scan_integer(scan, column, -1);
	}
}

static int generate(struct scan *scan, struct fault *why)
{
	auto_lines struct lines lines = { 0 };
	int r = lines_open(&lines, scan_root(scan), "etc/shadow");

	if (r == -ENOENT || r == -EACCES || r == -EPERM)
		return 0;
	if (r < 0)
		return fail(why, r, "shadow: /etc/shadow: %s", strerror(-r));

	while (lines_next(&lines)) {
		char *rest = lines.line, *name, *password;
		bool more;

		// + and - lines stand for users of NIS
		if (!strchr(rest, ':') || strchr(":#+-", *rest))
			continue;
		name = cut_field(&rest);
		password = cut_field(&rest);
		more = scan_row(scan);
		scan_text(scan, USERNAME, name);
		scan_text(scan, PASSWORD_STATUS, status_of(password));
		give_algorithm(scan, password);
		give_numbers(scan, rest);
		if (!more)
			break;
	}
	return 0;
}

const struct table table_shadow = {
	.name = "shadow",
	.about = "State and age of the passwords of local users.",
	COLUMNS(columns),
	EXAMPLES("SELECT username, hash_alg FROM shadow WHERE password_status = 'active'",
		"SELECT username FROM shadow WHERE password_status = 'empty'"),
	.estimate.per_key = 1,
	.generate = generate,
};
