// SPDX-License-Identifier: Apache-2.0
#include "config/report.h"

static size_t count_queries(const struct config *config)
{
	size_t n = 0;

	for (size_t i = 0; i < config->n_packs; i++)
		n += config->packs[i].n_queries;
	return n;
}

void config_report(const struct config *config, struct arena *arena, struct agent *agent)
{
	struct query_report *queries = arena_zero(arena, count_queries(config) * sizeof(*queries));
	struct pack_report *packs = arena_zero(arena, config->n_packs * sizeof(*packs));
	size_t n = 0;

	for (size_t i = 0; i < config->n_packs; i++) {
		const struct config_pack *pack = &config->packs[i];

		packs[i] = (struct pack_report){ .name = pack->name,
			.platform = pack->platform,
			.version = pack->version,
			.shard = pack->shard,
			.active = pack->fits };
		for (size_t j = 0; j < pack->n_queries; j++)
			queries[n++] = (struct query_report){ .name = pack->queries[j].full_name,
				.sql = pack->queries[j].sql,
				.interval_s = pack->queries[j].interval_s };
	}
	agent->config_hash = config->hash;
	agent->queries = queries;
	agent->n_queries = n;
	agent->packs = packs;
	agent->n_packs = config->n_packs;
}
