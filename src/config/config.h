// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where settings come from, and what they say. A configuration is one or more sources (JSON with
// comment lines), read by the plugin that the flag config_plugin names. It is loaded as a whole or
// not at all; what it says that cannot be taken is left out with a warning that names file, line
// and key.

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/flags.h"

struct sql;
struct table;

struct config_query {
	const char *name; // within its pack
	const char *full_name; // as it is scheduled and logged
	const char *sql;
	uint64_t interval_s;
	bool snapshot, removed, denylist;
	int64_t startup_priority; // INT64_MAX: it has none
};

struct config_pack {
	const char *name;
	const char *platform, *version, *oncall;
	uint64_t shard; // 0: it has none
	bool fits; // platform, version and shard are those of this host; else it has no queries
	const char *const *discovery; // NULL-terminated
	const struct config_query *queries; // by startup_priority, then name
	size_t n_queries;
};

// When a decorator runs: with the configuration, before each query, every `interval_s`.
enum decorate { DECORATE_LOAD, DECORATE_ALWAYS, DECORATE_INTERVAL };

struct config_decorator {
	const char *source; // later sources win
	enum decorate when;
	uint64_t interval_s;
	const char *sql;
};

struct config_named {
	const char *name, *value;
	const char *place; // "file:line"
};

// A list of texts under a name: the patterns of a category of files.
struct config_list {
	const char *name;
	const char *const *values; // NULL-terminated
};

struct config_auto_table {
	const char *name, *sql, *path;
	const char *const *columns; // NULL-terminated
	const char *place; // "file:line"
	const struct table *table; // what it is in SQL
};

#define CONFIG_ARRAY(type, name)                                                                   \
	const type *name;                                                                          \
	size_t n_##name

struct config {
	char hash[40 + 1]; // SHA-1 over those of the sources, hexadecimal
	CONFIG_ARRAY(struct config_pack, packs);
	CONFIG_ARRAY(struct config_decorator, decorators);
	CONFIG_ARRAY(struct config_named, options);
	CONFIG_ARRAY(struct config_named, views);
	CONFIG_ARRAY(struct config_auto_table, auto_tables);
	CONFIG_ARRAY(struct config_list, file_paths);
	CONFIG_ARRAY(struct config_list, file_paths_query);
	CONFIG_ARRAY(struct config_list, exclude_paths);
	const char *const *file_accesses; // NULL-terminated
	const char *const *enable_subscribers, *const *disable_subscribers;
	const char *const *mute_paths, *const *mute_processes; // patterns; likewise
	CONFIG_ARRAY(struct config_named, sources); // name and raw text, in order
	CONFIG_ARRAY(char *const, warnings); // what was left out and why, one sentence each
	char seen[40 + 1]; // digest of all that was read: sources and the files of packs
	const char *const *pack_values; // NULL-terminated: the files of packs, as they were named
	struct arena arena; // owns all of it
};

// Receives what a source reads.
struct config_reader {
	void (*give)(void *context, const char *name, const char *text, size_t length);
	void (*warn)(void *context, const char *sentence); // a part could not be read
	void *context;
};

// A kind of place where sources come from; src/config/NAME.c defines config_source_NAME.
struct config_source {
	const char *name;
	const char *about;

	// Gives the raw texts of all sources, in order.
	int (*read)(
		const struct flags *flags, const struct config_reader *reader, struct fault *why);

	// Gives the packs behind a text value of "packs", a path or a pattern: the path and raw
	// text of each file, in order. May be NULL.
	int (*read_packs)(const struct flags *flags, const char *value,
		const struct config_reader *reader, struct fault *why);
};

extern const struct config_source *const config_sources_all[];
extern const size_t n_config_sources_all;

// Loads the configuration. `version`: that of the agent. NULL with the reason (file, line, key).
// When the sources are those of `before` (may be NULL), -EALREADY is the reason's code.
struct config *config_load(const struct flags *flags, const char *version,
	const struct config *before, struct fault *why);

// The same from texts that were kept: name and raw text each.
struct config *config_load_kept(const struct flags *flags, const char *version,
	const struct config_named *sources, size_t n_sources, struct fault *why);
void config_free(struct config *config);

// The flags `given`, with the options of the configuration set over them; those that may not be set
// are warned about (log). `flags` is all zero before.
void config_apply_options(
	const struct config *config, const struct flags *given, struct flags *flags);

// Makes the views and auto tables of the configuration those of the database, in place of those of
// `before` (may be NULL). What cannot be made is logged. `config` stays alive as long as `sql`.
void config_apply_tables(const struct config *config, const struct config *before, struct sql *sql);

// --config_check and --config_dump: the exit code.
int config_check(const struct flags *flags, const char *version);
int config_dump(const struct flags *flags);

// The share of this host: 0 to 100, from its name.
unsigned config_shard(void);
