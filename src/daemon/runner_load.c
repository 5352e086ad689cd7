// SPDX-License-Identifier: Apache-2.0
// The configuration and what follows from it: flags, limits, tables, outputs, schedule.
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "daemon/runner.h"
#include "daemon/watch.h"
#include "host/identity.h"
#include "store/backup.h"

// ---- flags in force ----

// What hostIdentifier in the lines is.
static void find_identifier(struct runner *runner)
{
	const char *kind = flags_string(&runner->flags, "host_identifier");
	char *name = runner->host_identifier;
	size_t size = sizeof(runner->host_identifier);
	char uuid[UUID_TEXT];

	name[0] = '\0';
	if (strcmp(kind, "uuid") == 0 && identity_uuid(&runner->host.root, uuid))
		(void) snprintf(name, size, "%s", uuid);
	else if (strcmp(kind, "instance") == 0)
		(void) snprintf(name, size, "%s", runner->instance_id);
	else if (strcmp(kind, "ephemeral") == 0)
		(void) snprintf(name, size, "%s", identity_instance(&runner->host));
	else if (strcmp(kind, "specified") == 0)
		(void) snprintf(
			name, size, "%s", flags_string(&runner->flags, "specified_identifier"));
	if (*name == '\0' && gethostname(name, size - 1) < 0)
		(void) snprintf(name, size, "localhost");
}

static void set_limits(struct runner *runner)
{
	const struct flags *flags = &runner->flags;
	int64_t memory_mb = flags_integer(flags, "query_memory_limit");
	struct sql_limits limits = {
		.cpu_ms = flags_integer(flags, "query_cpu_limit"),
		.wall_ms = flags_integer(flags, "query_wall_limit"),
		.memory_bytes = memory_mb < INT64_MAX >> 24 ? memory_mb << 20 : INT64_MAX >> 4,
	};
	struct watch_limits watched;

	// before the watchdog has to do something about it
	if (limits.memory_bytes == 0 && watch_limits_read(&watched, flags))
		limits.memory_bytes = (int64_t) (watched.memory_bytes / 5 * 4);
	sql_limit(runner->sql, &limits);
}

static void settle_flags(struct runner *runner)
{
	const struct flags *flags = &runner->flags;
	bool in_memory = flags_bool(flags, "disable_database");

	find_identifier(runner);
	set_limits(runner);
	runner->executor.sql = runner->sql;
	runner->executor.events = runner->host.events;
	runner->executor.settings = (struct execution_settings){
		.host_identifier = runner->host_identifier,
		.null_text = flags_string(flags, "nullvalue"),
		.folder = in_memory ? NULL : flags_string(flags, "database_path"),
		.epoch = (uint64_t) flags_integer(flags, "schedule_epoch"),
		.numerics = flags_bool(flags, "logger_numerics"),
		.event_lines = flags_bool(flags, "logger_event_type"),
		.snapshot_event_lines = flags_bool(flags, "logger_snapshot_event_type"),
		.decorations_top_level = flags_bool(flags, "decorations_top_level"),
		.events_optimize = flags_bool(flags, "events_optimize"),
	};
}

// ---- what is built from it ----

void runner_open_outputs(struct runner *runner)
{
	struct fault why;
	struct outputs *outputs;

	// so that the new ones find the places where these are
	if (runner->outputs)
		(void) outputs_deliver(runner->outputs, &why);
	outputs = outputs_open(&runner->flags, runner->store, &why);
	if (!outputs && why.code == -EUCLEAN) {
		runner_store_failed(runner, &why); // there is another store now
		outputs = outputs_open(&runner->flags, runner->store, &why);
	}
	if (!outputs) {
		log_error("%s", why.text);
		return;
	}
	status_pass_on(runner->status, outputs);
	outputs_close(runner->outputs);
	runner->outputs = outputs;
}

