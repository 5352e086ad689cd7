// SPDX-License-Identifier: Apache-2.0
// Splitting, joining and matching text.
#include <string.h>

#include "base/module.h"
#include "modules/pcre2/pcre2.h"
#include "sql/sql.h"

static const char bad_split[] = "Invalid input to split function";

static bool any_null(int n, sqlite3_value **arguments)
{
	for (int i = 0; i < n; i++)
		if (sqlite3_value_type(arguments[i]) == SQLITE_NULL)
			return true;
	return false;
}

// ---- split ----

static void trim(const char **begin, const char **end)
{
	static const char blanks[] = " \t\r\n\v\f";

	while (*begin < *end && strchr(blanks, **begin))
		(*begin)++;
	while (*begin < *end && strchr(blanks, (*end)[-1]))
		(*end)--;
}

static void call_split(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	const char *at, *delimiters;
	sqlite3_int64 index;

	if (any_null(n, arguments))
		return;
	at = (const char *) sqlite3_value_text(arguments[0]);
	delimiters = (const char *) sqlite3_value_text(arguments[1]);
	index = sqlite3_value_int64(arguments[2]);
	if (*delimiters == '\0') {
		sqlite3_result_error(context, bad_split, -1);
		return;
	}
	while (*at) {
		const char *begin = at, *end = at + strcspn(at, delimiters);

		at = *end ? end + 1 : end;
		trim(&begin, &end);
		if (begin < end && index-- == 0) {
			sqlite3_result_text(context, begin, (int) (end - begin), SQLITE_TRANSIENT);
			return;
		}
	}
}

// ---- regular expressions ----

struct compiled {
	const struct regex_library *library;
	struct regex *regex;
};

static void free_compiled(void *memory)
{
	struct compiled *compiled = memory;

	compiled->library->free(compiled->regex);
	sqlite3_free(compiled);
}

static struct compiled *compile(sqlite3_context *context, const char *pattern, int length)
{
	struct fault why;
	const struct regex_library *library = module_open("pcre2", &why);
	struct compiled *compiled;
	struct regex *regex;

	if (!library) {
		sqlite3_result_error(context, why.text, -1);
		return NULL;
	}
	regex = library->compile(pattern, (size_t) length);
	if (!regex) {
		sqlite3_result_error(context, "Invalid regex", -1);
		return NULL;
	}
	compiled = sqlite3_malloc(sizeof(*compiled));
	if (!compiled) {
		library->free(regex);
		sqlite3_result_error_nomem(context);
		return NULL;
	}
	*compiled = (struct compiled){ library, regex };
	return compiled;
}

// The expression of argument 1, compiled once for a statement. NULL with the error set.
static struct compiled *get_compiled(sqlite3_context *context, sqlite3_value *value)
{
	struct compiled *compiled = sqlite3_get_auxdata(context, 1);
	const struct flags *flags = sql_function_host(context)->flags;
	const char *pattern = (const char *) sqlite3_value_text(value);
	int length = sqlite3_value_bytes(value);
	int64_t most = flags_integer(flags, "regex_max_size");
	char error[96];

	if (compiled)
		return compiled;
	if (length > most) {
		(void) snprintf(error, sizeof(error),
			"Invalid regex: too big, max size is %lld bytes", (long long) most);
		sqlite3_result_error(context, error, -1);
		return NULL;
	}
	compiled = compile(context, pattern, length);
	if (!compiled)
		return NULL;
	sqlite3_set_auxdata(context, 1, compiled, free_compiled);
	// SQLite may not have kept it
	return sqlite3_get_auxdata(context, 1);
}

