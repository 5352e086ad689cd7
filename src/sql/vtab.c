// SPDX-License-Identifier: Apache-2.0
// Tables as SQLite sees them: the declaration, the plan of a scan, and the cursor's calls.
//
// A plan travels from xBestIndex to xFilter as text, so that EXPLAIN shows it: the mask of used
// columns in hexadecimal, then for each argument of xFilter the column and one sign for what is
// asked of it (enum term_kind), as in "3;0=;5~". A plan that starts with '!' lacks a required
// column.
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "sql/scan.h"

struct vtab {
	sqlite3_vtab base; // first: SQLite hands this out
	struct entry *entry;
};

// ---- the declaration ----

static const char *type_name(enum column_type type)
{
	static const char *const names[] = {
		[TEXT] = "TEXT",
		[INTEGER] = "INTEGER",
		[BIGINT] = "BIGINT",
		[UNSIGNED_BIGINT] = "UNSIGNED BIGINT",
		[DOUBLE] = "DOUBLE",
	};

	return names[type];
}

static void add_column(
	struct text *text, const struct column *column, const char *name, bool hidden)
{
	text_printf(text, "%s`%s` %s%s", text->bytes[text->length - 1] == '(' ? "" : ", ", name,
		type_name(column->type), hidden ? " HIDDEN" : "");
	if (column->options & NOCASE)
		text_add_string(text, " COLLATE NOCASE");
	if (column->options & VERSION)
		text_add_string(text, " COLLATE version");
	if (column->options & VERSION_DPKG)
		text_add_string(text, " COLLATE version_dpkg");
}

// All INDEX and ADDITIONAL columns are the key; where no column is INDEX, every column is.
static void add_key(struct text *text, const struct table *table)
{
	unsigned all = 0;
	const char *separator = "";

	for (size_t i = 0; i < table->n_columns; i++)
		all |= table->columns[i].options;
	if (!(all & (INDEX | ADDITIONAL))) {
		text_add_char(text, ')');
		return;
	}
	text_add_string(text, ", PRIMARY KEY (");
	for (size_t i = 0; i < table->n_columns; i++) {
		if ((all & INDEX) && !(table->columns[i].options & (INDEX | ADDITIONAL)))
			continue;
		text_printf(text, "%s`%s`", separator, table->columns[i].name);
		separator = ", ";
	}
	text_add_string(text, ")) WITHOUT ROWID");
}

static void add_columns(struct text *text, const struct table *table)
{
	for (size_t i = 0; i < table->n_columns; i++)
		add_column(text, &table->columns[i], table->columns[i].name,
			table->columns[i].options & HIDDEN);
	for (size_t i = 0; i < table->n_columns; i++)
		if (table->columns[i].alias)
			add_column(text, &table->columns[i], table->columns[i].alias, true);
}

char *table_definition(const struct table *table)
{
	struct text text = { 0 };

	text_add_char(&text, '(');
	add_columns(&text, table);
	add_key(&text, table);
	return text.bytes;
}

// The real column behind a declared one: aliases stand after all others.
static unsigned real_column(const struct table *table, int declared)
{
	int alias = declared - (int) table->n_columns;

	if (alias < 0)
		return (unsigned) declared;
	for (unsigned i = 0; i < table->n_columns; i++)
		if (table->columns[i].alias && alias-- == 0)
			return i;
	abort(); // SQLite asks only for what was declared
}

static int connect_table(sqlite3 *db, void *context, int n, const char *const *arguments,
	sqlite3_vtab **vtab, char **error)
{
	struct entry *entry = context;
	auto_text struct text declaration = { 0 };
	struct vtab *made;
	int r;

	(void) n;
	(void) arguments;
	// without the key: SQLite would believe that no two rows have the same
	text_add_string(&declaration, "CREATE TABLE x(");
	add_columns(&declaration, entry->table);
	text_add_char(&declaration, ')');
	r = sqlite3_declare_vtab(db, declaration.bytes);
	if (r != SQLITE_OK) {
		*error = sqlite3_mprintf("%s: %s", entry->table->name, sqlite3_errmsg(db));
		return r;
	}
	made = sqlite3_malloc(sizeof(*made));
	if (!made)
		return SQLITE_NOMEM;
	*made = (struct vtab){ .entry = entry };
	*vtab = &made->base;
	return SQLITE_OK;
}

