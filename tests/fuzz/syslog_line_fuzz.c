// SPDX-License-Identifier: Apache-2.0
// Lines of the system log.
#include "events/syslog_line.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	const char *fields[N_SYSLOG_FIELDS];
	char *line = malloc(length + 1);
	volatile size_t sum = 0;

	if (!line)
		return 0;
	memcpy(line, bytes, length);
	line[length] = '\0';
	if (syslog_line_read(line, fields))
		for (int i = 0; i < N_SYSLOG_FIELDS; i++)
			sum += strlen(fields[i]);
	free(line);
	return 0;
}
