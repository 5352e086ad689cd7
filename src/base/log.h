// SPDX-License-Identifier: Apache-2.0
#pragma once
// Status lines for the person who runs the program. Only programs, and the engine on behalf of a
// table, log above verbose; everything else returns a fault.

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

enum severity { LOG_VERBOSE = -1, LOG_INFO = 0, LOG_WARNING = 1, LOG_ERROR = 2 };

// Lines below `lowest` are not printed. Until it is called: LOG_WARNING.
void log_threshold(enum severity lowest);

// Whether lines of the severity are printed.
bool log_prints(enum severity severity);

// One line on stderr: severity letter, MMDD, time with microseconds, thread, file:line] text.
// Control characters of the text are escaped.
__attribute__((format(printf, 4, 5))) void log_line(
	enum severity severity, const char *file, int line, const char *format, ...);

// What was said, for whoever else shall hear it.
struct log_entry {
	enum severity severity;
	int64_t time_us; // since 1970
	const char *file; // without its folder
	int line;
	const char *text; // escaped
};

// Hands every entry to `take` as well, from LOG_INFO on whatever the threshold, verbose ones only
// when they are printed. NULL: no more. `take` must not log.
void log_sink(void (*take)(void *context, const struct log_entry *entry), void *context);

// Adds the entry as the line that log_line prints.
void log_add_line(struct text *text, const struct log_entry *entry);

#define log_verbose(...) log_line(LOG_VERBOSE, __FILE_NAME__, __LINE__, __VA_ARGS__)
#define log_info(...) log_line(LOG_INFO, __FILE_NAME__, __LINE__, __VA_ARGS__)
#define log_warning(...) log_line(LOG_WARNING, __FILE_NAME__, __LINE__, __VA_ARGS__)
#define log_error(...) log_line(LOG_ERROR, __FILE_NAME__, __LINE__, __VA_ARGS__)
