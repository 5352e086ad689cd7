// SPDX-License-Identifier: Apache-2.0
// Makes SQLite know our functions.
#include "sql/internal.h"

extern const struct functions *const functions_all[];
extern const size_t n_functions_all;

int functions_register(struct sql *sql)
{
	for (size_t i = 0; i < n_functions_all; i++) {
		const struct functions *functions = functions_all[i];

		for (size_t j = 0; j < functions->n; j++) {
			const struct function *function = &functions->list[j];
			int flags = SQLITE_UTF8 | (function->impure ? 0 : SQLITE_DETERMINISTIC);
			bool aggregate = function->end != NULL;
			int r = sqlite3_create_function_v2(sql->db, function->name,
				function->n_arguments, flags, sql,
				aggregate ? NULL : function->call,
				aggregate ? function->call : NULL, function->end, NULL);

			if (r != SQLITE_OK)
				return r;
		}
	}
	return SQLITE_OK;
}

void sql_give_text(sqlite3_context *context, struct text *text)
{
	sqlite3_result_text64(context, text->bytes ? text->bytes : "", text->length,
		SQLITE_TRANSIENT, SQLITE_UTF8);
	text_done(text);
}

struct host *sql_function_host(sqlite3_context *context)
{
	struct sql *sql = sqlite3_user_data(context);

	return sql->host;
}
