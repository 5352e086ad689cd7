// SPDX-License-Identifier: Apache-2.0
// What programs tell the audit system about users: logins, authentication, changed accounts.
#include "tables/event/fields.h"
#include "tables/event/stored.h"

enum { UID, AUID, PID, MESSAGE, TYPE, PATH, ADDRESS, TERMINAL, TIME, UPTIME, EID };

static const struct column columns[] = {
	[UID] = { "uid", BIGINT, "User id of the program that told it." },
	[AUID] = { "auid", BIGINT, "User id of the login, 4294967295 without one." },
	[PID] = { "pid", BIGINT, "Its process id." },
	[MESSAGE] = { "message", TEXT, "What it told." },
	[TYPE] = { "type", INTEGER,
		"Number of the record's type: 1100 authentication, 1112 login." },
	[PATH] = { "path", TEXT, "Executable, as the message names it." },
	[ADDRESS] = { "address", TEXT, "Address of the other host, ? without one." },
	[TERMINAL] = { "terminal", TEXT, "Terminal, or what stands for it." },
	[TIME] = STORED_TIME,
	[UPTIME] = STORED_UPTIME,
	[EID] = STORED_EID,
};

static uint32_t wanted(const struct flags *flags)
{
	return !flags_bool(flags, "disable_audit") && flags_bool(flags, "audit_allow_user_events")
		? EVENT_BIT(EVENT_USER)
		: 0;
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	const char *message = record_field(event, "msg");

	(void) context;
	record_begin(writer, event);
	record_number(writer, UID, event, "uid", 10);
	record_number(writer, AUID, event, "auid", 10);
	record_number(writer, PID, event, "pid", 10);
	event_row_string(writer, MESSAGE, message ? message : event->record.message);
	event_row_integer(writer, TYPE, event->record.type);
	record_text(writer, PATH, event, "exe");
	record_text(writer, ADDRESS, event, "addr");
	record_text(writer, TERMINAL, event, "terminal");
	event_row_integer(writer, UPTIME, event->uptime_ns / 1000000000);
}

static const struct event_table listening = {
	.source = "auditeventpublisher",
	.kinds = EVENT_BIT(EVENT_USER),
	.wanted = wanted,
	.hear = hear,
};

const struct table table_user_events = {
	.name = "user_events",
	.about = "What programs tell of users: logins, authentication, changed accounts.",
	COLUMNS(columns),
	EXAMPLES("SELECT time, type, auid, path, address, message FROM user_events"),
	STORED_ROWS,
	.event = &listening,
};
