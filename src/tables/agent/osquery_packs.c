// SPDX-License-Identifier: Apache-2.0
// The packs of the configuration, of which the schedule is one, named main.
#include "host/host.h"
#include "sql/table.h"

enum { NAME, PLATFORM, VERSION_TEXT, SHARD, DISCOVERY_CACHE_HITS, DISCOVERY_EXECUTIONS, ACTIVE };

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the pack." },
	[PLATFORM] = { "platform", TEXT, "Platforms that it is for; empty for all." },
	[VERSION_TEXT] = { "version", TEXT, "Oldest version of the agent that it is for.",
		VERSION },
	[SHARD] = { "shard", INTEGER, "Share of all hosts that it is for in percent; 0 for all." },
	[DISCOVERY_CACHE_HITS] = { "discovery_cache_hits", INTEGER,
		"Times its discovery queries were not run because their last outcome held." },
	[DISCOVERY_EXECUTIONS] = { "discovery_executions", INTEGER,
		"Times its discovery queries were run." },
	[ACTIVE] = { "active", INTEGER, "1 if its queries are scheduled, else 0." },
};

static int generate(struct scan *scan, struct fault *why)
{
	const struct agent *agent = scan_host(scan)->agent;
	bool more = true;

	(void) why; // always at hand
	if (agent->refresh)
		agent->refresh(agent->refresh_context);
	for (size_t i = 0; more && i < agent->n_packs; i++) {
		const struct pack_report *pack = &agent->packs[i];

		more = scan_row(scan);
		scan_text(scan, NAME, pack->name);
		scan_text(scan, PLATFORM, pack->platform);
		scan_text(scan, VERSION_TEXT, pack->version);
		scan_integer(scan, SHARD, (int64_t) pack->shard);
		scan_integer(scan, DISCOVERY_CACHE_HITS, (int64_t) pack->cache_hits);
		scan_integer(scan, DISCOVERY_EXECUTIONS, (int64_t) pack->executions);
		scan_integer(scan, ACTIVE, pack->active);
	}
	return 0;
}

const struct table table_osquery_packs = {
	.name = "osquery_packs",
	.about = "Packs of the configuration and whether they are in use on this host.",
	COLUMNS(columns),
	EXAMPLES("SELECT name, platform, shard FROM osquery_packs WHERE NOT active"),
	.attributes = UTILITY,
	.estimate = { .rows = 10, .start = 1, .row = 0.1 },
	.generate = generate,
};
