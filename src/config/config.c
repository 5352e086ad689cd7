// SPDX-License-Identifier: Apache-2.0
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/module.h"
#include "base/utf8.h"
#include "config/auto_table.h"
#include "config/loader.h"
#include "config/pack.h"
#include "config/section.h"
#include "config/view.h"
#include "host/digest.h"
#include "sql/sql.h"

// ---- the plugin ----

static const struct config_source *find_source(const struct flags *flags)
{
	const char *name = flags_string(flags, "config_plugin");

	for (size_t i = 0; i < n_config_sources_all; i++)
		if (strcmp(config_sources_all[i]->name, name) == 0)
			return config_sources_all[i];
	return NULL;
}

static void add_source(void *context, const char *name, const char *text, size_t length)
{
	struct loader *loader = context;

	*list_add(loader->arena, &loader->sources) = (struct config_named){
		.name = arena_copy(loader->arena, name, strlen(name)),
		.value = arena_copy(loader->arena, text, length),
		.place = "",
	};
	*list_add(loader->arena, &loader->source_lengths) = length;
}

static void add_warning(void *context, const char *sentence)
{
	auto_text struct text printable = { 0 };

	utf8_add_printable(&printable, sentence, strlen(sentence));
	loader_say(context, printable.bytes ? printable.bytes : "");
}

// ---- what was read ----

// The digest of the digests of all sources, and what `seen` begins with.
static int digest_sources(struct loader *loader, struct fault *why)
{
	auto_text struct text all = { 0 };
	struct digest digest;
	int r;

	text_add(&all, "", 0);
	for (size_t i = 0; i < loader->sources.n; i++) {
		r = digest_bytes(loader->sources.items[i].value, loader->source_lengths.items[i],
			1 << DIGEST_SHA1, &digest, why);
		if (r < 0)
			return r;
		text_add_string(&all, digest.hex[DIGEST_SHA1]);
		text_printf(&loader->seen, "%s\n", loader->sources.items[i].name);
	}
	r = digest_bytes(all.bytes, all.length, 1 << DIGEST_SHA1, &digest, why);
	if (r < 0)
		return r;
	memcpy(loader->config->hash, digest.hex[DIGEST_SHA1], sizeof(loader->config->hash));
	text_add_string(&loader->seen, loader->config->hash);
	return 0;
}

static int digest_seen(struct loader *loader, struct fault *why)
{
	struct config *config = loader->config;
	struct digest digest;
	int r = digest_bytes(
		loader->seen.bytes, loader->seen.length, 1 << DIGEST_SHA1, &digest, why);

	if (r == 0)
		memcpy(config->seen, digest.hex[DIGEST_SHA1], sizeof(config->seen));
	return r;
}

// Whether all is as it was. The hash is that of the sources alone, as servers know it; but when the
// file of a pack has changed, the configuration has changed too.
static bool is_unchanged(struct loader *loader, const struct config *before)
{
	size_t length = loader->seen.length;
	bool unchanged;

	if (!before || strcmp(before->hash, loader->config->hash) != 0)
		return false;
	for (const char *const *value = before->pack_values; *value; value++)
		pack_see(loader, *value);
	unchanged = digest_seen(loader, NULL) == 0 &&
		strcmp(loader->config->seen, before->seen) == 0;
	loader->seen.length = length;
	return unchanged;
}

// ---- loading ----

static int parse_sources(struct loader *loader, struct document *documents, struct fault *why)
{
	for (size_t i = 0; i < loader->sources.n; i++) {
		const struct config_named *source = &loader->sources.items[i];
		int r = document_parse(&documents[i], loader->json, source->name, source->value,
			loader->source_lengths.items[i], loader->arena, why);

		if (r < 0)
			return r;
	}
	return 0;
}

static void take_source(struct loader *loader, const struct document *document)
{
	struct node root = node_root(document), member;

	loader_check_duplicates(loader, document);
	loader_check_names(loader, &root, section_source_names);
	if (node_member(&root, "schedule", &member))
		pack_take_schedule(loader, &member);
	if (node_member(&root, "packs", &member))
		pack_take_all(loader, &member, document->name);
	sections_take(loader, &root, document->name);
}

