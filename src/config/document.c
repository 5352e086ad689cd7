// SPDX-License-Identifier: Apache-2.0
#include "config/document.h"

#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "config/locate.h"

enum { STEPS = DOCUMENT_DEPTH + 1, SHOWN_BYTES = 60 };

// ---- text ----

static bool is_blank(char character)
{
	return character && strchr(" \t\r\n\v\f", character);
}

static bool is_comment(const char *line, size_t length)
{
	return (length > 0 && line[0] == '#') || (length > 1 && line[0] == '/' && line[1] == '/');
}

// Cuts a line off, with those that a backslash at the end joins to it; returns how many newlines
// it had.
static unsigned cut_line(const char **at, const char *end, struct text *line)
{
	unsigned newlines = 0;
	bool joined = true;

	text_clear(line);
	while (joined && *at < end) {
		const char *newline = memchr(*at, '\n', (size_t) (end - *at));
		size_t length = (size_t) ((newline ? newline : end) - *at);
		size_t kept = length;

		newlines += newline != NULL;
		if (newline && kept > 0 && (*at)[kept - 1] == '\r') // of a file from Windows
			kept--;
		joined = newline && kept > 0 && (*at)[kept - 1] == '\\';
		text_add(line, *at, joined ? kept - 1 : length);
		*at += newline ? length + 1 : length;
	}
	return newlines;
}

// Takes out what is no JSON: comment lines, joined lines. Lines keep their numbers. Returns how
// many bytes were kept.
static size_t strip(const char *bytes, size_t length, struct text *stripped)
{
	static const char mark[] = "\xef\xbb\xbf"; // which editors may leave before UTF-8
	auto_text struct text line = { 0 };
	const char *at = bytes, *end = bytes + length;
	size_t kept_bytes = 0;

	text_add(stripped, "", 0);
	if (length >= strlen(mark) && memcmp(bytes, mark, strlen(mark)) == 0)
		at += strlen(mark);
	while (at < end) {
		unsigned newlines = cut_line(&at, end, &line);
		size_t from = 0, to = line.length;

		while (from < to && is_blank(line.bytes[from]))
			from++;
		while (to > from && is_blank(line.bytes[to - 1]))
			to--;
		if (to > from && !is_comment(line.bytes + from, to - from)) {
			text_add(stripped, line.bytes + from, to - from);
			kept_bytes += to - from + 1;
		}
		for (; newlines > 0; newlines--)
			text_add_char(stripped, '\n');
	}
	return kept_bytes;
}

// ---- the document ----

void document_done(struct document *document)
{
	if (document->root)
		document->json->free(document->root);
	document->root = NULL;
}

static int refuse_syntax(
	const struct document *document, const struct json_mistake *mistake, struct fault *why)
{
	auto_text struct text reason = { 0 };

	utf8_add_printable(&reason, mistake->text, strlen(mistake->text));
	return fail(why, -EINVAL, "%s:%u: %s", document->name, mistake->line, reason.bytes);
}

static int parse(struct document *document, struct fault *why)
{
	const struct json_library *json = document->json;
	unsigned deep = locate_depth(document->text, document->length, DOCUMENT_DEPTH);
	struct json_mistake mistake;

	if (deep)
		return fail(why, -EINVAL, "%s:%u: more than %d levels of brackets", document->name,
			deep, DOCUMENT_DEPTH);
	if (document->text[strspn(document->text, " \t\r\n")] == '\0')
		return fail(why, -EINVAL, "%s:1: it is empty; a configuration is an object, {...}",
			document->name);
	document->root = json->parse(document->text, document->length, JSON_UNIQUE, &mistake);
	if (!document->root && mistake.duplicate) {
		document->duplicates = true;
		document->root = json->parse(document->text, document->length, 0, &mistake);
	}
	if (!document->root)
		return refuse_syntax(document, &mistake, why);
	if (!json->is_object(document->root)) {
		document_done(document);
		return fail(why, -EINVAL, "%s:%u: a configuration is an object, {...}",
			document->name, locate_line(document->text, NULL, 0));
	}
	return 0;
}

int document_parse(struct document *document, const struct json_library *json, const char *name,
	const char *bytes, size_t length, struct arena *arena, struct fault *why)
{
	auto_text struct text stripped = { 0 };
	auto_text struct text printable = { 0 };
	int r;

	utf8_add_printable(&printable, name, strlen(name));
	*document = (struct document){ .json = json };
	document->name = printable.bytes ? arena_copy(arena, printable.bytes, printable.length)
					 : "";
	if (length > DOCUMENT_RAW_BYTES)
		return fail(why, -EFBIG, "%s: it has more than %d MiB", document->name,
			DOCUMENT_RAW_BYTES >> 20);
	if (strip(bytes, length, &stripped) > DOCUMENT_BYTES)
		return fail(why, -EFBIG, "%s: it has more than %d MiB without comments",
			document->name, DOCUMENT_BYTES >> 20);
	document->text = stripped.bytes;
	document->length = stripped.length;
	r = parse(document, why);
	if (r < 0)
		return r;
	document->text = arena_copy(arena, stripped.bytes, stripped.length);
	return 0;
}

// ---- values ----

struct node node_root(const struct document *document)
{
	return (struct node){ .document = document, .value = document->root };
}

bool node_member(const struct node *object, const char *name, struct node *member)
{
	const struct json_library *json = object->document->json;

	*member = (struct node){ .document = object->document,
		.above = object,
		.name = name,
		.value = json->member(object->value, name) };
	return member->value && json->kind(member->value) != IS_NULL;
}

bool node_next(const struct node *object, void **place, struct node *member)
{
	*member = (struct node){ .document = object->document, .above = object };
	member->value = object->document->json->next(object->value, place, &member->name);
	return member->value != NULL;
}

bool node_item(const struct node *array, size_t index, struct node *item)
{
	*item = (struct node){ .document = array->document,
		.above = array,
		.index = index,
		.value = array->document->json->item(array->value, index) };
	return item->value != NULL;
}

enum json_kind node_kind(const struct node *node)
{
	return node->document->json->kind(node->value);
}

void node_show(const struct node *node, struct text *text)
{
	auto_free char *printed = node->document->json->print(node->value);
	size_t length = printed ? strlen(printed) : 0;
	size_t shown = length;

	if (shown > SHOWN_BYTES)
		for (shown = SHOWN_BYTES; ((unsigned char) printed[shown] & 0xc0) == 0x80;)
			shown--;
	utf8_add_printable(text, printed, shown);
	if (shown < length)
		text_add_string(text, "...");
}

void node_add_place(const struct node *node, bool with_path, struct text *text)
{
	struct step steps[STEPS];
	size_t n = STEPS;

	for (const struct node *at = node; at->above && n > 0; at = at->above)
		steps[--n] = (struct step){ .name = at->name, .index = at->index };
	text_printf(text, "%s:%u", node->document->name,
		locate_line(node->document->text, steps + n, STEPS - n));
	if (!with_path || n == STEPS)
		return;
	text_add_string(text, ": ");
	for (size_t i = n; i < STEPS; i++) {
		if (!steps[i].name) {
			text_printf(text, "[%zu]", steps[i].index);
			continue;
		}
		if (i > n)
			text_add_char(text, '.');
		utf8_add_printable(text, steps[i].name, strlen(steps[i].name));
	}
}
