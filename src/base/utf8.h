// SPDX-License-Identifier: Apache-2.0
#pragma once
// UTF-8 as RFC 3629 defines it, and what may be shown of it.

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

// The length of the valid sequence at `bytes` (1 to 4) and its code point, or 0 if there is none.
// `length` must not be 0.
size_t utf8_decode(const char *bytes, size_t length, uint32_t *point);

// The most of the bytes, up to `most` (4 at least), that can be cut off without cutting a
// character.
size_t utf8_cut(const char *bytes, size_t length, size_t most);

// How many bytes from the first on are valid UTF-8 without control bytes below 0x20.
size_t utf8_clean(const char *bytes, size_t length);

// What must not reach a terminal: C0, DEL, C1, and the marks that reorder a line or hide in it
// (bidirectional controls, line and paragraph separators), by which a name could write over what
// stands beside it.
bool utf8_is_control(uint32_t point);

// The columns a terminal gives to a text: 0 for marks that combine, 2 for wide characters. Bytes
// that are not valid count as they are shown by utf8_add_printable.
size_t utf8_width(const char *bytes, size_t length);

// Adds the text with everything that must not reach a terminal (control characters, bytes that are
// no UTF-8) as \xHH.
void utf8_add_printable(struct text *text, const char *bytes, size_t length);

// Whether all bytes are printable ASCII, which is as wide as it is long.
bool utf8_is_ascii(const char *bytes, size_t length);

// Whether utf8_add_printable would add the text as it is.
bool utf8_is_printable(const char *bytes, size_t length);
