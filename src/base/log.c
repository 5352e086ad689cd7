// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/utf8.h"

// The one mutable global of the house besides the programs' own: how much to say, and to whom.
static struct {
	enum severity threshold;
	void (*take)(void *context, const struct log_entry *entry);
	void *context;
} logging = { .threshold = LOG_WARNING };

void log_threshold(enum severity lowest)
{
	logging.threshold = lowest;
}

bool log_prints(enum severity severity)
{
	return severity >= logging.threshold;
}

void log_sink(void (*take)(void *context, const struct log_entry *entry), void *context)
{
	logging.take = take;
	logging.context = context;
}

void log_add_line(struct text *text, const struct log_entry *entry)
{
	static const char letters[] = "IIWE";
	time_t seconds = entry->time_us / 1000000;
	struct tm day;

	(void) localtime_r(&seconds, &day);
	text_printf(text, "%c%02d%02d %02d:%02d:%02d.%06d %5ld %s:%d] %s\n",
		letters[entry->severity + 1], day.tm_mon + 1, day.tm_mday, day.tm_hour, day.tm_min,
		day.tm_sec, (int) (entry->time_us % 1000000), syscall(SYS_gettid), entry->file,
		entry->line, entry->text);
}

void log_line(enum severity severity, const char *file, int line, const char *format, ...)
{
	auto_text struct text safe = { 0 };
	auto_text struct text text = { 0 };
	struct log_entry entry = { .severity = severity, .file = file, .line = line };
	bool printed = severity >= logging.threshold;
	bool taken = logging.take && (printed || severity >= LOG_INFO);
	char message[2048];
	struct timespec now;
	va_list arguments;

	if (!printed && !taken)
		return;

	va_start(arguments, format);
	(void) vsnprintf(message, sizeof(message), format, arguments);
	va_end(arguments);
	utf8_add_printable(&safe, message, __builtin_strlen(message));
	(void) clock_gettime(CLOCK_REALTIME, &now);
	entry.time_us = now.tv_sec * 1000000LL + now.tv_nsec / 1000;
	entry.text = safe.bytes ? safe.bytes : "";

	if (taken)
		logging.take(logging.context, &entry);
	if (!printed)
		return;
	log_add_line(&text, &entry);
	(void) fwrite(text.bytes, 1, text.length, stderr);
}
