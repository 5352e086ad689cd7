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

static void narrow(const struct term *term, int64_t *least, int64_t *most)
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
		if (term->given->count == 1)
			low = high = term->given->values[0].integer;
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
			narrow(&scan->terms[i], least, most);
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

static void fill_namespace(struct scan *scan)
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
	fill_namespace(scan);
	return (scan->n_rows & 15) != 0 || !scan_cancelled(scan);
}

// ---- the scan itself ----

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

// ---- running ----

static void set_slots(struct scan *scan)
{
	scan->pid_column = scan->mount_column = -1;
	scan->n_slots = 0;
	scan->wanted_groups = 0;
	for (unsigned i = 0; i < scan->table->n_columns; i++) {
		bool wanted = scan_wants(scan, i);

		scan->slot[i] = wanted ? (int8_t) scan->n_slots : -1;
		scan->n_slots += wanted;
		scan->wanted_groups |= (uint32_t) wanted << scan->table->columns[i].group;
		if (!(scan->table->columns[i].options & HIDDEN))
			continue; // this runs for each row of a join
		if (strcmp(scan->table->columns[i].name, "pid_with_namespace") == 0)
			scan->pid_column = (int) i;
		if (strcmp(scan->table->columns[i].name, "mount_namespace_id") == 0)
			scan->mount_column = (int) i;
	}
	if (scan->n_slots == 0)
		scan->n_slots = 1; // count(*): rows without columns still are rows
}

static void close_elsewhere(struct scan *scan)
{
	if (scan->elsewhere.root.fd >= 0)
		host_close(&scan->elsewhere);
	scan->host = scan->sql->host;
	scan->mount_id[0] = '\0';
}

static void read_mount_id(struct scan *scan, int64_t pid)
{
	char path[64], link[64];
	unsigned long long inode = 0;

	(void) snprintf(path, sizeof(path), "proc/%" PRId64 "/ns/mnt", pid);
	if (root_readlink(&scan->sql->host->root, path, link, sizeof(link)) > 0 &&
		sscanf(link, "mnt:[%llu]", &inode) == 1)
		(void) snprintf(scan->mount_id, sizeof(scan->mount_id), "%llu", inode);
}

// Moves on to the next process whose view is asked for: 1, or 0 when there is none left.
static int enter_process(struct scan *scan)
{
	for (; scan->process_at < scan->processes->count; scan->process_at++) {
		int64_t pid = scan->processes->values[scan->process_at].integer;
		struct fault why;

		close_elsewhere(scan);
		if (host_open_process(&scan->elsewhere, scan->sql->host, pid, &why) < 0) {
			log_verbose("%s: %s", scan->table->name, why.text);
			continue;
		}
		read_mount_id(scan, pid);
		scan->host = &scan->elsewhere;
		return 1;
	}
	return 0;
}

static void close_table(struct scan *scan)
{
	if (scan->open && scan->table->close)
		scan->table->close(scan);
	scan->open = false;
}

static int open_table(struct scan *scan)
{
	if (scan->table->state_bytes && !scan->state)
		scan->state = must_alloc(scan->table->state_bytes);
	if (scan->state)
		memset(scan->state, 0, scan->table->state_bytes);
	scan->open = true;
	return scan->table->open ? scan->table->open(scan, &scan->fault) : 0;
}

static int order_of_kinds(const struct value *value)
{
	return value->kind == IS_TEXT ? 2 : value->kind == MISSING ? 0 : 1;
}

static int compare_values(const struct value *a, const struct value *b)
{
	int kinds = order_of_kinds(a) - order_of_kinds(b);
	size_t shorter = a->length < b->length ? a->length : b->length;
	int r;

	if (kinds != 0)
		return kinds;
	switch (a->kind) {
	case IS_TEXT:
		r = memcmp(a->text, b->text, shorter);
		return r ? r : (a->length > b->length) - (a->length < b->length);
	case IS_INTEGER:
		return (a->integer > b->integer) - (a->integer < b->integer);
	default:
		return 0;
	}
}

struct ordering {
	const struct scan *scan;
	unsigned slot;
};

static int compare_rows(const void *a, const void *b, void *context)
{
	const struct ordering *ordering = context;
	const struct scan *scan = ordering->scan;
	uint32_t left = *(const uint32_t *) a, right = *(const uint32_t *) b;
	int r = compare_values(&scan->rows[left * scan->n_slots + ordering->slot],
		&scan->rows[right * scan->n_slots + ordering->slot]);

	return r ? r : (left > right) - (left < right);
}

