// SPDX-License-Identifier: Apache-2.0
#include "base/base64.h"

#include <errno.h>
#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_add(struct text *text, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;

	for (; length > 0; at += 3) {
		size_t n = length < 3 ? length : 3;
		uint32_t bits = (uint32_t) at[0] << 16 | (n > 1 ? (uint32_t) at[1] << 8 : 0) |
			(n > 2 ? at[2] : 0);
		char quad[4] = { alphabet[bits >> 18], alphabet[bits >> 12 & 63],
			n > 1 ? alphabet[bits >> 6 & 63] : '=', n > 2 ? alphabet[bits & 63] : '=' };

		text_add(text, quad, sizeof(quad));
		length -= n;
	}
}

int base64_decode(struct text *text, const char *encoded, size_t length)
{
	size_t before = text->length;
	uint32_t bits = 0;
	unsigned n = 0; // bits that wait

	while (length > 0 && (encoded[length - 1] == '=' || encoded[length - 1] == '\n'))
		length--;
	text_add(text, "", 0);
	for (size_t i = 0; i < length; i++) {
		const char *found = encoded[i] ? strchr(alphabet, encoded[i]) : NULL;

		if (encoded[i] == '\n' || encoded[i] == '\r')
			continue;
		if (!found) {
			text->length = before;
			return -EINVAL;
		}
		bits = bits << 6 | (uint32_t) (found - alphabet);
		n += 6;
		if (n >= 8) {
			n -= 8;
			text_add_char(text, (char) (bits >> n));
		}
	}
	if (n == 6) { // one character is no byte
		text->length = before;
		return -EINVAL;
	}
	return 0;
}
