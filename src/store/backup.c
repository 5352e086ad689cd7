// SPDX-License-Identifier: Apache-2.0
#include "store/backup.h"

#include <string.h>

enum { MOST = 1024 }; // sources

static int write_all(
	struct store *store, const struct backup_text *texts, size_t n, struct fault *why)
{
	sqlite3_stmt *clear = store_statement(store, "DELETE FROM config", why);
	sqlite3_stmt *insert = store_statement(
		store, "INSERT INTO config (name, text) VALUES (?, ?)", why);
	int r = clear && insert ? store_step(store, clear, why) : why->code;

	for (size_t i = 0; r >= 0 && i < n; i++) {
		(void) sqlite3_bind_text(insert, 1, texts[i].name, -1, SQLITE_STATIC);
		(void) sqlite3_bind_text(insert, 2, texts[i].text, -1, SQLITE_STATIC);
		r = store_step(store, insert, why);
	}
	return r;
}

int backup_write(struct store *store, const struct backup_text *texts, size_t n, struct fault *why)
{
	int r = store_begin(store, why);

	if (r < 0)
		return r;
	return store_end(store, write_all(store, texts, n, why), why);
}

static const char *copy(sqlite3_stmt *statement, int column, struct arena *arena)
{
	const char *text = (const char *) sqlite3_column_text(statement, column);

	return arena_copy(arena, text, (size_t) sqlite3_column_bytes(statement, column));
}

int backup_read(struct store *store, struct backup_text **texts, size_t *n, struct arena *arena,
	struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(
		store, "SELECT name, text FROM config ORDER BY place", why);
	int r = why->code;

	*n = 0;
	*texts = arena_alloc(arena, MOST * sizeof(**texts));
	while (statement && *n < MOST && (r = store_step(store, statement, why)) > 0) {
		(*texts)[*n].name = copy(statement, 0, arena);
		(*texts)[(*n)++].text = copy(statement, 1, arena);
	}
	return r < 0 ? r : 0;
}