static int disconnect_table(sqlite3_vtab *vtab)
{
	sqlite3_free(vtab);
	return SQLITE_OK;
}

// ---- the plan ----

struct plan {
	const struct table *table;
	sqlite3_index_info *info;
	struct text text;
	int n_arguments;
	bool has_required, lacks_required; // the table has required columns; none is constrained
	bool unusable; // one is, but not in this order of joins
	bool loses_rows; // an order of joins that gives an equality to the table gives more
	bool by_key, by_in, narrowed, by_lookup;
};

static void push(struct plan *plan, int constraint, int column, enum term_kind kind)
{
	plan->info->aConstraintUsage[constraint].argvIndex = ++plan->n_arguments;
	text_printf(&plan->text, ";%d%c", column, kind);
}

static enum term_kind comparison_kind(unsigned char op)
{
	switch (op) {
	case SQLITE_INDEX_CONSTRAINT_GT:
		return TERM_MORE;
	case SQLITE_INDEX_CONSTRAINT_GE:
		return TERM_AT_LEAST;
	case SQLITE_INDEX_CONSTRAINT_LT:
		return TERM_LESS;
	case SQLITE_INDEX_CONSTRAINT_LE:
		return TERM_AT_MOST;
	default:
		return 0;
	}
}

// Text compares as bytes or not at all: a table cannot look up what another collation calls equal.
static bool is_binary(sqlite3_index_info *info, int constraint)
{
	const char *collation = sqlite3_vtab_collation(info, constraint);

	return !collation || strcasecmp(collation, "BINARY") == 0;
}

static bool is_term(unsigned char op)
{
	return op != SQLITE_INDEX_CONSTRAINT_LIMIT && op != SQLITE_INDEX_CONSTRAINT_OFFSET;
}

static int count_terms(const sqlite3_index_info *info)
{
	int n = 0;

	for (int i = 0; i < info->nConstraint; i++)
		n += is_term(info->aConstraint[i].op);
	return n;
}

static void push_key(struct plan *plan, int i, unsigned column)
{
	const struct column *described = &plan->table->columns[column];
	unsigned char op = plan->info->aConstraint[i].op;
	enum term_kind comparison = comparison_kind(op);

	if (op == SQLITE_INDEX_CONSTRAINT_EQ) {
		bool in = sqlite3_vtab_in(plan->info, i, -1);

		if (described->type == DOUBLE ||
			(described->type == TEXT && !is_binary(plan->info, i)))
			return;
		if (in)
			(void) sqlite3_vtab_in(plan->info, i, 1);
		push(plan, i, (int) column, in ? TERM_IN : TERM_EQUAL);
		plan->by_in |= in;
		plan->by_key |= (described->options & (INDEX | REQUIRED)) != 0;
		plan->narrowed = true;
	} else if (op == SQLITE_INDEX_CONSTRAINT_LIKE && described->type == TEXT) {
		push(plan, i, (int) column, TERM_LIKE);
		plan->info->aConstraintUsage[i].omit = (described->options & PATTERN) &&
			count_terms(plan->info) == 1;
		plan->narrowed = true;
	} else if (op == SQLITE_INDEX_CONSTRAINT_GLOB && described->type == TEXT) {
		push(plan, i, (int) column, TERM_GLOB);
		plan->narrowed = true;
	} else if (comparison && (described->type != TEXT || (described->options & COUNTER))) {
		push(plan, i, (int) column, comparison);
		plan->narrowed = true;
	}
}

// Whether the table gives rows for an equality on the column that it does not give without: it must
// then come behind the table that it is joined with.
static bool gives_other_rows(const struct table *table, unsigned options)
{
	return (options & ADDITIONAL) || ((table->attributes & USER_DATA) && (options & INDEX));
}

