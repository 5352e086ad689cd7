// SPDX-License-Identifier: Apache-2.0
#include "config/pack.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"
#include "config/section.h"
#include "host/digest.h"

enum { INTERVAL_MOST_S = 604800, SHARD_MOST = 100 };

// What a pack and a query say about where they run.
struct fitness {
	const char *platform, *version;
	int64_t shard; // 0: none
};

// ---- this host ----

bool pack_is_platform(const char *platform)
{
	static const char *const ours[] = { "any", "all", "linux", "ubuntu", "centos", "posix" };

	if (*platform == '\0' || strcmp(platform, "null") == 0)
		return true;
	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
		if (strstr(platform, ours[i]))
			return true;
	return false;
}

// Components are compared as numbers; those that one of both lacks do not count.
static bool is_version(const char *wanted, const char *agent)
{
	if (strcmp(wanted, "0.0.0") == 0)
		return true;
	while (*wanted && *agent) {
		char *wanted_end, *agent_end;
		unsigned long long least = strtoull(wanted, &wanted_end, 10);
		unsigned long long ours = strtoull(agent, &agent_end, 10);

		if (wanted_end == wanted || agent_end == agent || ours > least)
			return true;
		if (ours < least)
			return false;
		if (*wanted_end != '.' || *agent_end != '.')
			return true;
		wanted = wanted_end + 1;
		agent = agent_end + 1;
	}
	return true;
}

unsigned config_shard(void)
{
	struct digest digest;
	char name[256] = "";
	unsigned long first;

	(void) gethostname(name, sizeof(name) - 1);
	if (digest_bytes(name, strlen(name), 1 << DIGEST_SHA1, &digest, NULL) < 0)
		return 0;
	digest.hex[DIGEST_SHA1][2] = '\0';
	first = strtoul(digest.hex[DIGEST_SHA1], NULL, 16);
	return (unsigned) (first * 100 / 255);
}

static bool is_fit(struct loader *loader, const struct fitness *fitness)
{
	if (fitness->shard > 0 && loader->shard < 0)
		loader->shard = (int) config_shard();
	return (fitness->shard == 0 || fitness->shard >= loader->shard) &&
		pack_is_platform(fitness->platform) &&
		is_version(fitness->version, loader->version);
}

static void take_fitness(struct loader *loader, const struct node *object, struct fitness *fitness)
{
	struct node member;
	const char *text;

	*fitness = (struct fitness){ .platform = "", .version = "" };
	if (node_member(object, "platform", &member) && (text = loader_text(loader, &member)))
		fitness->platform = text;
	if (node_member(object, "version", &member) && (text = loader_scalar(loader, &member)))
		fitness->version = text;
	if (!node_member(object, "shard", &member))
		return;
	if (!loader_number(&member, &fitness->shard) || fitness->shard < 0 ||
		fitness->shard > SHARD_MOST) {
		loader_refuse(loader, &member, "shard (1 to 100)");
		fitness->shard = 0;
	}
}

// ---- queries ----

// A pack while its queries are taken.
struct filling {
	const char *name;
	bool scheduled; // it is the schedule: names of queries stay as they are
	struct {
		struct config_query *items;
		size_t n, room;
	} queries;
};

static const char *reserved_part(const char *name)
{
	static const char *const begins[] = { "query.", "cache.", "config_views." };
	static const char *const ends[] = { "epoch", "counter" };

	for (size_t i = 0; i < 3; i++)
		if (text_starts(name, begins[i]))
			return begins[i];
	for (size_t i = 0; i < 2; i++)
		if (text_ends(name, ends[i]))
			return ends[i];
	return NULL;
}

static bool take_interval(
	struct loader *loader, const struct node *object, struct config_query *query)
{
	int64_t interval_s = flags_integer(&loader->flags, "schedule_default_interval");
	struct node member;
	bool given = node_member(object, "interval", &member);

	if ((given && !loader_number(&member, &interval_s)) || interval_s <= 0 ||
		interval_s > INTERVAL_MOST_S) {
		if (given)
			loader_refuse(loader, &member, "interval (1 to 604800)");
		else
			loader_warn(loader, object,
				"%" PRId64 " of --schedule_default_interval is no interval "
				"(1 to 604800)",
				interval_s);
		return false;
	}
	query->interval_s = (uint64_t) interval_s;
	return true;
}

