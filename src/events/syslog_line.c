// SPDX-License-Identifier: Apache-2.0
#include "events/syslog_line.h"

#include <string.h>

#include "base/text.h"

const char *const syslog_field_names[N_SYSLOG_FIELDS] = { "time", "host", "severity", "facility",
	"tag", "message" };

// Cuts the next field off; NULL at the end. In quotes two of them are one; what lacks the closing
// one ends with the line.
static char *next_field(char **rest)
{
	char *field = *rest, *from = *rest, *to = *rest;
	bool quoted = false;

	if (!from)
		return NULL;
	for (; *from && (quoted || *from != ','); from++) {
		if (*from != '"')
			*to++ = *from;
		else if (quoted && from[1] == '"')
			*to++ = *from++;
		else
			quoted = !quoted;
	}
	*rest = *from ? from + 1 : NULL;
	*to = '\0';
	return text_trim(field);
}

bool syslog_line_read(char *line, const char *fields[N_SYSLOG_FIELDS])
{
	char *rest = line;

	for (int i = 0; i < N_SYSLOG_FIELDS; i++) {
		char *field = next_field(&rest);
		size_t length;

		if (!field)
			return false;
		length = strlen(field);
		if (i == SYSLOG_TAG && length > 0 && field[length - 1] == ':')
			field[length - 1] = '\0';
		fields[i] = field;
	}
	return !rest;
}