static int parse_all(struct loader *loader, struct fault *why)
{
	size_t size = (loader->sources.n + 1) * sizeof(struct document);
	auto_free struct document *documents = must_alloc(size);
	int r;

	memset(documents, 0, size);
	loader->json = module_open("json", why);
	r = loader->json ? parse_sources(loader, documents, why) : -ENOENT;
	for (size_t i = 0; r == 0 && i < loader->sources.n; i++) {
		struct node root = node_root(&documents[i]);

		options_preview(loader, &root);
	}
	for (size_t i = 0; r == 0 && i < loader->sources.n; i++)
		take_source(loader, &documents[i]);
	for (size_t i = 0; i < loader->sources.n; i++)
		document_done(&documents[i]);
	return r;
}

#define GIVE(config, loader, list)                                                                 \
	((config)->list = (loader)->list.items, (config)->n_##list = (loader)->list.n)

static int compare_decorators(const void *a, const void *b)
{
	const struct config_decorator *left = *(struct config_decorator *const *) a;
	const struct config_decorator *right = *(struct config_decorator *const *) b;
	int r = strcmp(left->source, right->source);

	return r ? r : (left > right) - (left < right);
}

// By source; those of one source keep their order.
static void sort_decorators(struct loader *loader)
{
	size_t n = loader->decorators.n;
	auto_free struct config_decorator **order = must_alloc(
		n * sizeof(struct config_decorator *));
	struct config_decorator *sorted = arena_alloc(loader->arena, n * sizeof(*sorted));

	for (size_t i = 0; i < n; i++)
		order[i] = &loader->decorators.items[i];
	qsort(order, n, sizeof(struct config_decorator *), compare_decorators);
	for (size_t i = 0; i < n; i++)
		sorted[i] = *order[i];
	loader->decorators.items = sorted;
}

static void finish(struct loader *loader)
{
	struct config *config = loader->config;

	if (loader->n_unsaid > 0)
		*list_add(loader->arena, &loader->warnings) = arena_printf(
			loader->arena, "config: %zu more of such warnings", loader->n_unsaid);
	sort_decorators(loader);
	for (size_t i = 0; i < loader->auto_tables.n; i++) {
		struct config_auto_table *table = &loader->auto_tables.items[i];

		table->table = auto_table_make(table, loader->arena);
	}
	GIVE(config, loader, packs);
	GIVE(config, loader, decorators);
	GIVE(config, loader, options);
	GIVE(config, loader, views);
	GIVE(config, loader, auto_tables);
	GIVE(config, loader, file_paths);
	GIVE(config, loader, file_paths_query);
	GIVE(config, loader, exclude_paths);
	GIVE(config, loader, sources);
	GIVE(config, loader, warnings);
	config->file_accesses = loader_end_texts(loader, &loader->file_accesses);
	config->enable_subscribers = loader_end_texts(loader, &loader->enable_subscribers);
	config->disable_subscribers = loader_end_texts(loader, &loader->disable_subscribers);
	config->mute_paths = loader_end_texts(loader, &loader->mute_paths);
	config->mute_processes = loader_end_texts(loader, &loader->mute_processes);
	config->pack_values = loader_end_texts(loader, &loader->pack_values);
}

static void begin(struct loader *loader, const struct flags *flags, const char *version)
{
	struct config *config = must_alloc(sizeof(*config));

	*config = (struct config){ .n_packs = 0 };
	*loader = (struct loader){
		.config = config,
		.arena = &config->arena,
		.version = version,
		.source = find_source(flags),
		.shard = -1,
	};
	flags_copy(&loader->flags, flags);
}

// Ends the loading with its outcome.
static struct config *end(struct loader *loader, int r)
{
	struct config *config = loader->config;

	flags_done(&loader->flags);
	set_done(&loader->query_names);
	text_done(&loader->seen);
	if (r == 0)
		return config;
	config_free(config);
	return NULL;
}

static int load(struct loader *loader, const struct config *before, struct fault *why)
{
	int r = digest_sources(loader, why);

	if (r < 0)
		return r;
	if (is_unchanged(loader, before))
		return fail(why, -EALREADY, "config: it has not changed");
	r = parse_all(loader, why);
	if (r == 0)
		r = digest_seen(loader, why);
	if (r == 0)
		finish(loader);
	return r;
}

static int refuse_plugin(const struct flags *flags, struct fault *why)
{
	return fail(
		why, -ENOSYS, "there is no config plugin %s", flags_string(flags, "config_plugin"));
}

struct config *config_load(const struct flags *flags, const char *version,
	const struct config *before, struct fault *why)
{
	struct loader loader;
	const struct config_reader reader = {
		.give = add_source, .warn = add_warning, .context = &loader
	};
	int r;

	begin(&loader, flags, version);
	r = loader.source ? loader.source->read(flags, &reader, why) : refuse_plugin(flags, why);
	if (r == 0)
		r = load(&loader, before, why);
	return end(&loader, r);
}

struct config *config_load_kept(const struct flags *flags, const char *version,
	const struct config_named *sources, size_t n_sources, struct fault *why)
{
	struct loader loader;
	int r;

	begin(&loader, flags, version);
	for (size_t i = 0; i < n_sources; i++)
		add_source(&loader, sources[i].name, sources[i].value, strlen(sources[i].value));
	r = loader.source ? load(&loader, NULL, why) : refuse_plugin(flags, why);
	return end(&loader, r);
}

void config_free(struct config *config)
{
	if (!config)
		return;
	arena_done(&config->arena);
	free(config);
}

// ---- using it ----

void config_apply_options(
	const struct config *config, const struct flags *given, struct flags *flags)
{
	struct fault why;

	flags_copy(flags, given);
	for (size_t i = 0; i < config->n_options; i++) {
		const struct config_named *option = &config->options[i];

		// those that can't be set were left out when the configuration was loaded
		if (flags_set_option(flags, option->name, option->value, &why) < 0)
			log_warning("%s: options.%s: %s", option->place, option->name, why.text);
	}
}

static void remove_tables(const struct config *config, struct sql *sql)
{
	for (size_t i = 0; i < config->n_auto_tables; i++)
		sql_remove_table(sql, config->auto_tables[i].table);
}

void config_apply_tables(const struct config *config, const struct config *before, struct sql *sql)
{
	struct fault why;

	if (before)
		remove_tables(before, sql);
	for (size_t i = 0; i < config->n_auto_tables; i++) {
		const struct config_auto_table *table = &config->auto_tables[i];

		if (sql_find_table(sql, table->name))
			log_warning("%s: auto_table_construction.%s: ATC table overrides core "
				    "table; Refusing registration",
				table->place, table->name);
		else if (sql_add_table(sql, table->table, &why) < 0)
			log_warning("%s: auto_table_construction.%s: %s", table->place, table->name,
				why.text);
	}
	views_apply(config, before, sql);
}

// ---- looking at it ----

static void print_error(const char *prefix, const char *sentence)
{
	auto_text struct text printable = { 0 };

	utf8_add_printable(&printable, sentence, strlen(sentence));
	fprintf(stderr, "%s%s\n", prefix, printable.bytes ? printable.bytes : "");
}

static int refuse_activation(const struct flags *flags)
{
	enum { CATASTROPHIC = 78 };

	fprintf(stderr, "Cannot activate %s config plugin: there is no such plugin\n",
		flags_string(flags, "config_plugin"));
	return CATASTROPHIC;
}

int config_check(const struct flags *flags, const char *version)
{
	struct fault why;
	struct config *config;

	if (!find_source(flags))
		return refuse_activation(flags);
	config = config_load(flags, version, NULL, &why);
	if (!config) {
		print_error("Error reading config: ", why.text);
		return 1;
	}
	for (size_t i = 0; i < config->n_warnings; i++)
		print_error("Warning: ", config->warnings[i]);
	config_free(config);
	return 0;
}

static void dump_source(void *context, const char *name, const char *text, size_t length)
{
	auto_text struct text line = { 0 };

	(void) context;
	text_add_char(&line, '{');
	json_add_string(&line, name, strlen(name));
	text_add_string(&line, ": ");
	text_add(&line, text, length);
	text_add_string(&line, "}\n");
	(void) fwrite(line.bytes, 1, line.length, stdout);
}

static void dump_warning(void *context, const char *sentence)
{
	(void) context;
	print_error("Warning: ", sentence);
}

int config_dump(const struct flags *flags)
{
	const struct config_reader reader = { .give = dump_source, .warn = dump_warning };
	const struct config_source *source = find_source(flags);
	struct fault why;

	if (!source)
		return refuse_activation(flags);
	if (source->read(flags, &reader, &why) < 0) {
		print_error("Error reading config: ", why.text);
		return 1;
	}
	return 0;
}
