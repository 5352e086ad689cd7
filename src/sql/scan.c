// SPDX-License-Identifier: Apache-2.0
// A scan: what a table's code sees of a query, and where its rows go.
#include "sql/scan.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

// ---- what the query wants ----

bool scan_wants(const struct scan *scan, unsigned column)
{
	return column >= 63 ? scan->used >> 63 : scan->used >> column & 1;
}

bool scan_wants_group(const struct scan *scan, unsigned group)
{
	return scan->wanted_groups >> group & 1;
}

static const struct term *find_term(const struct scan *scan, unsigned column, enum term_kind kind)
{
	for (size_t i = 0; i < scan->n_terms; i++)
		if (scan->terms[i].column == column && scan->terms[i].kind == kind)
			return &scan->terms[i];
	return NULL;
}

const struct given *scan_given(const struct scan *scan, unsigned column)
{
	const struct term *term = find_term(scan, column, TERM_EQUAL);

	if (!term)
		term = find_term(scan, column, TERM_IN);
	return term ? term->given : NULL;
}

const char *scan_like(const struct scan *scan, unsigned column)
{
	const struct term *term = find_term(scan, column, TERM_LIKE);

	return term ? term->pattern : NULL;
}

const char *scan_glob(const struct scan *scan, unsigned column)
{
	const struct term *term = find_term(scan, column, TERM_GLOB);

	return term ? term->pattern : NULL;
}

// The number that a column must equal; a COUNTER's is its text. False when it is none.
static bool equal_number(const struct scan *scan, const struct term *term, int64_t *number)
{
	if (term->given->count != 1)
		return false;
	if (scan->table->columns[term->column].type == TEXT)
		return text_integer(term->given->values[0].text, 10, number) == 0;
	*number = term->given->values[0].integer;
	return true;
}

static void narrow(const struct scan *scan, const struct term *term, int64_t *least, int64_t *most)
{
	int64_t low = INT64_MIN, high = INT64_MAX;

	switch (term->kind) {
	case TERM_MORE:
		low = term->bound == INT64_MAX ? INT64_MAX : term->bound + 1;
		break;
	case TERM_AT_LEAST:
		low = term->bound;
		break;
	case TERM_LESS:
		high = term->bound == INT64_MIN ? INT64_MIN : term->bound - 1;
		break;
	case TERM_AT_MOST:
		high = term->bound;
		break;
	case TERM_EQUAL:
		if (equal_number(scan, term, &low))
			high = low;
		break;
	default:
		break;
	}
	*least = low > *least ? low : *least;
	*most = high < *most ? high : *most;
}

bool scan_range(const struct scan *scan, unsigned column, int64_t *least, int64_t *most)
{
	*least = INT64_MIN;
	*most = INT64_MAX;
	for (size_t i = 0; i < scan->n_terms; i++)
		if (scan->terms[i].column == column)
			narrow(scan, &scan->terms[i], least, most);
	return *least != INT64_MIN || *most != INT64_MAX;
}

// ---- rows ----

static struct value *slot_of(struct scan *scan, unsigned column)
{
	int slot = scan->slot[column];

	return slot < 0 || !scan->row ? NULL : &scan->row[slot];
}

static struct arena *value_arena(struct scan *scan)
{
	return scan->table->generate ? &scan->arena : &scan->row_arena;
}

static void set_text(struct scan *scan, struct value *slot, const char *value, size_t length)
{
	slot->kind = IS_TEXT;
	slot->text = arena_copy(value_arena(scan), value, length);
	slot->length = (unsigned) length;
}

static void parse_number(struct value *slot, enum column_type type, const char *text)
{
	int64_t integer;
	char *end;

	slot->kind = MISSING;
	if (type == DOUBLE) {
		double real = strtod(text, &end);

		if (end == text || *end != '\0')
			return;
		slot->kind = IS_DOUBLE;
		slot->real = real;
	} else if (text_integer(text, 0, &integer) == 0) {
		slot->kind = IS_INTEGER;
		slot->integer = integer;
	}
}

void scan_bytes(struct scan *scan, unsigned column, const char *value, size_t length)
{
	struct value *slot = slot_of(scan, column);
	enum column_type type = scan->table->columns[column].type;

	if (!slot)
		return;
	if (!value || length == 0) {
		slot->kind = MISSING; // what an empty text reads as
	} else if (type == TEXT) {
		set_text(scan, slot, value, length);
	} else {
		parse_number(slot, type, arena_copy(value_arena(scan), value, length));
	}
}

void scan_text(struct scan *scan, unsigned column, const char *value)
{
	scan_bytes(scan, column, value, value ? strlen(value) : 0);
}

void scan_printf(struct scan *scan, unsigned column, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	if (!slot_of(scan, column))
		return;
	va_start(arguments, format);
	(void) vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	scan_text(scan, column, text);
}

