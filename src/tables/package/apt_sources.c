// SPDX-License-Identifier: Apache-2.0
// Repositories that apt uses, from sources.list(5), with what their Release files in
// /var/lib/apt/lists say of them. A repository that was never fetched gives no row.
#include <errno.h>
#include <string.h>

#include "host/folder.h"
#include "sql/table.h"
#include "tables/package/control.h"

enum {
	NAME,
	SOURCE,
	BASE_URI,
	RELEASE,
	VERSION_TEXT,
	MAINTAINER,
	COMPONENTS,
	ARCHITECTURES,
	PID_WITH_NAMESPACE,
};

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Host and path of the repository, and the suite." },
	[SOURCE] = { "source", TEXT, "File that names it." },
	[BASE_URI] = { "base_uri", TEXT, "Address of the repository." },
	[RELEASE] = { "release", TEXT, "Codename that the repository gives itself." },
	[VERSION_TEXT] = { "version", TEXT, "Version of the release.", VERSION_DPKG },
	[MAINTAINER] = { "maintainer", TEXT, "Origin: who publishes it." },
	[COMPONENTS] = { "components", TEXT, "Components it has." },
	[ARCHITECTURES] = { "architectures", TEXT, "Architectures it has." },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
};

// ---- Release files ----

// Host and path, as a person would name the repository: no scheme, no password, no '/' at the end.
static char *name_of(struct scan *scan, const char *uri)
{
	const char *start = strstr(uri, "://");
	const char *colon = strchr(uri, ':');
	const char *at;
	size_t length;

	start = start ? start + 3 : colon ? colon + 1 : uri;
	at = strchr(start, '@');
	if (at && (size_t) (at - start) < strcspn(start, "/"))
		start = at + 1;
	length = strlen(start);
	while (length > 0 && start[length - 1] == '/')
		length--;
	return arena_copy(scan_arena(scan), start, length);
}

// The name under which apt stores a file from there (URItoFileName in apt-pkg).
static void add_file_name(struct text *text, const char *address)
{
	for (; *address; address++) {
		unsigned char c = (unsigned char) *address;

		if (c == '/')
			text_add_char(text, '_');
		else if (strchr("\\|{}[]<>\"^~_=!@#$%&*", c) || c <= 0x20 || c >= 0x7f)
			text_printf(text, "%%%02x", c);
		else
			text_add_char(text, (char) c);
	}
}

static int open_release(struct scan *scan, struct lines *lines, const char *name, const char *suite)
{
	static const char *const files[] = { "InRelease", "Release" };
	auto_text struct text path = { 0 };
	size_t folder_length;
	int r = -ENOENT;

	// a suite that ends in '/' is a folder of the repository itself
	if (strcmp(suite, "/") == 0)
		suite = "";
	text_add_string(&path, "var/lib/apt/lists/");
	add_file_name(&path, name);
	text_add_char(&path, '_');
	if (*suite && !text_ends(suite, "/"))
		text_add_string(&path, "dists_");
	add_file_name(&path, suite);
	if (*suite && !text_ends(suite, "/"))
		text_add_char(&path, '_');
	folder_length = path.length;
	for (size_t i = 0; i < 2 && r < 0; i++) {
		path.length = folder_length;
		text_add_string(&path, files[i]);
		r = lines_open(lines, scan_root(scan), path.bytes);
	}
	return r;
}

static void give(struct scan *scan, const char *source, const char *uri, const char *suite)
{
	enum { CODENAME, VERSION_FIELD, ORIGIN, COMPONENT_LIST, ARCHITECTURE_LIST, SUITE, COUNT };
	static const char *const fields[] = { "Codename", "Version", "Origin", "Components",
		"Architectures", "Suite", NULL };
	auto_lines struct lines lines = { 0 };
	const char *values[COUNT] = { 0 };
	const char *name = name_of(scan, uri);

	if (open_release(scan, &lines, name, suite) < 0)
		return;
	// the head of a signed file is a stanza too
	while (control_next(&lines, fields, values, scan_arena(scan)))
		if (values[CODENAME] || values[ORIGIN] || values[SUITE] ||
			values[ARCHITECTURE_LIST])
			break;

	scan_row(scan);
	scan_text(scan, NAME, arena_printf(scan_arena(scan), "%s %s", name, suite));
	scan_text(scan, SOURCE, source);
	scan_text(scan, BASE_URI, uri);
	scan_text(scan, RELEASE, values[CODENAME]);
	scan_text(scan, VERSION_TEXT, values[VERSION_FIELD]);
	scan_text(scan, MAINTAINER, values[ORIGIN]);
	scan_text(scan, COMPONENTS, values[COMPONENT_LIST]);
	scan_text(scan, ARCHITECTURES, values[ARCHITECTURE_LIST]);
}

