// SPDX-License-Identifier: Apache-2.0
#include "schedule/decorate.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"

// One decorator and what it said last.
struct decorator {
	const struct config_decorator *config;
	struct arena arena;
	struct decoration *said;
	size_t n_said;
};

struct decorations {
	struct decorator *decorators; // in the order of their sources
	size_t n_decorators;
	struct decoration *list;
};

struct decorations *decorations_open(const struct config *config)
{
	struct decorations *decorations = must_alloc(sizeof(*decorations));

	*decorations = (struct decorations){ .n_decorators = config->n_decorators };
	decorations->decorators = must_alloc(
		(config->n_decorators + 1) * sizeof(*decorations->decorators));
	for (size_t i = 0; i < config->n_decorators; i++)
		decorations->decorators[i] = (struct decorator){ .config = &config->decorators[i] };
	return decorations;
}

void decorations_close(struct decorations *decorations)
{
	if (!decorations)
		return;
	for (size_t i = 0; i < decorations->n_decorators; i++)
		arena_done(&decorations->decorators[i].arena);
	free(decorations->decorators);
	free(decorations->list);
	free(decorations);
}

static void take_row(struct decorator *decorator, sqlite3_stmt *statement)
{
	int n = sqlite3_column_count(statement);

	arena_reset(&decorator->arena);
	decorator->said = arena_alloc(&decorator->arena, (size_t) n * sizeof(*decorator->said));
	decorator->n_said = (size_t) n;
	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(statement, i);
		const char *value = (const char *) sqlite3_column_text(statement, i);

		decorator->said[i] = (struct decoration){
			arena_copy(&decorator->arena, name, strlen(name)),
			arena_copy(
				&decorator->arena, value ? value : "", value ? strlen(value) : 0),
		};
	}
}

static void run(struct decorator *decorator, struct sql *sql)
{
	const struct config_decorator *config = decorator->config;
	sqlite3_stmt *statement = NULL;
	struct fault why = { 0 };
	const char *rest;
	int r = sql_prepare(sql, config->sql, &rest, &statement, &why);

	if (r > 0)
		r = sql_step(sql, statement, &why);
	if (r > 0) {
		take_row(decorator, statement);
		if (sql_step(sql, statement, &why) > 0)
			log_warning("decorator of %s: only the first row counts: %s",
				config->source, config->sql);
	}
	if (r < 0)
		log_warning("decorator of %s: %s: %s", config->source, why.text, config->sql);
	(void) sqlite3_finalize(statement);
}

void decorations_run(struct decorations *decorations, struct sql *sql, enum decorate when)
{
	for (size_t i = 0; i < decorations->n_decorators; i++)
		if (decorations->decorators[i].config->when == when)
			run(&decorations->decorators[i], sql);
}

void decorations_run_due(
	struct decorations *decorations, struct sql *sql, uint64_t from_s, uint64_t to_s)
{
	for (size_t i = 0; i < decorations->n_decorators; i++) {
		const struct config_decorator *config = decorations->decorators[i].config;

		if (config->when == DECORATE_INTERVAL &&
			from_s / config->interval_s != to_s / config->interval_s)
			run(&decorations->decorators[i], sql);
	}
}

static void put(struct decoration *list, size_t *n, const struct decoration *decoration)
{
	size_t at = 0;

	while (at < *n && strcmp(list[at].name, decoration->name) < 0)
		at++;
	if (at == *n || strcmp(list[at].name, decoration->name) != 0) {
		memmove(&list[at + 1], &list[at], (*n - at) * sizeof(*list));
		(*n)++;
	}
	list[at] = *decoration;
}

const struct decoration *decorations_list(struct decorations *decorations, size_t *n)
{
	size_t most = 0;

	for (size_t i = 0; i < decorations->n_decorators; i++)
		most += decorations->decorators[i].n_said;
	decorations->list = must_resize(decorations->list, (most + 1) * sizeof(*decorations->list));
	*n = 0;
	for (size_t i = 0; i < decorations->n_decorators; i++)
		for (size_t j = 0; j < decorations->decorators[i].n_said; j++)
			put(decorations->list, n, &decorations->decorators[i].said[j]);
	return decorations->list;
}