static void push_keys(struct plan *plan)
{
	const unsigned pushable = INDEX | ADDITIONAL | REQUIRED | OPTIMIZED | COUNTER;

	for (int i = 0; i < plan->info->nConstraint; i++) {
		const struct sqlite3_index_constraint *constraint = &plan->info->aConstraint[i];
		unsigned column, options;

		if (!is_term(constraint->op) || constraint->iColumn < 0)
			continue;
		column = real_column(plan->table, constraint->iColumn);
		options = plan->table->columns[column].options;
		if (options & REQUIRED) {
			plan->lacks_required &= !constraint->usable;
			plan->unusable |= !constraint->usable;
		}
		plan->loses_rows |= !constraint->usable &&
			constraint->op == SQLITE_INDEX_CONSTRAINT_EQ &&
			gives_other_rows(plan->table, options);
		if ((options & pushable) && constraint->usable)
			push_key(plan, i, column);
	}
}

// An equality on any column of a small table: the engine finds the rows itself among those that the
// first scan of the statement gave.
static void push_lookup(struct plan *plan)
{
	for (int i = 0; i < plan->info->nConstraint; i++) {
		const struct sqlite3_index_constraint *constraint = &plan->info->aConstraint[i];
		const struct column *column;
		unsigned at;

		// value by value, an IN would be compared by the column's affinity alone
		if (!constraint->usable || constraint->iColumn < 0 ||
			constraint->op != SQLITE_INDEX_CONSTRAINT_EQ ||
			sqlite3_vtab_in(plan->info, i, -1))
			continue;
		at = real_column(plan->table, constraint->iColumn);
		column = &plan->table->columns[at];
		if (column->type == DOUBLE || (column->type == TEXT && !is_binary(plan->info, i)))
			continue;
		push(plan, i, (int) at, TERM_LOOKUP);
		plan->by_lookup = true;
		return;
	}
}

static double or_else(double value, double otherwise)
{
	return value > 0 ? value : otherwise;
}

static void estimate(struct plan *plan)
{
	const struct table *table = plan->table;
	double all = or_else(table->estimate.rows, 100);
	double start = or_else(table->estimate.start, 10);
	double each = or_else(table->estimate.row, 1);
	double rows = all;

	if (plan->by_key) {
		rows = or_else(table->estimate.per_key, 1);
	} else if (plan->narrowed) {
		rows = all / 10;
	} else if (plan->by_lookup) {
		rows = all / 10;
		start = 1 + (start + all * each) / 10; // the scan is shared by all lookups
		each = 0.1;
	}
	if (plan->by_in)
		rows *= 10;
	if (rows > all)
		rows = all;
	if (rows < 1)
		rows = 1;
	plan->info->estimatedRows = (sqlite3_int64) rows;
	plan->info->estimatedCost = start + rows * each;
	if (plan->loses_rows)
		plan->info->estimatedCost += 1e12;
	if (plan->lacks_required) {
		plan->info->estimatedCost = 1e15;
		plan->info->estimatedRows = INT32_MAX;
	}
}

// The mask of used columns, by their real numbers; the last bit stands for all columns from there
// on.
static uint64_t used_columns(const struct table *table, uint64_t declared)
{
	enum { LAST = 63 };
	uint64_t used = declared;

	for (size_t i = 0, alias = table->n_columns; i < table->n_columns; i++)
		if (table->columns[i].alias) {
			if (declared >> (alias < LAST ? alias : LAST) & 1)
				used |= 1ull << (i < LAST ? i : LAST);
			alias++;
		}
	return used;
}

static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	const struct table *table = ((struct vtab *) vtab)->entry->table;
	struct plan plan = { .table = table, .info = info };
	auto_text struct text whole = { 0 };

	for (size_t i = 0; i < table->n_columns; i++)
		plan.has_required |= (table->columns[i].options & REQUIRED) != 0;
	plan.lacks_required = plan.has_required;

	push_keys(&plan);
	if (plan.lacks_required && plan.unusable) {
		text_done(&plan.text);
		return SQLITE_CONSTRAINT; // another order of the joins can satisfy it
	}
	if (table->generate && plan.n_arguments == 0)
		push_lookup(&plan);
	estimate(&plan);

	text_printf(&whole, "%s%llx%s", plan.lacks_required ? "!" : "",
		(unsigned long long) used_columns(table, info->colUsed),
		plan.text.bytes ? plan.text.bytes : "");
	text_done(&plan.text);
	info->idxStr = sqlite3_mprintf("%s", whole.bytes);
	info->needToFreeIdxStr = 1;
	return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

