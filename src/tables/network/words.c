// SPDX-License-Identifier: Apache-2.0
#include "tables/network/words.h"

#include <string.h>

char *words_cut_comment(struct arena *arena, char *line)
{
	char *rest = strchr(line, '#');
	char *comment, *at;

	if (!rest)
		return NULL;
	*rest++ = '\0';
	comment = at = arena_alloc(arena, 3 * strlen(rest) + 1);
	for (char *part; (part = text_word(&rest, "#"));) {
		size_t length;

		part = text_trim(part);
		length = strlen(part);
		if (length == 0)
			continue;
		if (at > comment) {
			memcpy(at, " # ", 3);
			at += 3;
		}
		memcpy(at, part, length);
		at += length;
	}
	*at = '\0';
	return comment;
}

char *words_join(char *rest)
{
	char *joined = rest, *at = rest;

	for (char *word; (word = text_word(&rest, " \t"));) {
		size_t length = strlen(word);

		if (at > joined)
			*at++ = ' ';
		memmove(at, word, length);
		at += length;
	}
	*at = '\0';
	return joined;
}
