// SPDX-License-Identifier: Apache-2.0
#include "base/json.h"

#include "base/utf8.h"

static size_t plain_length(const char *bytes, size_t length)
{
	size_t i = 0;

	while (i < length && (unsigned char) bytes[i] >= 0x20 && (unsigned char) bytes[i] < 0x7f &&
		bytes[i] != '"' && bytes[i] != '\\')
		i++;
	return i;
}

static void add_escaped(struct text *text, unsigned char byte)
{
	static const char shorthand[0x20] = {
		['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'
	};

	if (byte == '"' || byte == '\\')
		text_printf(text, "\\%c", byte);
	else if (byte < 0x20 && shorthand[byte])
		text_printf(text, "\\%c", shorthand[byte]);
	else
		text_printf(text, "\\u%04x", byte);
}

void json_add_string(struct text *text, const char *bytes, size_t length)
{
	text_add_char(text, '"');
	for (size_t i = 0; i < length;) {
		size_t plain = plain_length(bytes + i, length - i);
		uint32_t point;
		size_t size;

		text_add(text, bytes + i, plain);
		i += plain;
		if (i == length)
			break;

		size = utf8_decode(bytes + i, length - i, &point);
		if (size > 1 && utf8_is_control(point))
			text_printf(text, "\\u%04x", (unsigned) point);
		else if (size > 1)
			text_add(text, bytes + i, size);
		else if (size == 1)
			add_escaped(text, (unsigned char) bytes[i]);
		else
			text_printf(text, "\\\\x%02X", (unsigned char) bytes[i]);
		i += size ? size : 1;
	}
	text_add_char(text, '"');
}
