// SPDX-License-Identifier: Apache-2.0
// What a query may do: read, and keep its own tables and views in memory. It may not reach other
// databases or files, or change how the engine works.
#include <string.h>
#include <strings.h>

#include "base/log.h"
#include "sql/internal.h"

static bool is_allowed_pragma(const char *name)
{
	static const char *const allowed[] = { "table_info", "table_xinfo", "function_list",
		"journal_mode", "case_sensitive_like", "collation_list" };

	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if (strcasecmp(allowed[i], name) == 0)
			return true;
	return false;
}

static bool is_allowed(int action, const char *name)
{
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_INSERT:
	case SQLITE_UPDATE:
	case SQLITE_DELETE:
	case SQLITE_CREATE_TABLE:
	case SQLITE_CREATE_TEMP_TABLE:
	case SQLITE_CREATE_VIEW:
	case SQLITE_CREATE_TEMP_VIEW:
	case SQLITE_CREATE_VTABLE:
	case SQLITE_DROP_TABLE:
	case SQLITE_DROP_TEMP_TABLE:
	case SQLITE_DROP_VIEW:
	case SQLITE_DROP_TEMP_VIEW:
	case SQLITE_DROP_VTABLE:
	case SQLITE_FUNCTION:
	case SQLITE_RECURSIVE:
	case SQLITE_TRANSACTION:
	case SQLITE_SAVEPOINT:
		return true;
	case SQLITE_CREATE_INDEX:
		return text_starts(name, "sqlite_autoindex_"); // that of a UNIQUE or PRIMARY KEY
	case SQLITE_PRAGMA:
		return is_allowed_pragma(name);
	default:
		return false;
	}
}

// A table of the host must not be hidden behind one that a query makes.
static bool would_shadow(const struct sql *sql, int action, const char *name)
{
	return (action == SQLITE_CREATE_TABLE || action == SQLITE_CREATE_TEMP_TABLE ||
		       action == SQLITE_CREATE_VIEW || action == SQLITE_CREATE_TEMP_VIEW ||
		       action == SQLITE_CREATE_VTABLE) &&
		name && sql_find_table(sql, name);
}

int authorize(void *context, int action, const char *a, const char *b, const char *database,
	const char *trigger)
{
	(void) database;
	(void) trigger;
	if (is_allowed(action, a) && !would_shadow(context, action, a))
		return SQLITE_OK;
	log_error("Authorizer denied action %d %s %s", action, a ? a : "", b ? b : "");
	return SQLITE_DENY;
}