// ---- sources ----

// deb [options] uri suite component…
static void read_line(struct scan *scan, const char *source, char *line)
{
	char *rest = line, *type, *uri, *suite;

	line[strcspn(line, "#")] = '\0';
	type = text_word(&rest, " \t");
	if (!type || strcmp(type, "deb") != 0)
		return;
	if (*rest == '[') {
		rest = strchr(rest, ']');
		if (!rest)
			return;
		rest++;
	}
	uri = text_word(&rest, " \t");
	suite = text_word(&rest, " \t");
	if (uri && suite)
		give(scan, source, uri, suite);
}

static void read_list(struct scan *scan, const char *source)
{
	auto_lines struct lines lines = { 0 };

	if (lines_open(&lines, scan_root(scan), source) < 0)
		return;
	while (lines_next(&lines) && !scan_cancelled(scan))
		read_line(scan, source, lines.line);
}

// What apt takes for a no; anything else leaves the source in use (StringToBool in apt-pkg).
static bool is_no(const char *value)
{
	static const char *const words[] = { "no", "false", "without", "off", "disable", "0" };

	for (size_t i = 0; value && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (; list && *list; list += strcspn(list, " \t\n")) {
		list += strspn(list, " \t\n");
		if (strncmp(list, word, length) == 0 && strcspn(list, " \t\n") == length)
			return true;
	}
	return false;
}

static void give_all(struct scan *scan, const char *source, const char *uris, const char *suites)
{
	struct arena *arena = scan_arena(scan);
	char *uri_list = arena_copy(arena, uris, strlen(uris)), *uri;

	while ((uri = text_word(&uri_list, " \t\n"))) {
		char *suite_list = arena_copy(arena, suites, strlen(suites)), *suite;

		while ((suite = text_word(&suite_list, " \t\n")) && !scan_cancelled(scan))
			give(scan, source, uri, suite);
	}
}

static void read_stanzas(struct scan *scan, const char *source)
{
	enum { TYPES, URIS, SUITES, ENABLED, COUNT };
	static const char *const fields[] = { "Types", "URIs", "Suites", "Enabled", NULL };
	auto_lines struct lines lines = { 0 };
	const char *values[COUNT];

	if (lines_open(&lines, scan_root(scan), source) < 0)
		return;
	while (control_next(&lines, fields, values, scan_arena(scan)) && !scan_cancelled(scan))
		if (has_word(values[TYPES], "deb") && values[URIS] && values[SUITES] &&
			!is_no(values[ENABLED]))
			give_all(scan, source, values[URIS], values[SUITES]);
}

static int generate(struct scan *scan, struct fault *why)
{
	static const char folder[] = "/etc/apt/sources.list.d";
	const char *const *names = folder_names(scan_root(scan), folder, scan_arena(scan));

	(void) why;
	read_list(scan, "/etc/apt/sources.list");
	for (; *names && !scan_cancelled(scan); names++) {
		const char *source = arena_printf(scan_arena(scan), "%s/%s", folder, *names);

		if (text_ends(source, ".list"))
			read_list(scan, source);
		else if (text_ends(source, ".sources"))
			read_stanzas(scan, source);
	}
	return 0;
}

const struct table table_apt_sources = {
	.name = "apt_sources",
	.about = "Repositories that apt fetches packages from.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, release, maintainer FROM apt_sources",
		"SELECT base_uri, source FROM apt_sources WHERE base_uri LIKE 'http:%'"),
	.estimate.rows = 10,
	.generate = generate,
};
