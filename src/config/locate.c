// SPDX-License-Identifier: Apache-2.0
#include "config/locate.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

struct cursor {
	const char *at;
	unsigned line;
};

static void skip_blanks(struct cursor *cursor)
{
	for (; *cursor->at && strchr(" \t\r\n", *cursor->at); cursor->at++)
		cursor->line += *cursor->at == '\n';
}

// The character that stands next, past blanks.
static char peek(struct cursor *cursor)
{
	skip_blanks(cursor);
	return *cursor->at;
}

// Passes over the sign if it stands next.
static bool accept(struct cursor *cursor, char sign)
{
	if (peek(cursor) != sign)
		return false;
	cursor->at++;
	return true;
}

static void skip_string(struct cursor *cursor)
{
	if (!accept(cursor, '"'))
		return;
	while (*cursor->at && *cursor->at != '"')
		cursor->at += cursor->at[0] == '\\' && cursor->at[1] ? 2 : 1;
	cursor->at += *cursor->at == '"';
}

static void skip_value(struct cursor *cursor)
{
	unsigned depth = 0;

	do {
		char sign = peek(cursor);

		if (sign == '\0')
			return;
		if (sign == '"') {
			skip_string(cursor);
			continue;
		}
		if (sign == '{' || sign == '[')
			depth++;
		else if (sign == '}' || sign == ']')
			depth--;
		else if (sign != ',' && sign != ':')
			cursor->at += strcspn(cursor->at, ",:[]{}\" \t\r\n") - 1;
		cursor->at++;
	} while (depth > 0);
}

// ---- names ----

static unsigned hexadecimal(const char *digits)
{
	char text[5] = { 0 };

	memcpy(text, digits, strnlen(digits, 4));
	return (unsigned) strtoul(text, NULL, 16);
}

static void add_point(struct text *text, uint32_t point)
{
	if (point < 0x80) {
		text_add_char(text, (char) point);
		return;
	}
	if (point < 0x800) {
		text_add_char(text, (char) (0xc0 | point >> 6));
	} else {
		if (point < 0x10000) {
			text_add_char(text, (char) (0xe0 | point >> 12));
		} else {
			text_add_char(text, (char) (0xf0 | point >> 18));
			text_add_char(text, (char) (0x80 | (point >> 12 & 0x3f)));
		}
		text_add_char(text, (char) (0x80 | (point >> 6 & 0x3f)));
	}
	text_add_char(text, (char) (0x80 | (point & 0x3f)));
}

// An escape; the backslash was read.
static void add_escape(struct text *text, const char **at)
{
	static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
	char letter = *(*at)++;
	const char *found = strchr(letters, letter);
	uint32_t point;

	if (letter != 'u') {
		text_add_char(text, found ? meanings[found - letters] : letter);
		return;
	}
	point = hexadecimal(*at);
	*at += strnlen(*at, 4);
	if (point >= 0xd800 && point < 0xdc00 && (*at)[0] == '\\' && (*at)[1] == 'u') {
		point = 0x10000 + ((point - 0xd800) << 10) + (hexadecimal(*at + 2) - 0xdc00);
		*at += 2 + strnlen(*at + 2, 4);
	}
	add_point(text, point);
}

// The name of a member, without its escapes.
static void read_name(struct cursor *cursor, struct text *name)
{
	text_clear(name);
	text_add(name, "", 0);
	if (!accept(cursor, '"'))
		return;
	while (*cursor->at && *cursor->at != '"') {
		char letter = *cursor->at++;

		if (letter == '\\' && *cursor->at)
			add_escape(name, &cursor->at);
		else
			text_add_char(name, letter);
	}
	cursor->at += *cursor->at == '"';
}

// ---- the way to a value ----

