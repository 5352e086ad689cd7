// SPDX-License-Identifier: Apache-2.0
// Records of the audit system: lines of a type and a text, to events.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "events/audit_reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

// Touches what an event points to.
static void hear(void *context, struct event *event)
{
	volatile size_t *sum = context;

	*sum += event->cwd ? strlen(event->cwd) : 0;
	if (EVENT_BIT(event->kind) & EVENTS_FILE)
		*sum += strlen(event->file.path) +
			(event->file.new_path ? strlen(event->file.new_path) : 0);
	if (event->kind >= EVENT_USER)
		for (const struct event_field *field = event->record.fields; field->name; field++)
			*sum += strlen(field->name) + strlen(field->value);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	volatile size_t sum = 0;
	struct audit_reader_settings settings = {
		.kinds = UINT32_MAX,
		.own_path = "/usr/bin/hostql",
		.give = hear,
		.context = (void *) &sum,
	};
	struct audit_reader *reader = audit_reader_new(&settings);
	const char *at = (const char *) bytes, *end = at + length;

	for (int64_t now_ms = 0; at < end; now_ms += 100) {
		const char *newline = memchr(at, '\n', (size_t) (end - at));
		size_t line = newline ? (size_t) (newline - at) : (size_t) (end - at);
		int type = 0;
		size_t digits = 0;

		for (; digits < line && digits < 4 && at[digits] >= '0' && at[digits] <= '9';
			digits++)
			type = type * 10 + at[digits] - '0';
		if (digits < line)
			audit_reader_take(reader, type, at + digits + 1, line - digits - 1, now_ms);
		audit_reader_tick(reader, now_ms, 0);
		at += newline ? line + 1 : line;
	}
	audit_reader_tick(reader, INT32_MAX, 0);
	audit_reader_free(reader);
	return 0;
}
