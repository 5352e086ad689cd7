// SPDX-License-Identifier: Apache-2.0
// Lines of the system log, which a log daemon writes to a pipe.
#include "tables/event/fields.h"
#include "tables/event/stored.h"

enum { TIME, DATETIME, HOST, SEVERITY, FACILITY, TAG, MESSAGE, EID };

static const struct column columns[] = {
	[TIME] = STORED_TIME,
	[DATETIME] = { "datetime", TEXT, "Its time, as the log daemon writes it." },
	[HOST] = { "host", TEXT, "Host that it is of." },
	[SEVERITY] = { "severity", INTEGER, "Severity: 0 emergency to 7 debug." },
	[FACILITY] = { "facility", TEXT, "Facility, such as auth." },
	[TAG] = { "tag", TEXT, "Name of the program, mostly with its process id." },
	[MESSAGE] = { "message", TEXT, "What it says." },
	[EID] = STORED_EID,
};

static uint32_t wanted(const struct flags *flags)
{
	return flags_bool(flags, "enable_syslog") ? EVENT_BIT(EVENT_SYSLOG) : 0;
}

static void hear(struct event_writer *writer, const struct event_table_context *context,
	const struct event *event)
{
	(void) context;
	record_begin(writer, event);
	record_text(writer, DATETIME, event, "time");
	record_text(writer, HOST, event, "host");
	record_number(writer, SEVERITY, event, "severity", 10);
	record_text(writer, FACILITY, event, "facility");
	record_text(writer, TAG, event, "tag");
	record_text(writer, MESSAGE, event, "message");
}

static const struct event_table listening = {
	.source = "syslog",
	.kinds = EVENT_BIT(EVENT_SYSLOG),
	.wanted = wanted,
	.hear = hear,
	.expiry_flag = "syslog_events_expiry",
	.max_flag = "syslog_events_max",
};

const struct table table_syslog_events = {
	.name = "syslog_events",
	.about = "Lines of the system log, which a log daemon writes to syslog_pipe_path.",
	.alias = "syslog",
	COLUMNS(columns),
	EXAMPLES("SELECT datetime, tag, message FROM syslog_events WHERE severity <= 3"),
	STORED_ROWS,
	.event = &listening,
};