static void call_regex_match(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	enum { GROUPS = 100 };
	struct regex_span spans[GROUPS];
	struct compiled *compiled;
	sqlite3_int64 group;
	const char *text;
	int found;

	if (any_null(n, arguments))
		return;
	compiled = get_compiled(context, arguments[1]);
	if (!compiled)
		return;
	text = (const char *) sqlite3_value_text(arguments[0]);
	group = sqlite3_value_int64(arguments[2]);
	found = compiled->library->find(compiled->regex, text,
		(size_t) sqlite3_value_bytes(arguments[0]), 0, 1, spans, GROUPS);
	if (found < 0) {
		sqlite3_result_error(context, "Invalid regex: it takes too many steps", -1);
		return;
	}
	if (group < 0 || group >= found || group >= GROUPS || spans[group].begin == (size_t) -1)
		return;
	sqlite3_result_text(context, text + spans[group].begin,
		(int) (spans[group].end - spans[group].begin), SQLITE_TRANSIENT);
}

// Gives piece `index` of what stands between the matches. What follows the last match is only a
// piece if it is not empty, or if there is no match.
static void give_piece(sqlite3_context *context, struct compiled *compiled, const char *text,
	size_t length, sqlite3_int64 index)
{
	size_t begin = 0, from = 0;
	struct regex_span match;
	int may_be_empty = 1, found = 0;

	while (from <= length &&
		(found = compiled->library->find(
			 compiled->regex, text, length, from, may_be_empty, &match, 1)) > 0) {
		if (index-- == 0) {
			sqlite3_result_text(context, text + begin, (int) (match.begin - begin),
				SQLITE_TRANSIENT);
			return;
		}
		begin = from = match.end;
		may_be_empty = 0; // the same place does not match twice
	}
	if (found < 0)
		sqlite3_result_error(context, "Invalid regex: it takes too many steps", -1);
	else if (index == 0 && (begin < length || begin == 0))
		sqlite3_result_text(
			context, text + begin, (int) (length - begin), SQLITE_TRANSIENT);
}

static void call_regex_split(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	struct compiled *compiled;
	sqlite3_int64 index;

	if (any_null(n, arguments))
		return;
	if (sqlite3_value_bytes(arguments[1]) == 0) {
		sqlite3_result_error(context, bad_split, -1);
		return;
	}
	compiled = get_compiled(context, arguments[1]);
	index = sqlite3_value_int64(arguments[2]);
	if (compiled && index >= 0)
		give_piece(context, compiled, (const char *) sqlite3_value_text(arguments[0]),
			(size_t) sqlite3_value_bytes(arguments[0]), index);
}

// ---- joining ----

static void add_value(struct text *text, sqlite3_value *value)
{
	const char *bytes = (const char *) sqlite3_value_text(value);

	if (bytes)
		text_add(text, bytes, (size_t) sqlite3_value_bytes(value));
}

static void call_concat(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	struct text text = { 0 };

	if (n == 0)
		return;
	for (int i = 0; i < n; i++)
		add_value(&text, arguments[i]);
	sql_give_text(context, &text);
}

// The separator follows every value that is not in the last place, whether another value follows or
// not.
static void call_concat_ws(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	struct text text = { 0 };

	if (n == 0) {
		sqlite3_result_error(context, "Missing separator to concat_ws", -1);
		return;
	}
	if (n == 1)
		return;
	for (int i = 1; i < n; i++) {
		if (sqlite3_value_type(arguments[i]) == SQLITE_NULL)
			continue;
		add_value(&text, arguments[i]);
		if (i + 1 < n)
			add_value(&text, arguments[0]);
	}
	sql_give_text(context, &text);
}

static const struct function list[] = {
	{ "split", 3, call_split,
		"Piece number N (from 0) of a text that is cut at any of the given characters." },
	{ "regex_split", 3, call_regex_split,
		"Piece number N (from 0) of a text that is cut where an expression matches." },
	{ "regex_match", 3, call_regex_match,
		"Group N (0 for all) of the first match of a regular expression." },
	{ "concat", -1, call_concat, "All values joined; NULL is passed over." },
	{ "concat_ws", -1, call_concat_ws,
		"All values but the first joined with the first between." },
};

const struct functions functions_strings = {
	.name = "strings",
	.list = list,
	.n = sizeof(list) / sizeof(list[0]),
};
