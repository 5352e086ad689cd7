// SPDX-License-Identifier: Apache-2.0
#include "schedule/result.h"

#include <errno.h>
#include <string.h>

#include "base/auto.h"

struct gathering {
	struct result *result;
	const struct row_rules *rules;
	const struct siphash_key *key;
	struct text block; // not yet in the spool
};

static int end_block(struct gathering *gathering, struct fault *why)
{
	struct result *result = gathering->result;
	struct digest128 chain[2];
	int r;

	if (gathering->block.length == 0)
		return 0;
	chain[0] = result->digest;
	chain[1] = siphash(gathering->key, gathering->block.bytes, gathering->block.length);
	result->digest = siphash(gathering->key, chain, sizeof(chain));
	r = spool_add(result->spool, gathering->block.bytes, gathering->block.length, 0, true, why);
	text_clear(&gathering->block);
	return r;
}

// The columns of the first statement that has some; false when others differ from them.
static bool take_shape(struct result *result, sqlite3_stmt *statement)
{
	struct row_shape shape;

	row_shape(&shape, statement, &result->arena);
	if (!result->shape.names) {
		result->shape = shape;
		return true;
	}
	if (shape.n_columns != result->shape.n_columns)
		return false;
	for (size_t i = 0; i < shape.n_columns; i++)
		if (strcmp(shape.names[i], result->shape.names[i]) != 0)
			return false;
	result->shape.columns = shape.columns;
	return true;
}

static int take_rows(
	struct gathering *gathering, struct sql *sql, sqlite3_stmt *statement, struct fault *why)
{
	struct result *result = gathering->result;
	int64_t most_bytes;
	int r;

	if (sqlite3_column_count(statement) > 0 && !take_shape(result, statement))
		return fail(why, -EINVAL, "its statements have different columns");
	while ((r = sql_step(sql, statement, why)) > 0) {
		result->output_bytes += (int64_t) row_pack(
			&result->shape, gathering->rules, statement, &gathering->block);
		result->n_rows++;
		if (gathering->block.length >= SPOOL_BLOCK_BYTES) {
			r = end_block(gathering, why);
			if (r < 0)
				break;
		}
	}
	(void) sql_memory(sql, &most_bytes);
	if (most_bytes > result->memory_bytes)
		result->memory_bytes = most_bytes;
	return r;
}

int result_gather(struct result *result, struct sql *sql, const char *text,
	const struct row_rules *rules, const struct siphash_key *key, const char *folder,
	struct fault *why)
{
	struct gathering gathering = { .result = result, .rules = rules, .key = key };
	int r;

	*result = (struct result){ .spool = spool_open(folder) };
	do {
		sqlite3_stmt *statement;

		r = sql_prepare(sql, text, &text, &statement, why);
		if (r <= 0)
			break;
		r = take_rows(&gathering, sql, statement, why);
		(void) sqlite3_finalize(statement);
	} while (r >= 0);
	if (r >= 0)
		r = end_block(&gathering, why);
	text_done(&gathering.block);
	return r;
}

void result_done(struct result *result)
{
	spool_close(result->spool);
	result->spool = NULL;
	arena_done(&result->arena);
}

void result_names(const struct result *result, struct text *names)
{
	for (size_t i = 0; i < result->shape.n_columns; i++)
		text_add(names, result->shape.names[i], strlen(result->shape.names[i]) + 1);
}

int rows_each(const char *rows, size_t length, int (*each)(void *context, struct row_reader row),
	void *context)
{
	struct row_reader reader = { rows, rows + length };
	struct row_reader row;
	int r;

	while ((r = row_next(&reader, &row)) > 0) {
		r = each(context, row);
		if (r < 0)
			return r;
	}
	return r;
}
