// SPDX-License-Identifier: Apache-2.0
// What the shell knows of a schedule: from the configuration, and from the store of a daemon.
#include "config/report.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "shell/session.h"
#include "store/record.h"
#include "version.h"

// A configuration that is not there where nobody said it was is none.
static bool has_config(const struct flags *flags)
{
	return flags_is_set(flags, "config_path") ||
		strcmp(flags_string(flags, "config_plugin"), "filesystem") != 0 ||
		access(flags_string(flags, "config_path"), F_OK) == 0;
}

void session_load_config(struct session *session)
{
	struct fault why;

	session->flags = session->given;
	if (!has_config(session->given))
		return;
	session->config = config_load(session->given, HOSTQL_VERSION, NULL, &why);
	if (!session->config) {
		log_error("Error reading config: %s", why.text);
		return;
	}
	config_apply_options(session->config, session->given, &session->settled);
	session->flags = &session->settled;
	for (size_t i = 0; i < session->config->n_warnings; i++)
		log_warning("%s", session->config->warnings[i]);
}

// Without a configuration the store says what was scheduled.
static void list_records(struct session *session, const struct record *records, size_t n)
{
	struct query_report *queries = arena_zero(&session->reports, n * sizeof(*queries));

	for (size_t i = 0; i < n; i++)
		queries[i] = (struct query_report){ .name = records[i].name,
			.sql = records[i].sql,
			.interval_s = records[i].interval_s };
	session->agent.queries = queries;
	session->agent.n_queries = n;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct record *) a)->name, ((const struct record *) b)->name);
}

static void add_costs(struct session *session, const struct record *records, size_t n)
{
	size_t size = session->agent.n_queries * sizeof(struct query_report);
	struct query_report *queries = arena_zero(&session->reports, size);

	for (size_t i = 0; i < session->agent.n_queries; i++) {
		const struct query_report *query = &session->agent.queries[i];
		const struct record key = { .name = query->name };
		const struct record *record = bsearch(&key, records, n, sizeof(key), compare);

		queries[i] = *query;
		if (!record)
			continue;
		queries[i].performance = record->performance;
		queries[i].denied_until = record->denied_until;
		queries[i].denied_why = record->denied_why;
	}
	session->agent.queries = queries;
}

static void read_store(struct session *session)
{
	struct record *records;
	struct fault why;
	size_t n;

	if (record_list(session->store, &records, &n, &session->reports, &why) < 0) {
		log_warning("%s", why.text);
		return;
	}
	if (!session->config)
		list_records(session, records, n);
	add_costs(session, records, n);
}

static void refresh(void *context)
{
	struct session *session = context;

	arena_reset(&session->reports);
	if (session->config)
		config_report(session->config, &session->reports, &session->agent);
	if (session->store)
		read_store(session);
}

void session_report(struct session *session)
{
	const struct flags *flags = session->given;
	struct fault why;

	if (flags_is_set(flags, "database_path") && !flags_bool(flags, "disable_database")) {
		session->store = store_open(flags_string(flags, "database_path"), STORE_READ, &why);
		if (session->store)
			session->agent.instance_id = session->instance_id = store_setting(
				session->store, "instance_id");
		else
			log_warning("%s", why.text);
	}
	session->agent.refresh = refresh;
	session->agent.refresh_context = session;
	refresh(session);
}
