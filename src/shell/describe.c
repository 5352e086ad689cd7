// SPDX-License-Identifier: Apache-2.0
// What tables, functions and flags say of themselves, as JSON: for the reference pages, for tests,
// and for whoever builds something on top.
#include <string.h>

#include "base/json.h"
#include "shell/session.h"

static void add_key(struct text *text, const char *name)
{
	char last = text->length > 0 ? text->bytes[text->length - 1] : '\0';

	text_add_string(text, last == '{' ? "" : ", ");
	json_add_string(text, name, strlen(name));
	text_add_string(text, ": ");
}

static void add_string(struct text *text, const char *name, const char *value)
{
	add_key(text, name);
	json_add_string(text, value ? value : "", value ? strlen(value) : 0);
}

struct word {
	unsigned bit;
	const char *text;
};

static void add_words(
	struct text *text, const char *name, unsigned bits, const struct word *words, size_t n)
{
	const char *separator = "";

	add_key(text, name);
	text_add_char(text, '[');
	for (size_t i = 0; i < n; i++) {
		if (!(bits & words[i].bit))
			continue;
		text_add_string(text, separator);
		json_add_string(text, words[i].text, strlen(words[i].text));
		separator = ", ";
	}
	text_add_char(text, ']');
}

static void add_column(struct text *text, const struct column *column)
{
	static const char *const types[] = { [TEXT] = "TEXT",
		[INTEGER] = "INTEGER",
		[BIGINT] = "BIGINT",
		[UNSIGNED_BIGINT] = "UNSIGNED BIGINT",
		[DOUBLE] = "DOUBLE" };
	static const struct word options[] = { { INDEX, "index" }, { REQUIRED, "required" },
		{ ADDITIONAL, "additional" }, { OPTIMIZED, "optimized" }, { HIDDEN, "hidden" } };

	text_add_char(text, '{');
	add_string(text, "name", column->name);
	add_string(text, "type", types[column->type]);
	add_string(text, "about", column->about);
	add_words(text, "options", column->options, options, sizeof(options) / sizeof(options[0]));
	add_string(text, "alias", column->alias);
	text_add_char(text, '}');
}

static void add_table(struct text *text, const struct table *table)
{
	static const struct word attributes[] = { { USER_DATA, "user_data" },
		{ CACHEABLE, "cacheable" }, { EVENT_BASED, "event_subscriber" },
		{ UTILITY, "utility" } };

	text_add_char(text, '{');
	add_string(text, "name", table->name);
	add_string(text, "about", table->about);
	add_string(text, "alias", table->alias);
	add_words(text, "attributes", table->attributes, attributes,
		sizeof(attributes) / sizeof(attributes[0]));
	add_key(text, "columns");
	text_add_char(text, '[');
	for (size_t i = 0; i < table->n_columns; i++) {
		text_add_string(text, i ? ",\n  " : "\n  ");
		add_column(text, &table->columns[i]);
	}
	text_add_char(text, ']');
	add_key(text, "examples");
	text_add_char(text, '[');
	for (size_t i = 0; table->examples && table->examples[i]; i++) {
		text_add_string(text, i ? ", " : "");
		json_add_string(text, table->examples[i], strlen(table->examples[i]));
	}
	text_add_string(text, "]}");
}

void session_describe(struct session *session, const char *prefix)
{
	auto_text struct text text = { 0 };
	bool any = false;

	text_add_char(&text, '[');
	for (size_t i = 0; i < sql_n_tables(session->sql); i++) {
		const struct table *table = sql_table(session->sql, i);

		if (!text_starts(table->name, prefix))
			continue;
		text_add_string(&text, any ? ",\n" : "");
		add_table(&text, table);
		any = true;
	}
	text_add_string(&text, "]\n");
	(void) fwrite(text.bytes, 1, text.length, session->printer.file);
}
