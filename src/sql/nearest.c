// SPDX-License-Identifier: Apache-2.0
// "no such table: proceses" is answered with the nearest name that exists.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sql/internal.h"

struct guess {
	const char *name; // what was asked for
	const char *nearest;
	unsigned distance;
};

static void consider(struct guess *guess, const char *candidate)
{
	unsigned distance = text_distance(guess->name, candidate);

	if (distance < guess->distance && distance < strlen(guess->name)) {
		guess->distance = distance;
		guess->nearest = candidate;
	}
}

// Of the tables that the statement names.
static void consider_columns(const struct sql *sql, const char *text, struct guess *guess)
{
	for (const char *at = text; *at;) {
		size_t length = strspn(
			at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
		char word[64];
		const struct table *table;

		if (length == 0 || length >= sizeof(word)) {
			at += length ? length : 1;
			continue;
		}
		memcpy(word, at, length);
		word[length] = '\0';
		at += length;
		table = sql_find_table(sql, word);
		for (size_t i = 0; table && i < table->n_columns; i++)
			consider(guess, table->columns[i].name);
	}
}

void nearest_explain(struct sql *sql, const char *text, const char *message, struct text *explained)
{
	static const char no_table[] = "no such table: ", no_column[] = "no such column: ";
	struct guess guess = { .distance = 4 };
	const char *dot;

	text_add_string(explained, message);
	if (text_starts(message, no_table)) {
		guess.name = message + strlen(no_table);
		dot = strchr(guess.name, '.');
		guess.name = dot ? dot + 1 : guess.name;
		for (size_t i = 0; i < sql->n_entries; i++)
			consider(&guess, sql->entries[i]->table->name);
	} else if (text_starts(message, no_column) && text) {
		guess.name = message + strlen(no_column);
		dot = strrchr(guess.name, '.');
		guess.name = dot ? dot + 1 : guess.name;
		consider_columns(sql, text, &guess);
	}
	if (guess.nearest)
		text_printf(explained, " (did you mean %s?)", guess.nearest);
}
