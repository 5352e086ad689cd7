// SPDX-License-Identifier: Apache-2.0
#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static const char blanks[] = " \t\r\n\v\f";

static void make_room(struct text *text, size_t more)
{
	size_t needed = text->length + more + 1;
	size_t room = text->room ? text->room : 64;

	if (needed <= text->room)
		return;
	while (room < needed)
		room *= 2;
	text->bytes = must_resize(text->bytes, room);
	text->room = room;
}

void text_add(struct text *text, const char *bytes, size_t length)
{
	make_room(text, length);
	if (length > 0)
		memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
	text->bytes[text->length] = '\0';
}

char *text_extend(struct text *text, size_t length)
{
	char *end;

	make_room(text, length);
	end = text->bytes + text->length;
	text->length += length;
	text->bytes[text->length] = '\0';
	return end;
}

void text_add_string(struct text *text, const char *string)
{
	text_add(text, string, strlen(string));
}

void text_add_char(struct text *text, char character)
{
	text_add(text, &character, 1);
}

void text_printf(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(NULL, 0, format, arguments);
	va_end(arguments);
	if (length < 0)
		abort(); // a broken format string: our mistake

	make_room(text, (size_t) length);
	va_start(arguments, format);
	(void) vsnprintf(text->bytes + text->length, (size_t) length + 1, format, arguments);
	va_end(arguments);
	text->length += (size_t) length;
}

void text_clear(struct text *text)
{
	text->length = 0;
	if (text->bytes)
		text->bytes[0] = '\0';
}

void text_done(struct text *text)
{
	free(text->bytes);
	*text = (struct text){ 0 };
}

char *text_line(char **rest)
{
	char *line = *rest;
	char *end;

	if (!line || *line == '\0')
		return NULL;

	end = strchr(line, '\n');
	if (end) {
		*rest = end + 1;
	} else {
		end = line + strlen(line);
		*rest = end;
	}
	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	return line;
}

char *text_word(char **rest, const char *separators)
{
	char *word = *rest;
	size_t length;

	if (!word)
		return NULL;
	word += strspn(word, separators);
	if (*word == '\0')
		return NULL;

	length = strcspn(word, separators);
	*rest = word + length;
	if (word[length] != '\0') {
		word[length] = '\0';
		*rest += 1;
		*rest += strspn(*rest, separators);
	}
	return word;
}

char *text_trim(char *string)
{
	size_t length;

	string += strspn(string, blanks);
	length = strlen(string);
	while (length > 0 && strchr(blanks, string[length - 1]))
		length--;
	string[length] = '\0';
	return string;
}

bool text_starts(const char *string, const char *prefix)
{
	return strncmp(string, prefix, strlen(prefix)) == 0;
}

bool text_ends(const char *string, const char *suffix)
{
	size_t length = strlen(string), suffix_length = strlen(suffix);

	return length >= suffix_length && strcmp(string + length - suffix_length, suffix) == 0;
}

bool text_lists(const char *list, const char *name)
{
	size_t length = strlen(name);

	while (*list) {
		size_t size = strcspn(list, ",");

		if (size == length && strncmp(list, name, length) == 0)
			return true;
		list += size;
		list += *list == ',';
	}
	return false;
}

int text_integer(const char *string, int base, int64_t *value)
{
	char *end;
	long long number;

	errno = 0;
	number = strtoll(string, &end, base);
	if (end == string || *end != '\0')
		return -EINVAL;
	if (errno == ERANGE)
		return -ERANGE;
	*value = number;
	return 0;
}

int text_unsigned(const char *string, int base, uint64_t *value)
{
	unsigned long long number;
	char *end;

	// strtoull takes "-1" as the largest number
	if (strchr(string, '-'))
		return -EINVAL;
	errno = 0;
	number = strtoull(string, &end, base);
	if (end == string || *end != '\0')
		return -EINVAL;
	if (errno == ERANGE)
		return -ERANGE;
	*value = number;
	return 0;
}

void text_ipv4(const unsigned char address[4], char text[16])
{
	for (int i = 0; i < 4; i++) {
		unsigned part = address[i];

		if (part >= 100)
			*text++ = (char) ('0' + part / 100);
		if (part >= 10)
			*text++ = (char) ('0' + part / 10 % 10);
		*text++ = (char) ('0' + part % 10);
		*text++ = i < 3 ? '.' : '\0';
	}
}

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static bool same(char a, char b)
{
	return tolower((unsigned char) a) == tolower((unsigned char) b);
}

// The distance of Damerau and Levenshtein, with neighbours swapped at most once (optimal string
// alignment), over three rows of the matrix.
unsigned text_distance(const char *a, const char *b)
{
	enum { LONGEST = 63, FAR = 4 };
	unsigned rows[3][LONGEST + 1];
	size_t n = strlen(a), m = strlen(b);

	if (n > LONGEST || m > LONGEST || n > m + FAR || m > n + FAR)
		return FAR;

	for (size_t j = 0; j <= m; j++)
		rows[0][j] = (unsigned) j;
	for (size_t i = 1; i <= n; i++) {
		unsigned *row = rows[i % 3];
		const unsigned *above = rows[(i + 2) % 3];
		const unsigned *over = rows[(i + 1) % 3];

		row[0] = (unsigned) i;
		for (size_t j = 1; j <= m; j++) {
			row[j] = least(above[j] + 1, row[j - 1] + 1,
				above[j - 1] + !same(a[i - 1], b[j - 1]));
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], over[j - 2] + 1, FAR);
		}
	}
	return rows[n % 3][m] < FAR ? rows[n % 3][m] : FAR;
}
