// SPDX-License-Identifier: Apache-2.0
#include "tables/package/control.h"

#include <string.h>

// A value is not continued beyond this: each line copies it anew.
enum { CONTINUED_BYTES = 4096 };

static bool is_blank(const char *line)
{
	return line[strspn(line, " \t")] == '\0';
}

// The position of the field that the line begins with, or -1.
static int find_field(const char *line, const char *colon, const char *const *names)
{
	size_t length = (size_t) (colon - line);

	while (length > 0 && (line[length - 1] == ' ' || line[length - 1] == '\t'))
		length--;
	for (int i = 0; names[i]; i++)
		if ((names[i][0] | 0x20) == (line[0] | 0x20) && strlen(names[i]) == length &&
			strncasecmp(names[i], line, length) == 0)
			return i;
	return -1;
}

bool control_next(
	struct lines *lines, const char *const *names, const char **values, struct arena *arena)
{
	bool any = false;
	int field = -1;

	for (int i = 0; names[i]; i++)
		values[i] = NULL;
	while (lines_next(lines)) {
		char *line = lines->line, *colon;

		if (line[0] == '#')
			continue;
		if (is_blank(line)) {
			if (any)
				return true;
			continue;
		}
		any = true;
		if (line[0] == ' ' || line[0] == '\t') {
			if (field >= 0 && strlen(values[field]) < CONTINUED_BYTES)
				values[field] = arena_printf(
					arena, "%s\n%s", values[field], text_trim(line));
			continue;
		}
		colon = memchr(line, ':', lines->length);
		field = colon ? find_field(line, colon, names) : -1;
		if (field >= 0) {
			char *value = text_trim(colon + 1);

			values[field] = arena_copy(arena, value, strlen(value));
		}
	}
	return any;
}
