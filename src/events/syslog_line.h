// SPDX-License-Identifier: Apache-2.0
#pragma once
// A line of the system log as CSV: what log daemons write to our pipe.

#include <stdbool.h>

enum syslog_field {
	SYSLOG_TIME,
	SYSLOG_HOST,
	SYSLOG_SEVERITY,
	SYSLOG_FACILITY,
	SYSLOG_TAG,
	SYSLOG_MESSAGE,
	N_SYSLOG_FIELDS
};

// "time", "host", …
extern const char *const syslog_field_names[N_SYSLOG_FIELDS];

// Cuts the line, in place. Quotes around fields and blanks at their ends are left out, and so is
// the colon behind the tag. False when there are not as many fields as there should be.
bool syslog_line_read(char *line, const char *fields[N_SYSLOG_FIELDS]);