// Moves to the value of the member; `line` is that of its name.
static bool enter_member(struct cursor *cursor, const char *wanted, unsigned *line)
{
	auto_text struct text name = { 0 };
	struct cursor found = { 0 };

	if (!accept(cursor, '{'))
		return false;
	while (peek(cursor) == '"') {
		unsigned began = cursor->line;

		read_name(cursor, &name);
		(void) accept(cursor, ':');
		(void) peek(cursor);
		if (strcmp(name.bytes, wanted) == 0) {
			found = *cursor;
			*line = began;
		}
		skip_value(cursor);
		if (!accept(cursor, ','))
			break;
	}
	if (!found.at)
		return false;
	*cursor = found;
	return true;
}

static bool enter_item(struct cursor *cursor, size_t index, unsigned *line)
{
	if (!accept(cursor, '['))
		return false;
	for (; index > 0; index--) {
		skip_value(cursor);
		if (!accept(cursor, ','))
			return false;
	}
	(void) peek(cursor);
	*line = cursor->line;
	return true;
}

unsigned locate_line(const char *text, const struct step *steps, size_t n_steps)
{
	struct cursor cursor = { .at = text, .line = 1 };
	unsigned line;

	(void) peek(&cursor);
	line = cursor.line;
	for (size_t i = 0; i < n_steps; i++) {
		bool entered = steps[i].name ? enter_member(&cursor, steps[i].name, &line)
					     : enter_item(&cursor, steps[i].index, &line);

		if (!entered)
			break;
	}
	return line;
}

// ---- duplicates ----

struct member {
	char *name;
	unsigned line;
	size_t position;
};

struct search {
	struct cursor cursor;
	void (*found)(void *context, unsigned line, const char *name);
	void *context;
};

static int compare_members(const void *a, const void *b)
{
	const struct member *left = a, *right = b;
	int r = strcmp(left->name, right->name);

	return r ? r : (left->position > right->position) - (left->position < right->position);
}

static void search_value(struct search *search);

static void search_object(struct search *search)
{
	struct arena arena = { 0 };
	auto_free struct member *members = NULL;
	auto_text struct text name = { 0 };
	size_t n = 0, room = 0;

	while (peek(&search->cursor) == '"') {
		if (n == room) {
			room = room ? room * 2 : 16;
			members = must_resize(members, room * sizeof(*members));
		}
		members[n].line = search->cursor.line;
		members[n].position = n;
		read_name(&search->cursor, &name);
		members[n++].name = arena_copy(&arena, name.bytes, name.length);
		(void) accept(&search->cursor, ':');
		search_value(search);
		if (!accept(&search->cursor, ','))
			break;
	}
	(void) accept(&search->cursor, '}');
	if (n > 0)
		qsort(members, n, sizeof(*members), compare_members);
	for (size_t i = 1; i < n; i++)
		if (strcmp(members[i - 1].name, members[i].name) == 0)
			search->found(search->context, members[i].line, members[i].name);
	arena_done(&arena);
}

// The depth was limited before.
static void search_value(struct search *search)
{
	if (accept(&search->cursor, '{')) {
		search_object(search);
	} else if (accept(&search->cursor, '[')) {
		while (peek(&search->cursor) != ']' && peek(&search->cursor)) {
			search_value(search);
			if (!accept(&search->cursor, ','))
				break;
		}
		(void) accept(&search->cursor, ']');
	} else {
		skip_value(&search->cursor);
	}
}

void locate_duplicates(const char *text,
	void (*found)(void *context, unsigned line, const char *name), void *context)
{
	struct search search = {
		.cursor = { .at = text, .line = 1 }, .found = found, .context = context
	};

	search_value(&search);
}

// ---- depth ----

unsigned locate_depth(const char *text, size_t length, unsigned most)
{
	unsigned depth = 0, line = 1;
	bool in_string = false;

	for (size_t i = 0; i < length; i++) {
		char sign = text[i];

		line += sign == '\n';
		if (sign == '"')
			in_string = !in_string;
		else if (in_string && sign == '\\')
			i++;
		else if (!in_string && (sign == '{' || sign == '['))
			depth++;
		else if (!in_string && (sign == '}' || sign == ']') && depth > 0)
			depth--;
		if (depth > most)
			return line;
	}
	return 0;
}
