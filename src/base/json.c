// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include <stdbool.h>
#include <string.h>
#if defined(__SSE2__) && !defined(JSON_WITHOUT_VECTORS)
#include <emmintrin.h>
#endif

#include "base/utf8.h"

// Plain bytes stand in JSON as they are: 0x20 to 0x7e but for quote and backslash.
static bool is_plain(unsigned char byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

#define EACH(byte) (0x0101010101010101u * (byte))

// A word whose lowest bit that is set lies in the first byte that is not plain; 0: all are.
// Subtracting may borrow from the byte above, which can only mark bytes after the first.
static uint64_t find_special(uint64_t word)
{
	uint64_t quote = word ^ EACH('"'), backslash = word ^ EACH('\\');
	uint64_t below = (word - EACH(0x20)) | (quote - EACH(1)) | (backslash - EACH(1));
	uint64_t found = (below & ~word) | (word + EACH(1)) | word;

	return found & EACH(0x80);
}

static uint64_t load_word(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? word : __builtin_bswap64(word);
}

// Copies fewer than 16 bytes as long as they are plain, and perhaps some more: how many are good.
// Two loads that overlap do for any length, which for the short values that most rows have is
// faster than a loop.
static size_t copy_short(char *to, const char *from, size_t length)
{
	size_t i = 0;

	if (length >= 8) {
		uint64_t first = find_special(load_word(from));
		uint64_t last = find_special(load_word(from + length - 8));

		memcpy(to, from, 8);
		if (first)
			return (size_t) __builtin_ctzll(first) / 8;
		memcpy(to + length - 8, from + length - 8, 8);
		return last ? length - 8 + (size_t) __builtin_ctzll(last) / 8 : length;
	}
	if (length >= 4) {
		uint32_t first, last;

		memcpy(&first, from, 4);
		memcpy(&last, from + length - 4, 4);
		if (!find_special((uint64_t) last << 32 | first)) {
			memcpy(to, &first, 4);
			memcpy(to + length - 4, &last, 4);
			return length;
		}
	}
	while (i < length && is_plain((unsigned char) from[i])) {
		to[i] = from[i];
		i++;
	}
	return i;
}

// Copies the bytes up to the first that is not plain, and perhaps some after it: how many are good.
static size_t copy_plain(char *to, const char *from, size_t length)
{
	size_t i = 0;

#if defined(__SSE2__) && !defined(JSON_WITHOUT_VECTORS)
	for (; i + 16 <= length; i += 16) {
		__m128i bytes = _mm_loadu_si128((const __m128i *) (const void *) (from + i));
		// as signed numbers, bytes from 0x80 on are below 0x20, too
		__m128i special = _mm_or_si128(_mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)),
			_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(0x7f)),
				_mm_or_si128(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('"')),
					_mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\')))));
		unsigned found = (unsigned) _mm_movemask_epi8(special);

		_mm_storeu_si128((__m128i *) (void *) (to + i), bytes);
		if (found)
			return i + (size_t) __builtin_ctz(found);
	}
#else
	for (; i + 16 <= length; i += 8) {
		uint64_t found = find_special(load_word(from + i));

		memcpy(to + i, from + i, 8);
		if (found)
			return i + (size_t) __builtin_ctzll(found) / 8;
	}
#endif
	return i + copy_short(to + i, from + i, length - i);
}

static const char lower[] = "0123456789abcdef";
static const char upper[] = "0123456789ABCDEF";

static char *put_point(char *to, uint32_t point)
{
	memcpy(to, "\\u", 2);
	to[2] = lower[point >> 12 & 15];
	to[3] = lower[point >> 8 & 15];
	to[4] = lower[point >> 4 & 15];
	to[5] = lower[point & 15];
	return to + 6;
}

static char *put_ascii(char *to, unsigned char byte)
{
	static const char shorthand[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};

	if (byte == 0x7f || (byte < 0x20 && !shorthand[byte]))
		return put_point(to, byte);
	*to++ = '\\';
	*to++ = byte < 0x20 ? shorthand[byte] : (char) byte;
	return to;
}

static char *put_wrong(char *to, unsigned char byte)
{
	memcpy(to, "\\\\x", 3);
	to[3] = upper[byte >> 4];
	to[4] = upper[byte & 15];
	return to + 5;
}

char *json_put(char *to, const char *bytes, size_t length)
{
	const char *end = bytes + length;

	for (;;) {
		size_t plain = copy_plain(to, bytes, (size_t) (end - bytes));

		to += plain;
		bytes += plain;
		if (bytes == end)
			return to;
		do {
			uint32_t point;
			size_t size = utf8_decode(bytes, (size_t) (end - bytes), &point);

			if (size == 1)
				to = put_ascii(to, (unsigned char) *bytes);
			else if (size == 0)
				to = put_wrong(to, (unsigned char) *bytes);
			else if (utf8_is_control(point))
				to = put_point(to, point);
			else
				for (size_t i = 0; i < size; i++)
					*to++ = bytes[i];
			bytes += size ? size : 1;
		} while (bytes < end && !is_plain((unsigned char) *bytes));
	}
}

void json_add_string(struct text *text, const char *bytes, size_t length)
{
	enum { PIECE = 4096 }; // room is taken for the worst case

	text_add_char(text, '"');
	while (length > 0) {
		size_t size = utf8_cut(bytes, length, PIECE), before = text->length;
		char *to = text_extend(text, JSON_ROOM(size));

		text->length = before + (size_t) (json_put(to, bytes, size) - to);
		bytes += size;
		length -= size;
	}
	text_add_char(text, '"');
}