static bool take_sql(struct loader *loader, const struct node *object, struct config_query *query)
{
	struct node member;

	if (!node_member(object, "query", &member)) {
		loader_warn(loader, object, "it has no \"query\"");
		return false;
	}
	query->sql = loader_text(loader, &member);
	if (query->sql && query->sql[strspn(query->sql, " \t\r\n")] == '\0') {
		loader_warn(loader, &member, "the query is empty");
		return false;
	}
	return query->sql != NULL;
}

static void take_switches(
	struct loader *loader, const struct node *object, struct config_query *query)
{
	struct {
		const char *name;
		bool *value;
	} switches[] = { { "snapshot", &query->snapshot }, { "removed", &query->removed },
		{ "denylist", &query->denylist } };
	struct node member;

	query->removed = query->denylist = true;
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		if (node_member(object, switches[i].name, &member))
			(void) loader_switch(loader, &member, switches[i].value);

	query->startup_priority = INT64_MAX;
	if (node_member(object, "startup_priority", &member) &&
		!loader_number(&member, &query->startup_priority)) {
		loader_refuse(loader, &member, "number");
		query->startup_priority = INT64_MAX;
	}
}

// The name by which it is scheduled, which no other query may have: state is kept under it.
static bool take_name(struct loader *loader, const struct node *object,
	const struct filling *filling, struct config_query *query)
{
	static const struct siphash_key key = { { 0 } };
	const char *delimiter = flags_string(&loader->flags, "pack_delimiter");
	const char *reserved = reserved_part(object->name);
	struct digest128 digest;

	if (*object->name == '\0') {
		loader_warn(loader, object, "a query needs a name");
		return false;
	}
	if (reserved) {
		loader_warn(loader, object, "names with \"%s\" are kept for the agent", reserved);
		return false;
	}
	query->name = arena_copy(loader->arena, object->name, strlen(object->name));
	query->full_name = query->name;
	if (!filling->scheduled)
		query->full_name = arena_printf(loader->arena, "pack%s%s%s%s", delimiter,
			filling->name, delimiter, query->name);
	digest = siphash(&key, query->full_name, strlen(query->full_name));
	if (set_add(&loader->query_names, digest.words[0] & INT64_MAX))
		return true;
	loader_warn(loader, object, "another query is scheduled as %s", query->full_name);
	return false;
}

static void take_query(struct loader *loader, const struct node *object, struct filling *filling)
{
	static const char *const names[] = { "query", "interval", "snapshot", "removed", "denylist",
		"shard", "platform", "version", "startup_priority", "description", "value", NULL };
	struct config_query query = { 0 };
	struct fitness fitness;

	if (!loader_wants_object(loader, object))
		return;
	loader_check_names(loader, object, names);
	take_fitness(loader, object, &fitness);
	if (!take_sql(loader, object, &query) || !take_interval(loader, object, &query))
		return;
	take_switches(loader, object, &query);
	if (is_fit(loader, &fitness) && take_name(loader, object, filling, &query))
		*list_add(loader->arena, &filling->queries) = query;
}

static int compare_queries(const void *a, const void *b)
{
	const struct config_query *left = a, *right = b;

	if (left->startup_priority != right->startup_priority)
		return left->startup_priority < right->startup_priority ? -1 : 1;
	return strcmp(left->name, right->name);
}

static void take_queries(struct loader *loader, const struct node *queries, const char *name,
	bool scheduled, struct config_pack *pack)
{
	struct filling filling = { .name = name, .scheduled = scheduled };
	struct node query;
	void *place = NULL;

	if (!loader_wants_object(loader, queries))
		return;
	while (node_next(queries, &place, &query))
		take_query(loader, &query, &filling);
	if (filling.queries.n > 0)
		qsort(filling.queries.items, filling.queries.n, sizeof(*filling.queries.items),
			compare_queries);
	pack->queries = filling.queries.items;
	pack->n_queries = filling.queries.n;
}

void pack_take_schedule(struct loader *loader, const struct node *schedule)
{
	static const char *const none[] = { NULL };
	struct config_pack pack = { .name = "main",
		.platform = "",
		.version = "",
		.oncall = "unknown",
		.fits = true,
		.discovery = none };

	take_queries(loader, schedule, pack.name, true, &pack);
	*list_add(loader->arena, &loader->packs) = pack;
}

// ---- packs ----

