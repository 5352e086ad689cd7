// SPDX-License-Identifier: Apache-2.0
#pragma once
// The result of one run of a query, gathered as packed rows.

#include "base/base.h"
#include "base/siphash.h"
#include "schedule/spool.h"
#include "sql/row.h"
#include "sql/sql.h"

struct result {
	struct arena arena;
	struct row_shape shape;
	struct spool *spool; // blocks of packed rows
	int64_t n_rows;
	int64_t output_bytes; // of all names and values
	int64_t memory_bytes; // the most that a statement held
	struct digest128 digest; // of all rows in their order
};

// Runs the query, all statements of the text; rows come from those that have columns, which must be
// the same. 0, or a negative errno with the reason: -ECANCELED, -EDQUOT (sql_step), -EINVAL.
// `result` is to be released in any case.
int result_gather(struct result *result, struct sql *sql, const char *text,
	const struct row_rules *rules, const struct siphash_key *key, const char *folder,
	struct fault *why);
void result_done(struct result *result);

// The names of the shape as a record keeps them: each with a NUL, one after another.
void result_names(const struct result *result, struct text *names);

// Calls `each` for every row of a block of packed rows, until it returns something negative.
int rows_each(const char *rows, size_t length, int (*each)(void *context, struct row_reader row),
	void *context);
