// SPDX-License-Identifier: Apache-2.0
#include "config/loader.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "config/locate.h"

void *list_grow(struct arena *arena, void *items, size_t *room, size_t item_bytes)
{
	size_t larger = *room ? *room * 2 : 8;
	void *grown = arena_alloc(arena, larger * item_bytes);

	if (*room)
		memcpy(grown, items, *room * item_bytes);
	*room = larger;
	return grown;
}

// ---- warnings ----

void loader_say(struct loader *loader, const char *sentence)
{
	if (loader->warnings.n == WARNINGS_MAX) {
		loader->n_unsaid++;
		return;
	}
	*list_add(loader->arena, &loader->warnings) = arena_copy(
		loader->arena, sentence, strlen(sentence));
}

void loader_warn(struct loader *loader, const struct node *node, const char *format, ...)
{
	auto_text struct text sentence = { 0 };
	char reason[512];
	va_list arguments;

	// finding the place costs a walk over the text
	if (loader->warnings.n == WARNINGS_MAX) {
		loader->n_unsaid++;
		return;
	}
	va_start(arguments, format);
	(void) vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	node_add_place(node, true, &sentence);
	text_printf(&sentence, ": %s", reason);
	loader_say(loader, sentence.bytes);
}

void loader_refuse(struct loader *loader, const struct node *node, const char *wanted)
{
	auto_text struct text shown = { 0 };

	node_show(node, &shown);
	loader_warn(loader, node, "%s is no %s", shown.bytes ? shown.bytes : "", wanted);
}

// ---- values ----

const char *loader_text(struct loader *loader, const struct node *node)
{
	size_t length;
	const char *text = loader->json->text(node->value, &length);

	if (!text) {
		loader_refuse(loader, node, "text");
		return NULL;
	}
	if (memchr(text, '\0', length)) {
		loader_warn(loader, node, "the text holds a character of code 0");
		return NULL;
	}
	return arena_copy(loader->arena, text, length);
}

const char *loader_scalar(struct loader *loader, const struct node *node)
{
	enum json_kind kind = node_kind(node);
	auto_free char *printed = NULL;

	if (kind != IS_BOOL && kind != IS_NUMBER)
		return loader_text(loader, node);
	printed = loader->json->print(node->value);
	return printed ? arena_copy(loader->arena, printed, strlen(printed)) : NULL;
}

static bool parse_switch(const char *word, bool *truth)
{
	static const char *const words[2][5] = { { "false", "f", "0", "no", "n" },
		{ "true", "t", "1", "yes", "y" } };

	for (size_t i = 0; i < 10; i++) {
		if (strcasecmp(words[i / 5][i % 5], word) != 0)
			continue;
		*truth = i / 5;
		return true;
	}
	return false;
}

bool loader_switch(struct loader *loader, const struct node *node, bool *truth)
{
	const struct json_library *json = loader->json;
	const char *word;
	size_t length;
	double number;

	if (json->truth(node->value, truth))
		return true;
	if (json->real(node->value, &number)) {
		*truth = number != 0;
		return true;
	}
	word = json->text(node->value, &length);
	if (word && strlen(word) == length && parse_switch(word, truth))
		return true;
	loader_refuse(loader, node, "true or false");
	return false;
}

bool loader_number(const struct node *node, int64_t *number)
{
	const struct json_library *json = node->document->json;
	const char *text;
	size_t length;
	double real;

	if (json->integer(node->value, number))
		return true;
	if (json->real(node->value, &real)) {
		if (!(real > -0x1p63 && real < 0x1p63))
			return false;
		*number = (int64_t) real;
		return true;
	}
	text = json->text(node->value, &length);
	return text && strlen(text) == length && text_integer(text, 10, number) == 0;
}

void loader_texts(struct loader *loader, const struct node *array, struct texts *texts)
{
	struct node item;

	if (node_kind(array) != IS_ARRAY) {
		loader_refuse(loader, array, "list");
		return;
	}
	for (size_t i = 0; node_item(array, i, &item); i++) {
		const char *text = loader_text(loader, &item);

		if (text && *text)
			*list_add(loader->arena, texts) = text;
	}
}

const char *const *loader_end_texts(struct loader *loader, struct texts *texts)
{
	*list_add(loader->arena, texts) = NULL;
	return texts->items;
}

bool loader_wants_object(struct loader *loader, const struct node *node)
{
	if (node_kind(node) == IS_OBJECT)
		return true;
	loader_refuse(loader, node, "object");
	return false;
}

// ---- names ----

static const char *nearest(const char *name, const char *const *known)
{
	enum { CHANGES = 2, SHORTEST = 4 };
	const char *found = NULL;
	unsigned best = CHANGES + 1;

	if (strlen(name) < SHORTEST)
		return NULL;
	for (size_t i = 0; known[i]; i++)
		if (strcmp(name, known[i]) == 0)
			return NULL;
	for (; *known; known++) {
		unsigned distance = text_distance(name, *known);

		if (distance < best) {
			best = distance;
			found = *known;
		}
	}
	return found;
}

void loader_check_names(struct loader *loader, const struct node *object, const char *const *known)
{
	struct node member;
	void *place = NULL;

	while (node_next(object, &place, &member)) {
		const char *near = nearest(member.name, known);

		if (near)
			loader_warn(
				loader, &member, "this is not known; the nearest is \"%s\"", near);
	}
}

struct duplicates {
	struct loader *loader;
	const struct document *document;
};

static void say_duplicate(void *context, unsigned line, const char *name)
{
	struct duplicates *duplicates = context;
	auto_text struct text sentence = { 0 };

	text_printf(&sentence, "%s:%u: \"", duplicates->document->name, line);
	utf8_add_printable(&sentence, name, strlen(name));
	text_add_string(&sentence, "\" stands here again; the last one counts");
	loader_say(duplicates->loader, sentence.bytes);
}

void loader_check_duplicates(struct loader *loader, const struct document *document)
{
	struct duplicates duplicates = { .loader = loader, .document = document };

	if (document->duplicates)
		locate_duplicates(document->text, say_duplicate, &duplicates);
}
