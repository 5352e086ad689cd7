// SPDX-License-Identifier: Apache-2.0
#include "config/section.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "config/auto_table.h"
#include "config/pack.h"

#define SECTION_NAMES                                                                              \
	"options", "decorators", "file_paths", "file_paths_query", "file_accesses",                \
		"exclude_paths", "yara", "views", "auto_table_construction", "events",             \
		"prometheus_targets", "feature_vectors", "kafka_topics", "logger"

const char *const section_source_names[] = { "schedule", "packs", "additional_monitoring",
	SECTION_NAMES, NULL };
const char *const section_pack_names[] = { "queries", "platform", "version", "shard", "discovery",
	"oncall", SECTION_NAMES, NULL };

static const char *place_of(struct loader *loader, const struct node *node)
{
	auto_text struct text place = { 0 };

	node_add_place(node, false, &place);
	return arena_copy(loader->arena, place.bytes, place.length);
}

// ---- options ----

// The value of an option as a flag takes it: NULL when it is none, "" when it is to be passed over.
static char *option_value(const struct node *option)
{
	const struct json_library *json = option->document->json;
	int64_t integer;
	size_t length;
	double real;
	const char *text = json->text(option->value, &length);
	char digits[32];

	if (text)
		return strlen(text) == length ? must_dup(text) : NULL;
	if (node_kind(option) == IS_NULL)
		return NULL;
	if (node_kind(option) != IS_NUMBER || json->integer(option->value, &integer))
		return json->print(option->value);
	if (!json->real(option->value, &real) || !(real >= 0 && real < 0x1p64))
		return NULL;
	(void) snprintf(digits, sizeof(digits), "%" PRIu64, (uint64_t) real);
	return must_dup(digits);
}

static void take_options(struct loader *loader, const struct node *options, const char *source)
{
	struct node option;
	void *place = NULL;

	(void) source;
	while (node_next(options, &place, &option)) {
		auto_free char *value = option_value(&option);
		struct fault why;

		if (!value) {
			loader_refuse(loader, &option, "value of a flag");
			continue;
		}
		if (*value == '\0')
			continue;
		if (flags_set_option(&loader->flags, option.name, value, &why) < 0) {
			loader_warn(loader, &option, "%s", why.text);
			continue;
		}
		*list_add(loader->arena, &loader->options) = (struct config_named){
			.name = arena_copy(loader->arena, option.name, strlen(option.name)),
			.value = arena_copy(loader->arena, value, strlen(value)),
			.place = place_of(loader, &option),
		};
	}
}

void options_preview(struct loader *loader, const struct node *object)
{
	struct node options, option;
	void *place = NULL;

	if (!node_member(object, "options", &options))
		return;
	while (node_next(&options, &place, &option)) {
		auto_free char *value = option_value(&option);

		if (value && *value)
			(void) flags_set_option(&loader->flags, option.name, value, NULL);
	}
}

// ---- decorators ----

static void take_decorator_list(
	struct loader *loader, const struct node *list, const struct config_decorator *model)
{
	struct texts texts = { 0 };

	loader_texts(loader, list, &texts);
	for (size_t i = 0; i < texts.n; i++) {
		struct config_decorator *decorator = list_add(loader->arena, &loader->decorators);

		*decorator = *model;
		decorator->sql = texts.items[i];
	}
}

static void take_decorators(struct loader *loader, const struct node *object, const char *source)
{
	static const char *const names[] = { "load", "always", "interval", NULL };
	struct config_decorator model = { .source = source, .when = DECORATE_LOAD };
	struct node list, interval;
	void *place = NULL;

	loader_check_names(loader, object, names);
	if (node_member(object, "load", &list))
		take_decorator_list(loader, &list, &model);
	model.when = DECORATE_ALWAYS;
	if (node_member(object, "always", &list))
		take_decorator_list(loader, &list, &model);
	model.when = DECORATE_INTERVAL;
	if (!node_member(object, "interval", &interval) || !loader_wants_object(loader, &interval))
		return;
	while (node_next(&interval, &place, &list)) {
		if (text_unsigned(list.name, 10, &model.interval_s) < 0 || model.interval_s == 0 ||
			model.interval_s % 60 != 0)
			loader_warn(loader, &list, "an interval of decorators is a multiple of 60");
		else
			take_decorator_list(loader, &list, &model);
	}
}

