// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

// The one mutable global of the house besides the programs' own: how much to say.
static enum severity threshold = LOG_WARNING;

void log_threshold(enum severity lowest)
{
	threshold = lowest;
}

void log_line(enum severity severity, const char *file, int line, const char *format, ...)
{
	static const char letters[] = "IIWE";
	auto_text struct text safe = { 0 };
	auto_text struct text text = { 0 };
	char message[2048];
	struct timespec now;
	struct tm day;
	va_list arguments;

	if (severity < threshold)
		return;

	va_start(arguments, format);
	(void) vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	utf8_add_printable(&safe, message, __builtin_strlen(message));

	(void) clock_gettime(CLOCK_REALTIME, &now);
	(void) localtime_r(&now.tv_sec, &day);
	text_printf(&text, "%c%02d%02d %02d:%02d:%02d.%06ld %5ld %s:%d] %s\n",
		letters[severity + 1], day.tm_mon + 1, day.tm_mday, day.tm_hour, day.tm_min,
		day.tm_sec, now.tv_nsec / 1000, syscall(SYS_gettid), file, line,
		safe.bytes ? safe.bytes : "");
	(void) fwrite(text.bytes, 1, text.length, stderr);
}