static void make_order(struct scan *scan, unsigned slot)
{
	struct ordering ordering = { .scan = scan, .slot = slot };

	free(scan->order);
	scan->order_slot = slot;
	scan->order = must_alloc(scan->n_rows * sizeof(*scan->order));
	for (size_t i = 0; i < scan->n_rows; i++)
		scan->order[i] = (uint32_t) i;
	qsort_r(scan->order, scan->n_rows, sizeof(*scan->order), compare_rows, &ordering);
}

// The first position in order whose value is at least (`past`: more than) the key.
static size_t bisect(const struct scan *scan, unsigned slot, const struct value *key, bool past)
{
	size_t low = 0, high = scan->n_rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct value *value = &scan->rows[scan->order[middle] * scan->n_slots + slot];

		if (compare_values(value, key) < past)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

// The key of a lookup as the column stores it. False when no row can have it.
static bool lookup_key(enum column_type type, sqlite3_value *wanted, struct value *key)
{
	int kind = sqlite3_value_type(wanted);

	if (kind == SQLITE_NULL || kind == SQLITE_BLOB)
		return false;
	if (type == TEXT) {
		key->text = (const char *) sqlite3_value_text(wanted);
		key->length = (unsigned) sqlite3_value_bytes(wanted);
		// what is missing reads as ''
		key->kind = key->length ? IS_TEXT : MISSING;
		return key->text != NULL;
	}
	kind = sqlite3_value_numeric_type(wanted);
	key->kind = IS_INTEGER;
	key->integer = sqlite3_value_int64(wanted);
	return kind == SQLITE_INTEGER ||
		(kind == SQLITE_FLOAT && (double) key->integer == sqlite3_value_double(wanted));
}

// Answers a lookup from the rows at hand.
static void find_rows(struct scan *scan, const struct term *term)
{
	int slot = scan->slot[term->column];
	struct value key = { 0 };

	scan->at = scan->found_end = 0;
	if (slot < 0 || !lookup_key(scan->table->columns[term->column].type, term->value, &key))
		return;
	if (!scan->order || scan->order_slot != (unsigned) slot)
		make_order(scan, (unsigned) slot);
	scan->at = bisect(scan, (unsigned) slot, &key, false);
	scan->found_end = bisect(scan, (unsigned) slot, &key, true);
}

static void forget_rows(struct scan *scan)
{
	free(scan->order);
	scan->order = NULL;
	scan->n_rows = 0;
	scan->row = NULL;
	scan->generated = false;
	arena_reset(&scan->arena);
	arena_reset(&scan->row_arena);
}

static int generate_rows(struct scan *scan)
{
	int r = 0;

	if (!scan->processes)
		return scan->table->generate(scan, &scan->fault);
	for (; r >= 0 && enter_process(scan) > 0; scan->process_at++)
		r = scan->table->generate(scan, &scan->fault);
	return r;
}

static int begin_generated(struct scan *scan)
{
	const struct term *lookup = scan->n_terms == 1 && scan->terms[0].kind == TERM_LOOKUP
		? &scan->terms[0]
		: NULL;
	bool whole = lookup || scan->n_terms == 0;
	bool again = whole && scan->generated;
	int r = 0;

	if (!again) {
		forget_rows(scan);
		r = generate_rows(scan);
		scan->row = NULL;
		scan->entry->rows += scan->n_rows;
	}
	if (r < 0)
		return r;
	if (scan_cancelled(scan))
		return -ECANCELED;
	scan->generated = whole;
	scan->at = 0;
	scan->found_end = scan->n_rows;
	// ordering pays from the second lookup on; before, SQLite compares each row itself
	scan->ordered = lookup && again;
	if (scan->ordered)
		find_rows(scan, lookup);
	scan->at_end = scan->at >= scan->found_end;
	return 0;
}

// ---- the row of the last key ----

static void swap_last(struct scan *scan)
{
	struct value *row = scan->rows;
	struct arena arena = scan->row_arena;

	scan->rows = scan->last.row;
	scan->row_arena = scan->last.arena;
	scan->last.row = row;
	scan->last.arena = arena;
}

// Whether the scan looks up one key; then its term.
static const struct term *key_term(const struct scan *scan)
{
	const struct term *term = &scan->terms[0];
	const struct column *column = &scan->table->columns[term->column];

	return scan->n_terms == 1 && term->kind == TERM_EQUAL && term->given->count == 1 &&
			(column->options & INDEX) && column->type != TEXT && !scan->processes
		? term
		: NULL;
}

// Shows the row of the last key if this is the same.
static bool repeat_last(struct scan *scan)
{
	const struct term *term = key_term(scan);

	if (!scan->last.good)
		return false;
	scan->last.good = term && term->column == scan->last.column &&
		term->given->values[0].integer == scan->last.key && scan->used == scan->last.used;
	if (!scan->last.good)
		return false;
	swap_last(scan);
	scan->last.shown = true;
	scan->row = scan->rows;
	scan->fetched = scan->last.fetched;
	scan->entry->rows++;
	return true;
}

static void hide_last(struct scan *scan)
{
	if (scan->last.shown)
		swap_last(scan);
	scan->last.shown = false;
}

// Puts the only row so far aside, before the table is asked for the next.
static void keep_last(struct scan *scan, const struct term *term)
{
	scan->last.column = term->column;
	scan->last.key = term->given->values[0].integer;
	scan->last.used = scan->used;
	scan->last.fetched = scan->fetched;
	swap_last(scan);
	scan->rows = must_resize(scan->rows, scan->n_slots * sizeof(*scan->rows));
}

int scan_begin(struct scan *scan)
{
	int r;

	close_table(scan);
	close_elsewhere(scan);
	scan_forget_rowids(scan);
	hide_last(scan);
	set_slots(scan);
	scan->n_given = 0;
	scan->fault = (struct fault){ 0 };
	scan->at_end = false;
	scan->process_at = 0;
	scan->processes = scan->pid_column < 0 ? NULL
					       : scan_given(scan, (unsigned) scan->pid_column);
	if (scan->table->generate)
		return begin_generated(scan);
	if (repeat_last(scan))
		return 0;

	forget_rows(scan);
	scan->rows = must_resize(scan->rows, scan->n_slots * sizeof(*scan->rows));
	if (scan->processes && enter_process(scan) == 0) {
		scan->at_end = true;
		return 0;
	}
	r = open_table(scan);
	return r < 0 ? r : scan_next(scan);
}

static int next_streamed(struct scan *scan)
{
	for (;;) {
		int r;

		arena_reset(&scan->row_arena);
		scan->row = scan->rows;
		scan->fetched = 0;
		memset(scan->row, 0, scan->n_slots * sizeof(*scan->row));
		fill_namespace(scan);
		r = scan->table->next(scan, &scan->fault);
		if (r == SKIP && scan_cancelled(scan))
			return -ECANCELED;
		if (r == SKIP)
			continue;
		if (r != END || !scan->processes)
			return r;

		// the next process' view
		close_table(scan);
		scan->process_at++;
		if (enter_process(scan) == 0)
			return 0;
		r = open_table(scan);
		if (r < 0)
			return r;
	}
}

int scan_next(struct scan *scan)
{
	const struct term *term;
	int r;

	scan->has_rowid = false;
	if (scan->table->generate) {
		scan->at++;
		scan->at_end = scan->at >= scan->found_end;
		return 0;
	}
	if (scan_cancelled(scan))
		return -ECANCELED;
	if (scan->last.shown) {
		hide_last(scan);
		scan->at_end = true;
		return 0;
	}
	term = scan->n_given == 1 ? key_term(scan) : NULL;
	if (term)
		keep_last(scan, term);
	r = next_streamed(scan);
	if (r < 0)
		return r;
	scan->last.good = term && r == END &&
		(scan->wanted_groups & ~1u & ~scan->last.fetched) == 0;
	scan->n_given += scan->n_given < 2;
	scan->entry->rows += (uint64_t) r;
	scan->at_end = r == 0;
	return 0;
}

static int fetch_group(struct scan *scan, unsigned group, struct fault *why)
{
	if (scan->fetched >> group & 1)
		return 0;
	scan->fetched |= 1u << group;
	return scan->table->fetch(scan, group, why);
}

int scan_fetch(struct scan *scan, unsigned group, struct fault *why)
{
	return scan_wants_group(scan, group) ? fetch_group(scan, group, why) : 0;
}

static size_t position(const struct scan *scan)
{
	return scan->ordered ? scan->order[scan->at] : scan->at;
}

int scan_value(struct scan *scan, unsigned column, struct value *value)
{
	unsigned group = scan->table->columns[column].group;
	int slot = scan->slot[column];

	*value = (struct value){ 0 };
	if (scan->table->generate) {
		if (slot >= 0)
			*value = scan->rows[position(scan) * scan->n_slots + (unsigned) slot];
		return 0;
	}
	if (group) {
		int r = fetch_group(scan, group, &scan->fault);

		if (r < 0)
			return r;
	}
	if (slot >= 0)
		*value = scan->row[slot];
	return 0;
}

void scan_end(struct scan *scan)
{
	close_table(scan);
	close_elsewhere(scan);
	scan->sql->scan_bytes -= scan->counted_bytes;
	free(scan->rows);
	free(scan->last.row);
	free(scan->order);
	scan_forget_rowids(scan);
	free(scan->state);
	arena_done(&scan->arena);
	arena_done(&scan->row_arena);
	arena_done(&scan->last.arena);
	arena_done(&scan->terms_arena);
}