void scan_integer(struct scan *scan, unsigned column, int64_t value)
{
	struct value *slot = slot_of(scan, column);
	char text[24];

	if (!slot)
		return;
	switch (scan->table->columns[column].type) {
	case TEXT:
		set_text(
			scan, slot, text, (size_t) snprintf(text, sizeof(text), "%" PRId64, value));
		break;
	case DOUBLE:
		slot->kind = IS_DOUBLE;
		slot->real = (double) value;
		break;
	default:
		slot->kind = IS_INTEGER;
		slot->integer = value;
	}
}

void scan_double(struct scan *scan, unsigned column, double value)
{
	struct value *slot = slot_of(scan, column);

	if (!slot)
		return;
	slot->kind = IS_DOUBLE;
	slot->real = value;
}

void scan_fill_namespace(struct scan *scan)
{
	if (scan->pid_column >= 0)
		scan_integer(scan, (unsigned) scan->pid_column,
			scan->processes ? scan->processes->values[scan->process_at].integer : 0);
	if (scan->mount_column >= 0)
		scan_text(scan, (unsigned) scan->mount_column, scan->mount_id);
}

bool scan_row(struct scan *scan)
{
	if (scan->n_rows == scan->room) {
		scan->room = scan->room ? scan->room * 2 : 32;
		scan->rows = must_resize(
			scan->rows, scan->room * scan->n_slots * sizeof(*scan->rows));
	}
	scan->row = scan->rows + scan->n_rows * scan->n_slots;
	memset(scan->row, 0, scan->n_slots * sizeof(*scan->row));
	scan->n_rows++;
	scan_fill_namespace(scan);
	return (scan->n_rows & 15) != 0 || !scan_cancelled(scan);
}

// ---- the scan itself ----

const struct table *scan_table(const struct scan *scan)
{
	return scan->table;
}

void *scan_state(struct scan *scan)
{
	return scan->state;
}

struct arena *scan_arena(struct scan *scan)
{
	return &scan->arena;
}

struct arena *scan_row_arena(struct scan *scan)
{
	return &scan->row_arena;
}

bool scan_cancelled(struct scan *scan)
{
	int64_t held = (int64_t) (scan->arena.held_bytes + scan->row_arena.held_bytes +
		scan->room * scan->n_slots * sizeof(*scan->rows) +
		scan->seen_room * sizeof(*scan->seen));

	scan->sql->scan_bytes += held - scan->counted_bytes;
	scan->counted_bytes = held;
	return sql_must_stop(scan->sql);
}

struct host *scan_host(const struct scan *scan)
{
	return scan->host;
}

const struct root *scan_root(const struct scan *scan)
{
	return &scan->host->root;
}

int64_t scan_flag(const struct scan *scan, const char *name)
{
	return flags_integer(scan->host->flags, name);
}

void scan_warn(struct scan *scan, const char *format, ...)
{
	char text[1024];
	va_list arguments;

	va_start(arguments, format);
	(void) vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	log_warning("%s: %s", scan->table->name, text);
}

FILE *scan_open(struct scan *scan, const char *path)
{
	return root_fopen(scan_root(scan), path);
}

char *scan_read(struct scan *scan, const char *path, size_t *size_bytes)
{
	size_t limit = (size_t) scan_flag(scan, "read_max");

	return root_read(scan_root(scan), path, limit, &scan->arena, size_bytes);
}

static void record(struct scan *scan, const char *name, const char *bytes, size_t size_bytes)
{
	const char *folder = flags_string(scan->host->flags, "host_record");
	auto_fclose FILE *file = NULL;
	auto_text struct text path = { 0 };

	if (!*folder)
		return;
	text_printf(&path, "%s/.recorded", folder);
	(void) mkdir(path.bytes, 0755);
	text_printf(&path, "/%s", name);
	file = fopen(path.bytes, "we");
	if (!file || fwrite(bytes, 1, size_bytes, file) != size_bytes)
		log_warning("--host_record: %s: %s", path.bytes, strerror(errno));
}

char *scan_answer(struct scan *scan, const char *name, scan_fetcher *fetch, size_t *size_bytes,
	struct fault *why)
{
	char path[128];
	char *bytes = NULL;

	if (scan_root(scan)->moved) {
		(void) snprintf(path, sizeof(path), ".recorded/%s", name);
		bytes = scan_read(scan, path, size_bytes);
		if (!bytes)
			(void) fail(why, -errno, "%s: %s: %m", scan->table->name, path);
		return bytes;
	}
	if (fetch(&scan->arena, &bytes, size_bytes, why) < 0)
		return NULL;
	record(scan, name, bytes, *size_bytes);
	return bytes;
}
