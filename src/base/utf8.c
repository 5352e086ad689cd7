// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include <locale.h>
#include <stdbool.h>
#include <string.h>
#include <wchar.h>

size_t utf8_decode(const char *bytes, size_t length, uint32_t *point)
{
	const unsigned char *at = (const unsigned char *) bytes;
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t size;
	uint32_t value;

	if (at[0] < 0x80) {
		*point = at[0];
		return 1;
	}
	if (at[0] >= 0xc2 && at[0] <= 0xdf)
		size = 2;
	else if (at[0] >= 0xe0 && at[0] <= 0xef)
		size = 3;
	else if (at[0] >= 0xf0 && at[0] <= 0xf4)
		size = 4;
	else
		return 0;
	if (size > length)
		return 0;

	value = at[0] & (0x7fu >> size);
	for (size_t i = 1; i < size; i++) {
		if ((at[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (at[i] & 0x3fu);
	}
	if (value < least[size] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*point = value;
	return size;
}

size_t utf8_cut(const char *bytes, size_t length, size_t most)
{
	if (length <= most)
		return length;
	// the byte after a cut must not continue a character; more than three that do are none
	for (size_t back = 0; back <= 3; back++)
		if (((unsigned char) bytes[most - back] & 0xc0) != 0x80)
			return most - back;
	return most;
}

size_t utf8_clean(const char *bytes, size_t length)
{
	const uint64_t each = 0x0101010101010101u;
	size_t i = 0;

	while (i < length) {
		uint64_t word;
		uint32_t point;
		size_t size;

		while (i + sizeof(word) <= length) {
			memcpy(&word, bytes + i, sizeof(word));
			if (((word - each * 0x20) | word) & each * 0x80)
				break;
			i += sizeof(word);
		}
		if (i == length)
			break;
		size = utf8_decode(bytes + i, length - i, &point);
		if (size == 0 || point < 0x20)
			break;
		i += size;
	}
	return i;
}

bool utf8_is_control(uint32_t point)
{
	return point < 0x20 || (point >= 0x7f && point <= 0x9f) ||
		(point >= 0x200e && point <= 0x200f) || (point >= 0x2028 && point <= 0x202e) ||
		(point >= 0x2066 && point <= 0x2069) || point == 0xfeff;
}

bool utf8_is_ascii(const char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char) bytes[i] < 0x20 || (unsigned char) bytes[i] >= 0x7f)
			return false;
	return true;
}

// wcwidth needs a locale that knows the character; glibc carries C.UTF-8 itself.
static size_t foreign_width(const char *bytes, size_t length)
{
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t) 0);
	locale_t before = utf8 ? uselocale(utf8) : (locale_t) 0;
	size_t width = 0;

	for (size_t i = 0; i < length;) {
		uint32_t point;
		size_t size = utf8_decode(bytes + i, length - i, &point);
		int columns = 1;

		if (size == 0)
			columns = 4;
		else if (utf8_is_control(point))
			columns = 4 * (int) size;
		else if (utf8)
			columns = wcwidth((wchar_t) point);
		width += columns < 0 ? 1 : (size_t) columns;
		i += size ? size : 1;
	}
	if (utf8) {
		(void) uselocale(before);
		freelocale(utf8);
	}
	return width;
}

size_t utf8_width(const char *bytes, size_t length)
{
	return utf8_is_ascii(bytes, length) ? length : foreign_width(bytes, length);
}

bool utf8_is_printable(const char *bytes, size_t length)
{
	if (utf8_is_ascii(bytes, length))
		return true;
	for (size_t i = 0; i < length;) {
		uint32_t point;
		size_t size = utf8_decode(bytes + i, length - i, &point);

		if (size == 0 || utf8_is_control(point))
			return false;
		i += size;
	}
	return true;
}

void utf8_add_printable(struct text *text, const char *bytes, size_t length)
{
	if (utf8_is_ascii(bytes, length)) {
		text_add(text, bytes, length);
		return;
	}
	for (size_t i = 0; i < length;) {
		uint32_t point;
		size_t size = utf8_decode(bytes + i, length - i, &point);

		if (size > 0 && !utf8_is_control(point)) {
			text_add(text, bytes + i, size);
			i += size;
			continue;
		}
		size = size ? size : 1;
		for (size_t end = i + size; i < end; i++)
			text_printf(text, "\\x%02X", (unsigned char) bytes[i]);
	}
}
