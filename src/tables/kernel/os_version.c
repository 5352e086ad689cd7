// SPDX-License-Identifier: Apache-2.0
// The installed distribution, from os-release(5) and, where they exist, the release files of the
// families that say it better.
#include <ctype.h>
#include <string.h>

#include "host/host.h"
#include "host/identity.h"
#include "sql/table.h"

enum {
	NAME,
	VERSION_TEXT,
	MAJOR,
	MINOR,
	PATCH,
	BUILD,
	PLATFORM,
	PLATFORM_LIKE,
	CODENAME,
	ARCH,
	PID_WITH_NAMESPACE = 13,
	MOUNT_NAMESPACE_ID
};

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the distribution." },
	[VERSION_TEXT] = { "version", TEXT, "Its version, as its makers write it.", VERSION },
	[MAJOR] = { "major", INTEGER, "First number of the version." },
	[MINOR] = { "minor", INTEGER, "Second number of the version." },
	[PATCH] = { "patch", INTEGER, "Third number of the version." },
	[BUILD] = { "build", TEXT, "Build of the installed image." },
	[PLATFORM] = { "platform", TEXT, "Short name of the distribution, such as debian." },
	[PLATFORM_LIKE] = { "platform_like", TEXT, "Distributions that it is built like." },
	[CODENAME] = { "codename", TEXT, "Name of the release." },
	[ARCH] = { "arch", TEXT, "Architecture that the kernel runs on." },
	ELSEWHERE("extra", TEXT),
	ELSEWHERE("install_date", BIGINT),
	ELSEWHERE("revision", INTEGER),
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
	[MOUNT_NAMESPACE_ID] = NAMESPACE_MOUNT,
};

// Removes the quotes of a shell's assignment, in place.
static char *unquote(char *value)
{
	char quote = *value == '"' || *value == '\'' ? *value : '\0';
	char *from = value + (quote != '\0'), *to = value;

	while (*from && *from != quote) {
		if (*from == '\\' && quote != '\'' && from[1])
			from++;
		*to++ = *from++;
	}
	*to = '\0';
	return value;
}

// "X.Y.Z", cut short or with other text behind.
static void give_numbers(struct scan *scan, const char *version)
{
	for (unsigned column = MAJOR; column <= PATCH; column++) {
		size_t digits = strspn(version, "0123456789");
		int64_t number = 0;
		char text[20];

		if (digits > 0 && digits < sizeof(text)) {
			memcpy(text, version, digits);
			text[digits] = '\0';
			(void) text_integer(text, 10, &number);
		}
		scan_integer(scan, column, number);
		version += digits;
		version += *version == '.';
	}
}

static void give_assignment(struct scan *scan, const char *key, char *value)
{
	static const struct {
		const char *key;
		unsigned column;
	} keys[] = {
		{ "NAME", NAME },
		{ "VERSION", VERSION_TEXT },
		{ "BUILD_ID", BUILD },
		{ "ID", PLATFORM },
		{ "ID_LIKE", PLATFORM_LIKE },
	};

	value = unquote(value);
	if (strcmp(key, "VERSION_ID") == 0)
		give_numbers(scan, value);
	else if (strstr(key, "CODENAME"))
		scan_text(scan, CODENAME, value);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(key, keys[i].key) == 0)
			scan_text(scan, keys[i].column, value);
}

static void read_os_release(struct scan *scan)
{
	char *text = scan_read(scan, "etc/os-release", NULL);
	char *line;

	if (!text)
		text = scan_read(scan, "usr/lib/os-release", NULL);
	while (text && (line = text_line(&text))) {
		char *key = text_trim(line), *equals = strchr(key, '=');

		if (*key == '#' || !equals)
			continue;
		*equals = '\0';
		give_assignment(scan, key, equals + 1);
	}
}

// "NAME release X.Y[.Z] …": the word before the number is not of the name.
static void give_release(struct scan *scan, const char *release)
{
	const char *number = release, *end;

	do {
		number = strpbrk(number + 1, "0123456789");
	} while (number && !isspace((unsigned char) number[-1]));
	if (!number || number[strspn(number, "0123456789")] != '.')
		return;

	for (end = number; end > release && isspace((unsigned char) end[-1]);)
		end--;
	while (end > release && !isspace((unsigned char) end[-1]))
		end--;
	while (end > release && isspace((unsigned char) end[-1]))
		end--;
	if (end > release)
		scan_bytes(scan, NAME, release, (size_t) (end - release));
	give_numbers(scan, number);
}

static bool read_release(struct scan *scan, const char *path, const char *platform)
{
	char *text = scan_read(scan, path, NULL);

	if (!text)
		return false;
	text = text_trim(text);
	scan_text(scan, PLATFORM, platform);
	scan_text(scan, PLATFORM_LIKE, platform);
	scan_text(scan, VERSION_TEXT, text);
	scan_text(scan, BUILD, NULL);
	if (*text)
		give_release(scan, text);
	return true;
}

static int generate(struct scan *scan, struct fault *why)
{
	char machine[65];

	(void) why; // a host that says nothing of itself is a row too
	scan_row(scan);
	scan_text(scan, NAME, "Unknown");
	scan_text(scan, PLATFORM, "posix");
	give_numbers(scan, "0.0.0");
	read_os_release(scan);
	if (!read_release(scan, "etc/redhat-release", "rhel"))
		(void) read_release(scan, "etc/gentoo-release", "gentoo");
	if (scan_wants(scan, ARCH)) {
		identity_machine(scan_root(scan), machine, sizeof(machine));
		scan_text(scan, ARCH, machine);
	}
	return 0;
}

const struct table table_os_version = {
	.name = "os_version",
	.about = "The installed operating system.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, version, arch FROM os_version",
		"SELECT p.pid, o.name, o.version FROM processes p JOIN os_version o ON "
		"o.pid_with_namespace = p.pid WHERE p.pid = 1"),
	.estimate.rows = 1,
	.generate = generate,
};