// ---- files ----

#define TAKE_LISTS(loader, object, list)                                                           \
	do {                                                                                       \
		struct node member_;                                                               \
		void *place_ = NULL;                                                               \
		while (node_next(object, &place_, &member_)) {                                     \
			struct texts texts_ = { 0 };                                               \
			loader_texts(loader, &member_, &texts_);                                   \
			*list_add((loader)->arena, list) = (struct config_list){                   \
				.name = arena_copy(                                                \
					(loader)->arena, member_.name, strlen(member_.name)),      \
				.values = loader_end_texts(loader, &texts_),                       \
			};                                                                         \
		}                                                                                  \
	} while (0)

static void take_file_paths(struct loader *loader, const struct node *object, const char *source)
{
	(void) source;
	TAKE_LISTS(loader, object, &loader->file_paths);
}

static void take_file_queries(struct loader *loader, const struct node *object, const char *source)
{
	(void) source;
	TAKE_LISTS(loader, object, &loader->file_paths_query);
}

// What says more about file paths counts only beside them, in the same source.
static bool has_file_paths(struct loader *loader, const struct node *node)
{
	struct node paths;

	if (node_member(node->above, "file_paths", &paths) ||
		node_member(node->above, "file_paths_query", &paths))
		return true;
	loader_warn(loader, node,
		"it is only read beside \"file_paths\" or \"file_paths_query\" of the same source");
	return false;
}

static void take_exclusions(struct loader *loader, const struct node *object, const char *source)
{
	(void) source;
	if (has_file_paths(loader, object))
		TAKE_LISTS(loader, object, &loader->exclude_paths);
}

static void take_accesses(struct loader *loader, const struct node *list, const char *source)
{
	(void) source;
	if (has_file_paths(loader, list))
		loader_texts(loader, list, &loader->file_accesses);
}

// ---- tables ----

static void take_views(struct loader *loader, const struct node *object, const char *source)
{
	struct node view;
	void *place = NULL;

	(void) source;
	while (node_next(object, &place, &view)) {
		const char *sql = loader_text(loader, &view);

		if (!sql || !*sql)
			continue;
		*list_add(loader->arena, &loader->views) = (struct config_named){
			.name = arena_copy(loader->arena, view.name, strlen(view.name)),
			.value = sql,
			.place = place_of(loader, &view),
		};
	}
}

static const char *member_text(struct loader *loader, const struct node *object, const char *name)
{
	struct node member;
	const char *text;

	if (!node_member(object, name, &member)) {
		loader_warn(loader, object, "it has no \"%s\"", name);
		return NULL;
	}
	text = loader_text(loader, &member);
	if (text && !*text)
		loader_warn(loader, &member, "it is empty");
	return text && *text ? text : NULL;
}

// The columns of an auto table, none twice.
static bool take_columns(
	struct loader *loader, const struct node *object, struct config_auto_table *table)
{
	struct node list, item;
	struct texts columns = { 0 };

	if (!node_member(object, "columns", &list)) {
		loader_warn(loader, object, "it has no \"columns\"");
		return false;
	}
	if (node_kind(&list) != IS_ARRAY) {
		loader_refuse(loader, &list, "list");
		return false;
	}
	for (size_t i = 0; node_item(&list, i, &item); i++) {
		const char *name = loader_text(loader, &item);
		const char *problem = name ? auto_table_check_column(name, columns.items, columns.n)
					   : NULL;

		if (problem)
			loader_warn(loader, &item, "%s", problem);
		else if (name)
			*list_add(loader->arena, &columns) = name;
		if (name && strcasecmp(name, "path") == 0)
			loader_warn(loader, &item, "every table has a column \"path\"");
	}
	if (columns.n == 0)
		loader_warn(loader, &list, "there is no column");
	table->columns = loader_end_texts(loader, &columns);
	return columns.n > 1;
}

