// SPDX-License-Identifier: Apache-2.0
// What this program may be told and what it was told, from its list of flags.
#include <string.h>

#include "base/flags.h"
#include "host/host.h"
#include "sql/table.h"

enum { NAME, TYPE, DESCRIPTION, DEFAULT_VALUE, VALUE, SHELL_ONLY };

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the flag." },
	[TYPE] = { "type", TEXT, "bool, string, int32, uint32 or uint64." },
	[DESCRIPTION] = { "description", TEXT, "What it does." },
	[DEFAULT_VALUE] = { "default_value", TEXT, "Value as long as nobody sets it." },
	[VALUE] = { "value", TEXT, "Value in force." },
	[SHELL_ONLY] = { "shell_only", INTEGER, "1 if only the shell knows it, else 0." },
};

static const char *const types[] = {
	[FLAG_BOOL] = "bool",
	[FLAG_STRING] = "string",
	[FLAG_INT32] = "int32",
	[FLAG_UINT32] = "uint32",
	[FLAG_UINT64] = "uint64",
};

static bool is_listed(const struct flag *flag)
{
	if (strcmp(flag->name, "logtostderr") == 0 || strcmp(flag->name, "stderrthreshold") == 0)
		return true;
	return flag->kind != FLAG_UNLISTED && strlen(flag->name) > 2;
}

static int generate(struct scan *scan, struct fault *why)
{
	const struct flags *flags = scan_host(scan)->flags;
	bool more = true;

	(void) why; // always at hand
	for (size_t i = 0; more && i < n_flags; i++) {
		const struct flag *flag = &flag_list[i];

		if (!is_listed(flag))
			continue;
		more = scan_row(scan);
		scan_text(scan, NAME, flag->name);
		scan_text(scan, TYPE, types[flag->type]);
		scan_text(scan, DESCRIPTION, flag->about);
		scan_text(scan, DEFAULT_VALUE, flag->initial);
		scan_text(scan, VALUE, flags->set[i] ? flags->set[i] : flag->initial);
		scan_integer(scan, SHELL_ONLY, flag->kind == FLAG_SHELL);
	}
	for (size_t i = 0; more && i < flags->n_custom; i++) {
		more = scan_row(scan);
		scan_text(scan, NAME, flags->custom[i].name);
		scan_text(scan, TYPE, "string");
		scan_text(scan, VALUE, flags->custom[i].value);
		scan_integer(scan, SHELL_ONLY, 0);
	}
	return 0;
}

const struct table table_osquery_flags = {
	.name = "osquery_flags",
	.about = "Flags of this program and their values.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, value FROM osquery_flags WHERE value != default_value"),
	.attributes = UTILITY,
	.estimate = { .rows = 250, .start = 1, .row = 0.1 },
	.generate = generate,
};
