// SPDX-License-Identifier: Apache-2.0
// What this program is made of: its tables, the engine that joins them, and its outputs.
#include "host/host.h"
#include "sql/table.h"

enum { REGISTRY, NAME, OWNER_UUID, INTERNAL, ACTIVE };

static const struct column columns[] = {
	[REGISTRY] = { "registry", TEXT, "Kind of the part, such as table." },
	[NAME] = { "name", TEXT, "Name of the part." },
	[OWNER_UUID] = { "owner_uuid", INTEGER, "0 for our own, else the extension's number." },
	[INTERNAL] = { "internal", INTEGER, "1 if it is only for other parts, else 0." },
	[ACTIVE] = { "active", INTEGER, "1 if it is in use, else 0." },
};

static bool give_part(
	struct scan *scan, const char *registry, const char *name, bool internal, bool active)
{
	bool more = scan_row(scan);

	scan_text(scan, REGISTRY, registry);
	scan_text(scan, NAME, name);
	scan_integer(scan, OWNER_UUID, 0);
	scan_integer(scan, INTERNAL, internal);
	scan_integer(scan, ACTIVE, active);
	return more;
}

// Only a daemon writes results.
static bool give_outputs(struct scan *scan)
{
	const struct host *host = scan_host(scan);
	bool logs = host->agent->daemon && !flags_bool(host->flags, "disable_logging");
	const char *used = flags_string(host->flags, "logger_plugin"), *name;
	bool more = true;

	for (size_t i = 0; more && (name = host->agent->output_name(i)); i++)
		more = give_part(scan, "logger", name, false, logs && text_lists(used, name));
	return more;
}

static int generate(struct scan *scan, struct fault *why)
{
	const struct agent *agent = scan_host(scan)->agent;
	bool more = give_part(scan, "sql", "sql", true, true);

	(void) why; // always at hand
	if (more && agent->output_name)
		more = give_outputs(scan);
	for (size_t i = 0; more && i < agent->n_tables; i++)
		more = give_part(scan, "table", agent->tables[i]->name, false, true);
	return 0;
}

const struct table table_osquery_registry = {
	.name = "osquery_registry",
	.about = "Parts of this program.",
	COLUMNS(columns),
	EXAMPLES("SELECT name FROM osquery_registry WHERE registry = 'table' AND active = 1"),
	.attributes = UTILITY,
	.estimate = { .rows = 160, .start = 1, .row = 0.1 },
	.generate = generate,
};