static bool is_for_us(struct loader *loader, const struct node *object)
{
	struct node platform;
	const char *text;

	if (!node_member(object, "platform", &platform))
		return true;
	text = loader_text(loader, &platform);
	return !text || pack_is_platform(text);
}

static void take_auto_table(struct loader *loader, const struct node *object)
{
	static const char *const names[] = { "query", "path", "columns", "platform", NULL };
	struct config_auto_table table = { 0 };
	const char *problem = auto_table_check_name(object->name);

	if (!loader_wants_object(loader, object))
		return;
	loader_check_names(loader, object, names);
	if (problem) {
		loader_warn(loader, object, "%s", problem);
		return;
	}
	if (!is_for_us(loader, object))
		return;
	table.name = arena_copy(loader->arena, object->name, strlen(object->name));
	table.sql = member_text(loader, object, "query");
	table.path = member_text(loader, object, "path");
	if (!take_columns(loader, object, &table) || !table.sql || !table.path)
		return;
	if (*table.path != '/') {
		loader_warn(loader, object, "the path %s does not begin with /", table.path);
		return;
	}
	table.place = place_of(loader, object);
	for (size_t i = 0; i < loader->auto_tables.n; i++) {
		if (strcasecmp(loader->auto_tables.items[i].name, table.name) != 0)
			continue;
		loader->auto_tables.items[i] = table; // later sources win
		return;
	}
	if (loader->auto_tables.n == AUTO_TABLES_MAX)
		loader_warn(loader, object, "there are more than %d tables", AUTO_TABLES_MAX);
	else
		*list_add(loader->arena, &loader->auto_tables) = table;
}

static void take_auto_tables(struct loader *loader, const struct node *object, const char *source)
{
	struct node table;
	void *place = NULL;

	(void) source;
	while (node_next(object, &place, &table))
		take_auto_table(loader, &table);
}

// ---- events ----

static void take_events(struct loader *loader, const struct node *object, const char *source)
{
	static const char *const names[] = { "enable_subscribers", "disable_subscribers",
		"mute_paths", "mute_processes", NULL };
	struct texts *const lists[] = { &loader->enable_subscribers, &loader->disable_subscribers,
		&loader->mute_paths, &loader->mute_processes };
	struct node list;

	(void) source;
	loader_check_names(loader, object, names);
	for (size_t i = 0; names[i]; i++) {
		if (!node_member(object, names[i], &list))
			continue;
		lists[i]->n = 0;
		loader_texts(loader, &list, lists[i]);
	}
}

// ---- all of them ----

void sections_take(struct loader *loader, const struct node *object, const char *source)
{
	static const struct section {
		const char *name;
		enum json_kind kind;
		void (*read)(struct loader *loader, const struct node *value, const char *source);
	} sections[] = {
		{ "options", IS_OBJECT, take_options },
		{ "auto_table_construction", IS_OBJECT, take_auto_tables },
		{ "decorators", IS_OBJECT, take_decorators },
		{ "events", IS_OBJECT, take_events },
		{ "file_paths", IS_OBJECT, take_file_paths },
		{ "file_paths_query", IS_OBJECT, take_file_queries },
		{ "file_accesses", IS_ARRAY, take_accesses },
		{ "exclude_paths", IS_OBJECT, take_exclusions },
		{ "views", IS_OBJECT, take_views },
	};

	for (size_t i = 0; i < sizeof(sections) / sizeof(sections[0]); i++) {
		const struct section *section = &sections[i];
		struct node value;

		if (!node_member(object, section->name, &value))
			continue;
		if (node_kind(&value) == section->kind)
			section->read(loader, &value, source);
		else
			loader_refuse(
				loader, &value, section->kind == IS_OBJECT ? "object" : "list");
	}
}
