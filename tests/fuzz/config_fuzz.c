// SPDX-License-Identifier: Apache-2.0
// Fuzzes the configuration: the input is the text of its only source. What is taken of it is put in
// force: options, views, auto tables; each in place of the one before.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "config/config.h"
#include "config/report.h"
#include "sql/sql.h"
#include "tables/tables.h"

static struct {
	struct flags flags;
	struct agent agent;
	struct host host;
	struct sql *sql;
	struct config *config; // in force
} fuzz;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct fault why = { 0 };

	(void) argc;
	(void) argv;
	log_threshold(LOG_ERROR + 1);
	fuzz.agent = (struct agent){
		.version = "5.23.0", .tables = tables_all, .n_tables = n_tables_all
	};
	if (host_open(&fuzz.host, &fuzz.flags, &fuzz.agent, &why) < 0 ||
		!(fuzz.sql = sql_open(&fuzz.host, &why))) {
		fprintf(stderr, "%s\n", why.text);
		exit(2);
	}
	return 0;
}

// Everything that it says can be read.
static size_t read_reports(const struct config *config)
{
	struct arena arena = { 0 };
	struct agent agent = { 0 };
	size_t length = 0;

	config_report(config, &arena, &agent);
	for (size_t i = 0; i < agent.n_queries; i++)
		length += strlen(agent.queries[i].name) + strlen(agent.queries[i].sql);
	for (size_t i = 0; i < agent.n_packs; i++)
		length += strlen(agent.packs[i].name) + strlen(agent.packs[i].platform);
	for (size_t i = 0; i < config->n_warnings; i++)
		length += strlen(config->warnings[i]);
	arena_done(&arena);
	return length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *text = must_alloc(length + 1);
	const struct config_named source = { .name = "/fuzz.conf", .value = text };
	struct flags options = { 0 };
	struct fault why = { 0 };
	struct config *config;

	memcpy(text, bytes, length);
	text[length] = '\0';
	config = config_load_kept(&fuzz.flags, "5.23.0", &source, 1, &why);
	free(text);
	if (!config && (why.code >= 0 || why.text[0] == '\0'))
		abort(); // a refusal has a reason
	if (!config)
		return 0;
	if (strlen(config->hash) != 40 || read_reports(config) > 1 << 24)
		abort();
	config_apply_options(config, &fuzz.flags, &options);
	flags_done(&options);
	config_apply_tables(config, fuzz.config, fuzz.sql);
	config_free(fuzz.config);
	fuzz.config = config;
	return 0;
}
