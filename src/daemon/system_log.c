// SPDX-License-Identifier: Apache-2.0
#include "daemon/system_log.h"

#include <syslog.h>

void system_log_open(void)
{
	openlog("osqueryd", LOG_PID, LOG_DAEMON);
}

void system_log_write(int severity, const char *text)
{
	static const int priorities[] = { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR };

	syslog(priorities[severity + 1], "%s", text);
}
