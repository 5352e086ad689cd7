// SPDX-License-Identifier: Apache-2.0
// version_compare(): the order of the version collations as a function.
#include <string.h>

#include "sql/sql.h"
#include "sql/version.h"

static void compare(
	sqlite3_context *context, enum version_flavour flavour, sqlite3_value **arguments)
{
	if (sqlite3_value_type(arguments[0]) != SQLITE_TEXT ||
		sqlite3_value_type(arguments[1]) != SQLITE_TEXT) {
		sqlite3_result_error(context, "Must provide two version strings to compare.", -1);
		return;
	}
	sqlite3_result_int(context,
		version_compare(flavour, (const char *) sqlite3_value_text(arguments[0]),
			(size_t) sqlite3_value_bytes(arguments[0]),
			(const char *) sqlite3_value_text(arguments[1]),
			(size_t) sqlite3_value_bytes(arguments[1])));
}

static void call_plain(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	(void) n;
	compare(context, VERSION_PLAIN, arguments);
}

static void call_flavoured(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	static const struct {
		const char *name;
		enum version_flavour flavour;
	} flavours[] = {
		{ "ARCH", VERSION_OF_ARCH },
		{ "DPKG", VERSION_OF_DPKG },
		{ "RHEL", VERSION_OF_RHEL },
	};
	const char *name = (const char *) sqlite3_value_text(arguments[2]);

	(void) n;
	if (sqlite3_value_type(arguments[2]) != SQLITE_TEXT) {
		sqlite3_result_error(context, "The optional third parameter is not a string.", -1);
		return;
	}
	for (size_t i = 0; i < sizeof(flavours) / sizeof(flavours[0]); i++) {
		if (strcmp(flavours[i].name, name) == 0) {
			compare(context, flavours[i].flavour, arguments);
			return;
		}
	}
	sqlite3_result_error(context,
		"The optional third parameter does not match one of: (ARCH, DPKG, RHEL).", -1);
}

static const struct function list[] = {
	{ "version_compare", 2, call_plain,
		"-1, 0 or 1 as the first version is less, equal, greater." },
	{ "version_compare", 3, call_flavoured, "The same by the rules of ARCH, DPKG or RHEL." },
};

const struct functions functions_versions = {
	.name = "versions",
	.list = list,
	.n = sizeof(list) / sizeof(list[0]),
};
