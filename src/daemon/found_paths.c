// SPDX-License-Identifier: Apache-2.0
#include "daemon/found_paths.h"

#include <string.h>

void found_paths_add(struct text *text, const char *category, const char *path)
{
	if (path && *path && !strpbrk(path, "\n\r") && !strpbrk(category, "\t\n\r"))
		text_printf(text, "%s\t%s\n", category, path);
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

struct config_list *found_paths_read(char *text, size_t *n, struct arena *arena)
{
	size_t lines = count_lines(text), n_values = 0;
	struct config_list *lists = arena_zero(arena, (lines + 1) * sizeof(*lists));
	const char **values = arena_zero(arena, (2 * lines + 1) * sizeof(*values));
	char *line;

	*n = 0;
	while ((line = text_line(&text))) {
		char *tab = strchr(line, '\t');

		if (!tab)
			continue;
		*tab = '\0';
		// the paths of a category stand together
		if (*n == 0 || strcmp(lists[*n - 1].name, line) != 0) {
			n_values += *n > 0; // the NULL of the one before
			lists[(*n)++] = (struct config_list){ line, &values[n_values] };
		}
		values[n_values++] = tab + 1;
	}
	return lists;
}
