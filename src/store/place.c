// SPDX-License-Identifier: Apache-2.0
#include "store/place.h"

#include <string.h>

static const char *copy_text(sqlite3_stmt *statement, int column, struct arena *arena)
{
	const char *text = (const char *) sqlite3_column_text(statement, column);

	return arena_copy(arena, text ? text : "", text ? strlen(text) : 0);
}

int place_list(struct store *store, const char *query, struct place **places, size_t *n,
	struct arena *arena, struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(store,
		"SELECT query, tbl, generation, place.id, ifnull(query.splayed_s, 0)"
		" FROM place LEFT JOIN query ON query.name = place.query"
		" WHERE ?1 IS NULL OR place.query = ?1 ORDER BY place.query",
		why);
	auto_text struct text list = { 0 };
	int r;

	*n = 0;
	if (!statement)
		return why->code;
	(void) sqlite3_bind_text(statement, 1, query, -1, SQLITE_STATIC);
	while ((r = store_step(store, statement, why)) > 0) {
		struct place place = {
			.query = copy_text(statement, 0, arena),
			.table = copy_text(statement, 1, arena),
			.generation = sqlite3_column_int64(statement, 2),
			.id = sqlite3_column_int64(statement, 3),
			.interval_s = sqlite3_column_int64(statement, 4),
		};

		text_add(&list, (const char *) &place, sizeof(place));
		(*n)++;
	}
	*places = arena_alloc(arena, list.length + 1);
	if (list.length > 0)
		memcpy(*places, list.bytes, list.length);
	return r;
}

int place_write(struct store *store, const struct place *place, struct fault *why)
{
	sqlite3_stmt *statement = store_statement(store,
		"INSERT OR REPLACE INTO place (query, tbl, generation, id) VALUES (?, ?, ?, ?)",
		why);

	if (!statement)
		return why->code;
	(void) sqlite3_bind_text(statement, 1, place->query, -1, SQLITE_STATIC);
	(void) sqlite3_bind_text(statement, 2, place->table, -1, SQLITE_STATIC);
	(void) sqlite3_bind_int64(statement, 3, place->generation);
	(void) sqlite3_bind_int64(statement, 4, place->id);
	return store_step(store, statement, why);
}