// ---- the terms ----

static bool fit_integer(sqlite3_value *value, int64_t *integer)
{
	double real;

	switch (sqlite3_value_numeric_type(value)) {
	case SQLITE_INTEGER:
		*integer = sqlite3_value_int64(value);
		return true;
	case SQLITE_FLOAT:
		real = sqlite3_value_double(value);
		if (!(real >= -0x1p63 && real < 0x1p63))
			return false;
		*integer = (int64_t) real;
		return (double) *integer == real;
	default:
		return false;
	}
}

static bool is_number(sqlite3_value *value)
{
	int type = sqlite3_value_type(value);

	return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

static bool fit_text(struct scan *scan, sqlite3_value *value, const char **text)
{
	int type = sqlite3_value_type(value);

	if (type == SQLITE_NULL || type == SQLITE_BLOB)
		return false;
	*text = (const char *) sqlite3_value_text(value);
	if (!*text)
		return false;
	*text = arena_copy(&scan->terms_arena, *text, strlen(*text));
	return true;
}

static bool is_in(const struct given *given, bool text, const char *string, int64_t integer)
{
	for (size_t i = 0; i < given->count; i++) {
		if (text ? strcmp(given->values[i].text, string) == 0
			 : given->values[i].integer == integer)
			return true;
	}
	return false;
}

// IN lists come sorted by SQLite; only neighbours of different types can be equal once they fit the
// column, so looking at the last few would do. Lists are short: look at all up to a bound.
enum { COMPARED = 64 };

struct collect {
	struct scan *scan;
	struct given *given;
	size_t room;
	bool text;
	bool open; // '' was asked for, which is what rows without the column have
	bool number; // was asked for: it can equal other texts, as 7 does '007'
};

static void collect_value(struct collect *collect, sqlite3_value *value)
{
	struct given *given = collect->given;
	const char *text = NULL;
	int64_t integer = 0;

	if (collect->text && is_number(value))
		collect->number = true;
	if (collect->text ? !fit_text(collect->scan, value, &text) : !fit_integer(value, &integer))
		return;
	if (collect->text && *text == '\0')
		collect->open = true;
	if (given->count <= COMPARED && is_in(given, collect->text, text, integer))
		return;
	if (given->count == collect->room) {
		size_t size = sizeof(*given) + 2 * collect->room * sizeof(given->values[0]);
		struct given *larger = arena_alloc(&collect->scan->terms_arena, size);

		memcpy(larger, given, sizeof(*given) + given->count * sizeof(given->values[0]));
		collect->given = given = larger;
		collect->room *= 2;
	}
	if (collect->text)
		given->values[given->count++].text = text;
	else
		given->values[given->count++].integer = integer;
}

static const struct given *collect_values(
	struct scan *scan, const struct column *column, bool in, sqlite3_value *argument)
{
	enum { ROOM = 4 };
	struct collect collect = { .scan = scan, .room = ROOM, .text = column->type == TEXT };
	sqlite3_value *value = NULL;

	collect.given = arena_zero(&scan->terms_arena,
		sizeof(*collect.given) + ROOM * sizeof(collect.given->values[0]));
	if (!in) {
		collect_value(&collect, argument);
	} else {
		for (int r = sqlite3_vtab_in_first(argument, &value); r == SQLITE_OK && value;
			r = sqlite3_vtab_in_next(argument, &value))
			collect_value(&collect, value);
	}
	if ((collect.open && !(column->options & (REQUIRED | INDEX))) ||
		(collect.number && !(column->options & REQUIRED)))
		return NULL;
	return collect.given;
}

static const char *copy_pattern(struct scan *scan, sqlite3_value *argument)
{
	const char *pattern = NULL;

	return fit_text(scan, argument, &pattern) ? pattern : NULL;
}

// The nearest integer bound that loses no row; SQLite compares exactly afterwards.
static bool fit_bound(sqlite3_value *argument, struct term *term)
{
	if (sqlite3_value_numeric_type(argument) == SQLITE_FLOAT) {
		double real = sqlite3_value_double(argument);

		if (!(real > -9.2e18 && real < 9.2e18))
			return false;
		term->bound = (int64_t) real;
		if (term->kind == TERM_MORE || term->kind == TERM_AT_LEAST) {
			term->kind = TERM_AT_LEAST;
			term->bound -= (double) term->bound > real;
		} else {
			term->kind = TERM_AT_MOST;
			term->bound += (double) term->bound < real;
		}
		return true;
	}
	return fit_integer(argument, &term->bound);
}

// Whether a text compares with those of a COUNTER as their numbers do: it is as long as they are.
static bool is_counter(sqlite3_value *argument)
{
	const char *text = (const char *) sqlite3_value_text(argument);

	return text && strlen(text) == COUNTER_DIGITS &&
		strspn(text, "0123456789") == COUNTER_DIGITS;
}

// Reads one step of the plan and its argument.
static void take_term(
	struct scan *scan, unsigned column, enum term_kind kind, sqlite3_value *argument)
{
	const struct column *described = &scan->table->columns[column];
	struct term term = { .kind = kind, .column = column };

	switch (kind) {
	case TERM_EQUAL:
	case TERM_IN:
		term.given = collect_values(scan, described, kind == TERM_IN, argument);
		if (!term.given)
			return;
		break;
	case TERM_LIKE:
	case TERM_GLOB:
		term.pattern = copy_pattern(scan, argument);
		if (!term.pattern)
			return;
		break;
	case TERM_LESS:
	case TERM_AT_MOST:
	case TERM_MORE:
	case TERM_AT_LEAST:
		if (described->type == TEXT && !is_counter(argument))
			return;
		if (!fit_bound(argument, &term))
			return;
		break;
	case TERM_LOOKUP:
		if (described->type == TEXT && is_number(argument))
			return; // can equal other texts
		term.value = argument;
		break;
	}
	scan->terms[scan->n_terms++] = term;
}

static void take_plan(struct scan *scan, const char *plan, int n, sqlite3_value **arguments)
{
	char *at;

	scan->n_terms = 0;
	arena_reset(&scan->terms_arena);
	scan->terms = arena_alloc(&scan->terms_arena, (size_t) n * sizeof(*scan->terms));
	scan->used = strtoull(plan, &at, 16);
	for (int i = 0; *at == ';'; i++) {
		unsigned column = (unsigned) strtoul(at + 1, &at, 10);

		take_term(scan, column, (enum term_kind) * at++, arguments[i]);
	}
}

// ---- the cursor ----

static int report(struct scan *scan)
{
	sqlite3_vtab *vtab = scan->cursor.pVtab;

	if (scan->sql->stop != RUNNING)
		return SQLITE_INTERRUPT;
	sqlite3_free(vtab->zErrMsg);
	vtab->zErrMsg = sqlite3_mprintf(
		"%s", scan->fault.text[0] ? scan->fault.text : strerror(-scan->fault.code));
	return SQLITE_ERROR;
}

static int open_cursor(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor)
{
	struct scan *scan = must_alloc(sizeof(*scan));
	struct entry *entry = ((struct vtab *) vtab)->entry;

	memset(scan, 0, sizeof(*scan));
	scan->entry = entry;
	scan->table = entry->table;
	scan->sql = entry->sql;
	scan->host = entry->sql->host;
	scan->elsewhere.root.fd = -1;
	*cursor = &scan->cursor;
	return SQLITE_OK;
}

static int close_cursor(sqlite3_vtab_cursor *cursor)
{
	struct scan *scan = (struct scan *) cursor;

	scan_end(scan);
	free(scan);
	return SQLITE_OK;
}

// The flag table_delay spares the host between two scans of a table in one query.
static void pause_table(const struct scan *scan)
{
	int64_t delay_ms = flags_integer(scan->host->flags, "table_delay");
	struct timespec pause = { delay_ms / 1000, delay_ms % 1000 * 1000000 };

	if (delay_ms > 0)
		(void) nanosleep(&pause, NULL); // an interrupt ends it
}

static int filter(
	sqlite3_vtab_cursor *cursor, int index, const char *plan, int n, sqlite3_value **arguments)
{
	struct scan *scan = (struct scan *) cursor;
	const struct table *table = scan->table;

	(void) index;
	if (*plan == '!') {
		sqlite3_free(cursor->pVtab->zErrMsg);
		cursor->pVtab->zErrMsg = sqlite3_mprintf(
			"Table %s was queried without a required column in the WHERE clause",
			table->name);
		log_warning("%s", cursor->pVtab->zErrMsg);
		return SQLITE_CONSTRAINT;
	}
	if (scan->entry->scans > 0)
		pause_table(scan);
	take_plan(scan, plan, n, arguments);
	scan->entry->scans++;
	return scan_begin(scan) < 0 ? report(scan) : SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *cursor)
{
	struct scan *scan = (struct scan *) cursor;

	return scan_next(scan) < 0 ? report(scan) : SQLITE_OK;
}

static int at_end(sqlite3_vtab_cursor *cursor)
{
	return ((struct scan *) cursor)->at_end;
}

// Texts of a row end with a NUL. SQLite only believes that of a text whose length it finds itself,
// and else makes room for another NUL when it is read.
static void give_text(sqlite3_context *context, const struct value *value)
{
	bool plain = !memchr(value->text, '\0', value->length);

	sqlite3_result_text(
		context, value->text, plain ? -1 : (int) value->length, SQLITE_TRANSIENT);
}

static int column_value(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int declared)
{
	struct scan *scan = (struct scan *) cursor;
	unsigned column = real_column(scan->table, declared);
	struct value value;

	if (scan_value(scan, column, &value) < 0)
		return report(scan);
	switch (value.kind) {
	case IS_TEXT:
		give_text(context, &value);
		break;
	case IS_INTEGER:
		sqlite3_result_int64(context, value.integer);
		break;
	case IS_DOUBLE:
		sqlite3_result_double(context, value.real);
		break;
	case MISSING:
		if (scan->table->columns[column].type == TEXT)
			sqlite3_result_text(context, "", 0, SQLITE_STATIC);
		break;
	}
	return SQLITE_OK;
}

static int row_id(sqlite3_vtab_cursor *cursor, sqlite3_int64 *id)
{
	struct scan *scan = (struct scan *) cursor;
	int64_t rowid;

	if (scan_rowid(scan, &rowid) < 0)
		return report(scan);
	*id = rowid;
	return SQLITE_OK;
}

static const sqlite3_module module = {
	.iVersion = 1,
	.xConnect = connect_table, // no xCreate: the table exists by its name alone
	.xBestIndex = best_index,
	.xDisconnect = disconnect_table,
	.xOpen = open_cursor,
	.xClose = close_cursor,
	.xFilter = filter,
	.xNext = next_row,
	.xEof = at_end,
	.xColumn = column_value,
	.xRowid = row_id,
};

int vtab_register(struct sql *sql, struct entry *entry)
{
	const struct table *table = entry->table;
	int r = SQLITE_OK;

	// the alias first: it is the module of the name that frees the entry, also on failure
	if (table->alias)
		r = sqlite3_create_module_v2(sql->db, table->alias, &module, entry, NULL);
	if (r == SQLITE_OK)
		return sqlite3_create_module_v2(sql->db, table->name, &module, entry, free);
	free(entry);
	return r;
}

void vtab_unregister(struct sql *sql, const struct table *table)
{
	if (table->alias)
		(void) sqlite3_create_module_v2(sql->db, table->alias, NULL, NULL, NULL);
	(void) sqlite3_create_module_v2(sql->db, table->name, NULL, NULL, NULL);
}
