// SPDX-License-Identifier: Apache-2.0
#include "tables/event/stored.h"

#include <inttypes.h>
#include <string.h>

#include "events/view.h"

// ---- reading ----

static int column_named(const struct table *table, const char *name)
{
	for (unsigned i = 0; i < table->n_columns; i++)
		if (strcmp(table->columns[i].name, name) == 0)
			return (int) i;
	return -1;
}

// Which columns the cursor is to read. `fetch` may need any.
static void choose_columns(struct scan *scan, struct stored *stored, const char **names)
{
	const struct table *table = scan_table(scan);
	bool all = false;

	for (unsigned i = 0; i < table->n_columns; i++)
		all |= table->columns[i].group != 0 && scan_wants(scan, i);
	for (unsigned i = 0; i < table->n_columns; i++) {
		if ((int) i == stored->time || (int) i == stored->id ||
			table->columns[i].group != 0 || !(all || scan_wants(scan, i)))
			continue;
		names[stored->n_columns] = table->columns[i].name;
		stored->columns[stored->n_columns++] = i;
	}
}

static bool find_range(struct scan *scan, const struct stored *stored, struct event_range *range)
{
	*range = (struct event_range){ INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX };
	if (stored->id >= 0)
		(void) scan_range(scan, (unsigned) stored->id, &range->least_id, &range->most_id);
	return scan_range(scan, (unsigned) stored->time, &range->least_time, &range->most_time);
}

int stored_open(struct scan *scan, struct fault *why)
{
	const struct table *table = scan_table(scan);
	struct stored *stored = scan_state(scan);
	struct event_view *view = scan_host(scan)->events;
	const char **names = arena_alloc(scan_arena(scan), table->n_columns * sizeof(*names));
	struct event_range range;
	struct event_store *store;
	bool by_time;

	stored->columns = arena_alloc(scan_arena(scan), table->n_columns * sizeof(unsigned));
	stored->time = column_named(table, "time");
	stored->id = column_named(table, "eid");
	if (!view) {
		scan_warn(scan, "is event-based but events are disabled");
		return 0;
	}
	choose_columns(scan, stored, names);
	by_time = find_range(scan, stored, &range);
	store = event_view_read(view, table->name, by_time, &range);
	if (!store)
		return 0;
	stored->cursor = event_cursor_open(
		store, table->name, names, stored->n_columns, &range, why);
	return stored->cursor ? 0 : why->code;
}

static void give(struct scan *scan, unsigned column, const struct event_value *value)
{
	if (value->kind == EVENT_TEXT)
		scan_bytes(scan, column, value->text, value->length);
	else if (value->kind == EVENT_MISSING)
		return;
	else if (scan_table(scan)->columns[column].type == TEXT)
		scan_printf(scan, column, "%" PRId64, value->integer);
	else
		scan_integer(scan, column, value->integer);
}

int stored_next(struct scan *scan, struct fault *why)
{
	struct stored *stored = scan_state(scan);
	const struct event_value *values;
	int r;

	if (!stored->cursor)
		return END;
	r = event_cursor_next(stored->cursor, why);
	if (r < 0) {
		scan_warn(scan, "%s", why->text); // what is damaged is passed over
		return SKIP;
	}
	if (r == 0)
		return END;
	values = event_cursor_values(stored->cursor);
	for (size_t i = 0; i < stored->n_columns; i++)
		give(scan, stored->columns[i], &values[i]);
	if (stored->time >= 0)
		scan_integer(scan, (unsigned) stored->time, event_cursor_time(stored->cursor));
	if (stored->id >= 0 && scan_wants(scan, (unsigned) stored->id))
		scan_printf(scan, (unsigned) stored->id, "%0*" PRId64, COUNTER_DIGITS,
			event_cursor_id(stored->cursor));
	return ROW;
}

void stored_close(struct scan *scan)
{
	struct stored *stored = scan_state(scan);

	event_cursor_close(stored->cursor);
}

static const struct event_value *value_of(struct scan *scan, unsigned column)
{
	const struct stored *stored = scan_state(scan);

	for (size_t i = 0; i < stored->n_columns; i++)
		if (stored->columns[i] == column)
			return &event_cursor_values(stored->cursor)[i];
	return NULL;
}

const char *stored_text(struct scan *scan, unsigned column)
{
	const struct event_value *value = value_of(scan, column);

	return value && value->kind == EVENT_TEXT
		? arena_copy(scan_row_arena(scan), value->text, value->length)
		: NULL;
}

bool stored_integer(struct scan *scan, unsigned column, int64_t *number)
{
	const struct event_value *value = value_of(scan, column);

	if (!value || value->kind != EVENT_INTEGER)
		return false;
	*number = value->integer;
	return true;
}

// ---- writing ----

void stored_write_process(struct event_writer *writer, const struct event_table_context *context,
	const struct process *process, unsigned first)
{
	char key[PROCESS_KEY];

	if (!process)
		return;
	process_key(process, key);
	event_row_string(writer, first, key);
	event_row_string(writer, first + 1, process_ancestry(context->processes, process));
	event_row_string(writer, first + 2, process->container_id);
	event_row_string(writer, first + 3, process->cgroup_path);
}

void stored_write_outcome(struct event_writer *writer, const struct event *event, unsigned first)
{
	event_row_integer(writer, first, event->error == 0);
	event_row_integer(writer, first + 1, event->error);
}

bool stored_is_on(const struct flags *flags)
{
	return !flags_bool(flags, "disable_audit") ||
		strcmp(flags_string(flags, "events_source"), "bpf") == 0;
}
