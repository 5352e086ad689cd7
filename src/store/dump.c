// SPDX-License-Identifier: Apache-2.0
#include "store/dump.h"

#include "base/utf8.h"
#include "store/store.h"

// Each gives domain, key and value.
static const char *const queries[] = {
	"SELECT 'configurations', name, value FROM setting ORDER BY name",
	"SELECT 'configurations', 'config_persistence.' || name, text FROM config ORDER BY place",
	"SELECT 'configurations', 'interval.' || name, interval_s || ':' || splayed_s FROM query"
	" ORDER BY name",
	"SELECT 'configurations', 'failed_queries', group_concat(name || ':' || denied_until, ':')"
	" FROM query WHERE denied_until > 0 HAVING count(*) > 0",
	"SELECT 'queries', 'query.' || name, sql FROM query ORDER BY name",
	"SELECT 'queries', name || 'epoch', epoch FROM query WHERE has_result ORDER BY name",
	"SELECT 'queries', name || 'counter', counter FROM query WHERE has_result ORDER BY name",
	"SELECT 'queries', name, n_rows || ' rows' FROM query WHERE has_result ORDER BY name",
	"SELECT 'query_performance', name, numbers FROM (SELECT name, executions || ',' ||"
	" last_executed || ',' || (wall_ms / 1000) || ',' || wall_ms || ',' || last_wall_ms || ',' "
	"||"
	" user_ms || ',' || last_user_ms || ',' || system_ms || ',' || last_system_ms || ',' ||"
	" memory_bytes || ',' || last_memory_bytes || ',' || output_bytes AS numbers"
	" FROM query) ORDER BY name",
	"SELECT 'logs', printf('%010d', id), n_lines || ' lines' FROM outbox ORDER BY id",
	"SELECT 'outputs', output, 'entry ' || entry || ', dropped ' || dropped_lines FROM reader"
	" ORDER BY output",
};

static void add(struct text *line, sqlite3_stmt *statement, int column)
{
	const char *bytes = (const char *) sqlite3_column_text(statement, column);

	if (bytes)
		utf8_add_printable(line, bytes, (size_t) sqlite3_column_bytes(statement, column));
}

static int dump(struct store *store, const char *sql, FILE *file, struct fault *why)
{
	auto_done sqlite3_stmt *statement = store_statement(store, sql, why);
	auto_text struct text line = { 0 };
	int r = statement ? 1 : why->code;

	while (r > 0 && (r = store_step(store, statement, why)) > 0) {
		text_clear(&line);
		add(&line, statement, 0);
		text_add_char(&line, '[');
		add(&line, statement, 1);
		text_add_string(&line, "]: ");
		add(&line, statement, 2);
		text_add_char(&line, '\n');
		(void) fwrite(line.bytes, 1, line.length, file);
	}
	return r;
}

int store_dump(const char *folder, FILE *file, struct fault *why)
{
	struct store *store = store_open(folder, STORE_READ, why);
	int r = store ? 0 : why->code;

	for (size_t i = 0; r >= 0 && i < sizeof(queries) / sizeof(queries[0]); i++)
		r = dump(store, queries[i], file, why);
	store_close(store);
	return r;
}
