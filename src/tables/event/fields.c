// SPDX-License-Identifier: Apache-2.0
#include "tables/event/fields.h"

#include <string.h>

#include "base/text.h"

enum { NS_PER_S = 1000000000 };

const char *record_field(const struct event *event, const char *name)
{
	for (const struct event_field *field = event->record.fields; field && field->name; field++)
		if (strcmp(field->name, name) == 0)
			return field->value;
	return NULL;
}

void record_text(
	struct event_writer *writer, unsigned column, const struct event *event, const char *name)
{
	event_row_string(writer, column, record_field(event, name));
}

void record_number(struct event_writer *writer, unsigned column, const struct event *event,
	const char *name, int base)
{
	const char *value = record_field(event, name);
	int64_t number;

	if (value && text_integer(value, base, &number) == 0)
		event_row_integer(writer, column, number);
}

void record_begin(struct event_writer *writer, const struct event *event)
{
	(void) event_row_begin(writer, event->time_ns / NS_PER_S);
}