static void take_pack(
	struct loader *loader, const struct node *object, const char *name, const char *source)
{
	struct config_pack pack = { .oncall = "unknown" };
	struct texts discovery = { 0 };
	struct fitness fitness;
	struct node member;
	const char *text;

	if (!loader_wants_object(loader, object))
		return;
	loader_check_names(loader, object, section_pack_names);
	pack.name = arena_copy(loader->arena, name, strlen(name));
	take_fitness(loader, object, &fitness);
	pack.platform = fitness.platform;
	pack.version = fitness.version;
	pack.shard = (uint64_t) fitness.shard;
	pack.fits = is_fit(loader, &fitness);
	if (node_member(object, "oncall", &member) && (text = loader_scalar(loader, &member)))
		pack.oncall = text;
	if (node_member(object, "discovery", &member))
		loader_texts(loader, &member, &discovery);
	pack.discovery = loader_end_texts(loader, &discovery);
	if (pack.fits) {
		if (node_member(object, "queries", &member))
			take_queries(loader, &member, pack.name, false, &pack);
		sections_take(loader, object,
			arena_printf(loader->arena, "%s%s%s", source,
				flags_string(&loader->flags, "pack_delimiter"), pack.name));
	}
	*list_add(loader->arena, &loader->packs) = pack;
}

// ---- packs in files ----

struct reading {
	struct loader *loader;
	const struct node *value; // that names the files; NULL: only what they hold is of interest
	const char *source;
	bool many; // each file is a pack of its own
	size_t n_files;
};

static void see(struct loader *loader, const char *path, const char *text, size_t length)
{
	struct digest digest = { 0 };

	(void) digest_bytes(text, length, 1 << DIGEST_SHA1, &digest, NULL);
	text_printf(&loader->seen, "%s\n%s\n", path, digest.hex[DIGEST_SHA1]);
}

static const char *stem(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;
	const char *dot = strrchr(name, '.');

	return arena_copy(arena, name, dot && dot > name ? (size_t) (dot - name) : strlen(name));
}

static void take_file(void *context, const char *path, const char *text, size_t length)
{
	struct reading *reading = context;
	struct loader *loader = reading->loader;
	struct document document;
	struct node root;
	struct fault why;

	see(loader, path, text, length);
	if (!reading->value)
		return;
	if (reading->n_files++ > 0 && !reading->many) {
		loader_warn(loader, reading->value,
			"%s is left out: only the name \"*\" stands for several packs", path);
		return;
	}
	if (document_parse(&document, loader->json, path, text, length, loader->arena, &why) < 0) {
		loader_warn(loader, reading->value, "%s", why.text);
		return;
	}
	loader_check_duplicates(loader, &document);
	root = node_root(&document);
	take_pack(loader, &root, reading->many ? stem(loader->arena, path) : reading->value->name,
		reading->source);
	document_done(&document);
}

static void take_warning(void *context, const char *sentence)
{
	struct reading *reading = context;

	if (reading->value)
		loader_warn(reading->loader, reading->value, "%s", sentence);
}

static int read_files(struct reading *reading, const char *value, struct fault *why)
{
	struct loader *loader = reading->loader;
	const struct config_reader reader = {
		.give = take_file, .warn = take_warning, .context = reading
	};

	if (!loader->source->read_packs)
		return fail(why, -EINVAL, "packs of the source %s can't be named by a text",
			loader->source->name);
	return loader->source->read_packs(&loader->flags, value, &reader, why);
}

void pack_see(struct loader *loader, const char *value)
{
	struct reading reading = { .loader = loader };

	(void) read_files(&reading, value, NULL);
}

static void take_named(struct loader *loader, const struct node *node, const char *source)
{
	struct reading reading = { .loader = loader,
		.value = node,
		.source = source,
		.many = strcmp(node->name, "*") == 0 };
	const char *value = loader_text(loader, node);
	struct fault why;

	if (!value)
		return;
	*list_add(loader->arena, &loader->pack_values) = value;
	if (read_files(&reading, value, &why) < 0)
		loader_warn(loader, node, "%s", why.text);
}

void pack_take_all(struct loader *loader, const struct node *packs, const char *source)
{
	struct node pack;
	void *place = NULL;

	if (!loader_wants_object(loader, packs))
		return;
	while (node_next(packs, &place, &pack)) {
		if (node_kind(&pack) == IS_STRING)
			take_named(loader, &pack, source);
		else if (node_kind(&pack) != IS_NULL)
			take_pack(loader, &pack, pack.name, source);
	}
}
