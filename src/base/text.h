// SPDX-License-Identifier: Apache-2.0
#pragma once
// Text: a growing buffer, lines of a buffer, numbers, names that are nearly right.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// A growing text. All zero is the empty one; `bytes` is NUL-terminated once something was added.
struct text {
	char *bytes;
	size_t length;
	size_t room;
};

void text_add(struct text *text, const char *bytes, size_t length);
void text_add_string(struct text *text, const char *string);
void text_add_char(struct text *text, char character);
__attribute__((format(printf, 2, 3))) void text_printf(struct text *text, const char *format, ...);

// Makes the text longer by bytes that the caller writes: returns where they begin.
char *text_extend(struct text *text, size_t length);

// Forgets the content, keeps the memory.
void text_clear(struct text *text);
void text_done(struct text *text);
#define auto_text __attribute__((cleanup(text_done)))

// Cuts the next line off `*rest`: returns its start, replaces its newline by a NUL (and drops a
// carriage return before it), and moves `*rest` on. NULL when nothing is left.
char *text_line(char **rest);

// Cuts the next word off `*rest`: bytes up to one of `separators`, of which any number may stand
// before and after. NULL when nothing is left.
char *text_word(char **rest, const char *separators);

// Removes blanks, tabs and line ends at both ends, in place.
char *text_trim(char *string);

bool text_starts(const char *string, const char *prefix);
bool text_ends(const char *string, const char *suffix);

// Whether a list with commas has the name.
bool text_lists(const char *list, const char *name);

// The whole string as a number. -EINVAL if it is not one, -ERANGE if it does not fit. `base` as for
// strtol: 0 takes 0x… as hexadecimal and 0… as octal.
int text_integer(const char *string, int base, int64_t *value);
int text_unsigned(const char *string, int base, uint64_t *value);

// An IPv4 address as four numbers with dots, with its NUL. inet_ntop(3) takes five times as long,
// which is felt where there are many.
void text_ipv4(const unsigned char address[4], char text[16]);

// How many single changes (a letter added, lost, replaced, or two neighbours swapped) make `a` of
// `b`, upper and lower case alike. Stops counting above 3.
unsigned text_distance(const char *a, const char *b);
