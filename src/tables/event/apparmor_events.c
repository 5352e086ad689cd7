// SPDX-License-Identifier: Apache-2.0
// What AppArmor tells the audit system: accesses it denied or allowed, changes of its profiles.
#include "tables/event/fields.h"
#include "tables/event/stored.h"

enum {
	TYPE,
	MESSAGE,
	TIME,
	UPTIME,
	EID,
	APPARMOR,
	OPERATION,
	PARENT,
	PROFILE,
	NAME,
	PID,
	COMM,
	DENIED_MASK,
	CAPNAME,
	FSUID,
	OUID,
	CAPABILITY,
	REQUESTED_MASK,
	INFO,
	ERROR,
	NAMESPACE,
	LABEL,
	N_COLUMNS
};

static const struct column columns[] = {
	[TYPE] = { "type", TEXT, "Always AA." },
	[MESSAGE] = { "message", TEXT, "The record." },
	[TIME] = STORED_TIME,
	[UPTIME] = STORED_UPTIME,
	[EID] = STORED_EID,
	[APPARMOR] = { "apparmor", TEXT, "What it did: ALLOWED, DENIED, AUDIT, STATUS." },
	[OPERATION] = { "operation", TEXT, "What was tried." },
	[PARENT] = { "parent", UNSIGNED_BIGINT, "Process id of the parent." },
	[PROFILE] = { "profile", TEXT, "Profile that decided." },
	[NAME] = { "name", TEXT, "What it was about, such as a path." },
	[PID] = { "pid", UNSIGNED_BIGINT, "Process id." },
	[COMM] = { "comm", TEXT, "Name of the process." },
	[DENIED_MASK] = { "denied_mask", TEXT, "Rights that were denied." },
	[CAPNAME] = { "capname", TEXT, "Name of the capability." },
	[FSUID] = { "fsuid", UNSIGNED_BIGINT, "User id for file accesses." },
	[OUID] = { "ouid", UNSIGNED_BIGINT, "User that owns the object." },
	[CAPABILITY] = { "capability", BIGINT, "Number of the capability." },
	[REQUESTED_MASK] = { "requested_mask", TEXT, "Rights that were asked for." },
	[INFO] = { "info", TEXT, "What else it says." },
	[ERROR] = { "error", TEXT, "Number of the error, negative." },
	[NAMESPACE] = { "namespace", TEXT, "Its namespace of policies." },
	[LABEL] = { "label", TEXT, "Label of the process." },
};

static uint32_t wanted(const struct flags *flags)
{
	return !flags_bool(flags, "disable_audit") &&
			flags_bool(flags, "audit_allow_apparmor_events")
		? EVENT_BIT(EVENT_APPARMOR)
		: 0;
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	(void) context;
	record_begin(writer, event);
	event_row_string(writer, TYPE, "AA");
	event_row_string(writer, MESSAGE, event->record.message);
	event_row_integer(writer, UPTIME, event->uptime_ns / 1000000000);
	for (unsigned column = APPARMOR; column < N_COLUMNS; column++) {
		if (columns[column].type == TEXT)
			record_text(writer, column, event, columns[column].name);
		else
			record_number(writer, column, event, columns[column].name, 10);
	}
}

static const struct event_table listening = {
	.source = "auditeventpublisher",
	.kinds = EVENT_BIT(EVENT_APPARMOR),
	.wanted = wanted,
	.hear = hear,
};

const struct table table_apparmor_events = {
	.name = "apparmor_events",
	.about = "Accesses that AppArmor denied or allowed, and changes of its profiles.",
	COLUMNS(columns),
	EXAMPLES("SELECT time, operation, profile, name, pid FROM apparmor_events "
		 "WHERE apparmor = 'DENIED'"),
	STORED_ROWS,
	.event = &listening,
};
