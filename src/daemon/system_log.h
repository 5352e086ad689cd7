// SPDX-License-Identifier: Apache-2.0
#pragma once
// The system's log (syslog(3)), where the supervisor speaks when it has no stderr. A file of its
// own, because <syslog.h> has the names of base/log.h for other numbers.

void system_log_open(void);

// `severity`: enum severity.
void system_log_write(int severity, const char *text);
