// SPDX-License-Identifier: Apache-2.0
// What SELinux tells the audit system: accesses it denied or granted, changes of its policy.
#include <stdio.h>

#include "events/audit_record.h"
#include "tables/event/fields.h"
#include "tables/event/stored.h"

enum { TYPE, MESSAGE, TIME, UPTIME, EID };

static const struct column columns[] = {
	[TYPE] = { "type", TEXT,
		"Type of the record: AVC, MAC_STATUS; a number if it has no name." },
	[MESSAGE] = { "message", TEXT, "The record." },
	[TIME] = STORED_TIME,
	[UPTIME] = STORED_UPTIME,
	[EID] = STORED_EID,
};

static uint32_t wanted(const struct flags *flags)
{
	return !flags_bool(flags, "disable_audit") &&
			flags_bool(flags, "audit_allow_selinux_events")
		? EVENT_BIT(EVENT_SELINUX)
		: 0;
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	const char *name = audit_type_name(event->record.type);
	char number[16];

	(void) context;
	(void) snprintf(number, sizeof(number), "%d", event->record.type);
	record_begin(writer, event);
	event_row_string(writer, TYPE, name ? name : number);
	event_row_string(writer, MESSAGE, event->record.message);
	event_row_integer(writer, UPTIME, event->uptime_ns / 1000000000);
}

static const struct event_table listening = {
	.source = "auditeventpublisher",
	.kinds = EVENT_BIT(EVENT_SELINUX),
	.wanted = wanted,
	.hear = hear,
};

const struct table table_selinux_events = {
	.name = "selinux_events",
	.about = "Accesses that SELinux denied or granted, and changes of its policy.",
	COLUMNS(columns),
	EXAMPLES("SELECT time, message FROM selinux_events WHERE type = 'AVC'"),
	STORED_ROWS,
	.event = &listening,
};