static void open_schedule(struct runner *runner)
{
	const struct flags *flags = &runner->flags;
	struct schedule_settings settings = {
		.splay_percent = (uint64_t) flags_integer(flags, "schedule_splay_percent"),
		.pack_refresh_s = (uint64_t) flags_integer(flags, "pack_refresh_interval"),
	};
	struct schedule *schedule = schedule_open(runner->config, runner->schedule, &settings,
		runner->store, (uint64_t) runner_now_ms(runner) / 1000);

	schedule_close(runner->schedule);
	runner->schedule = schedule;
	schedule_report(schedule, &runner->agent);
}

static void open_decorations(struct runner *runner)
{
	static const struct config none = { 0 };

	decorations_close(runner->decorations);
	runner->decorations = decorations_open(
		flags_bool(&runner->flags, "disable_decorators") ? &none : runner->config);
	runner_begin_query(runner, "decorators", "");
	decorations_run(runner->decorations, runner->sql, DECORATE_LOAD);
	runner_end_query(runner);
}

// ---- loading ----

static void put_in_force(struct runner *runner, struct config *config)
{
	struct config *before = runner->config;
	struct flags flags = { 0 };

	for (size_t i = 0; i < config->n_warnings; i++)
		log_warning("%s", config->warnings[i]);
	config_apply_options(config, runner->context->flags, &flags);
	flags_done(&runner->flags);
	runner->flags = flags;
	runner->config = config;
	runner->agent.config_hash = config->hash;
	settle_flags(runner);
	config_apply_tables(config, before, runner->sql);
	runner_open_outputs(runner);
	open_schedule(runner);
	open_decorations(runner);
	runner_find_paths(runner);
	config_free(before);
}

static void keep_backup(struct runner *runner)
{
	const struct config *config = runner->config;
	auto_free struct backup_text *texts = must_alloc((config->n_sources + 1) * sizeof(*texts));
	struct fault why;

	for (size_t i = 0; i < config->n_sources; i++)
		texts[i] = (struct backup_text){ config->sources[i].name,
			config->sources[i].value };
	if (backup_write(runner->store, texts, config->n_sources, &why) < 0)
		runner_store_failed(runner, &why);
}

static struct config *load_backup(struct runner *runner)
{
	struct arena arena = { 0 };
	struct backup_text *texts;
	struct config *config = NULL;
	struct fault why = { 0 };
	size_t n;

	if (backup_read(runner->store, &texts, &n, &arena, &why) == 0 && n > 0) {
		struct config_named *sources = arena_zero(&arena, n * sizeof(*sources));

		for (size_t i = 0; i < n; i++)
			sources[i] = (struct config_named){ texts[i].name, texts[i].text };
		config = config_load_kept(
			runner->context->flags, runner->agent.version, sources, n, &why);
		if (config)
			log_warning("config: the last good one is used instead");
	}
	if (why.code < 0)
		log_warning("config: the last good one: %s", why.text);
	arena_done(&arena);
	return config;
}

// When it is read again: sooner after a failure.
static void plan_refresh(struct runner *runner, bool failed)
{
	int64_t regular_s = flags_integer(&runner->flags, "config_refresh");
	int64_t sooner_s = flags_integer(&runner->flags, "config_accelerated_refresh");
	int64_t wait_s = failed && sooner_s > 0 ? sooner_s : regular_s;

	runner->refresh_s = regular_s > 0
		? (uint64_t) (runner_now_ms(runner) / 1000) + (uint64_t) wait_s
		: UINT64_MAX;
}

void runner_load(struct runner *runner)
{
	bool backup = flags_bool(&runner->flags, "config_enable_backup");
	struct fault why = { 0 };
	// of what an earlier configuration has set nothing is left
	struct config *config = config_load(
		runner->context->flags, runner->agent.version, runner->config, &why);
	bool failed = !config && why.code != -EALREADY;

	if (failed)
		log_error(
			"config: %s%s", why.text, runner->config ? "; the one in force stays" : "");
	if (config) {
		put_in_force(runner, config);
		if (backup)
			keep_backup(runner);
	} else if (failed && !runner->config && backup) {
		config = load_backup(runner);
		if (config)
			put_in_force(runner, config);
	}
	plan_refresh(runner, failed);
}
