// SPDX-License-Identifier: Apache-2.0
// Programs that add tables to this one. There is no manager for them yet, so there are none.
#include "sql/table.h"

enum { UUID, NAME, VERSION_NAME, SDK_VERSION, PATH, TYPE };

static const struct column columns[] = {
	[UUID] = { "uuid", BIGINT, "Number given to it for this run; 0 is this program." },
	[NAME] = { "name", TEXT, "Name it registered." },
	[VERSION_NAME] = { "version", TEXT, "Its version.", VERSION },
	[SDK_VERSION] = { "sdk_version", TEXT, "Version of the library it was built with.",
		VERSION },
	[PATH] = { "path", TEXT, "Socket it listens on." },
	[TYPE] = { "type", TEXT, "core or extension." },
};

static int generate(struct scan *scan, struct fault *why)
{
	(void) scan;
	(void) why;
	return 0;
}

const struct table table_osquery_extensions = {
	.name = "osquery_extensions",
	.about = "Extensions that are connected to this program.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, version FROM osquery_extensions WHERE type = 'extension'"),
	.attributes = UTILITY,
	.estimate.rows = 1,
	.generate = generate,
};
