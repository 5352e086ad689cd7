// SPDX-License-Identifier: Apache-2.0
// Reads the text of audit records.
#include "events/audit_record.h"

#include <linux/audit.h>
#include <string.h>

static int digit_of(char character)
{
	if (character >= '0' && character <= '9')
		return character - '0';
	if (character >= 'A' && character <= 'F')
		return character - 'A' + 10;
	if (character >= 'a' && character <= 'f')
		return character - 'a' + 10;
	return -1;
}

// Digits of the base from the beginning; `*at` is moved behind them.
static uint64_t number_at(struct audit_text text, size_t *at, int base)
{
	uint64_t number = 0;

	for (; *at < text.length; (*at)++) {
		int digit = digit_of(text.bytes[*at]);

		if (digit < 0 || digit >= base)
			break;
		number = number * (unsigned) base + (unsigned) digit;
	}
	return number;
}

static bool skip(struct audit_text text, size_t *at, const char *expected)
{
	size_t length = strlen(expected);

	if (text.length - *at < length || memcmp(text.bytes + *at, expected, length) != 0)
		return false;
	*at += length;
	return true;
}

bool audit_cut_stamp(struct audit_text *record, struct audit_stamp *stamp)
{
	size_t at = 0;
	uint64_t seconds, milliseconds;

	if (!skip(*record, &at, "audit("))
		return false;
	seconds = number_at(*record, &at, 10);
	if (!skip(*record, &at, "."))
		return false;
	milliseconds = number_at(*record, &at, 10);
	if (!skip(*record, &at, ":"))
		return false;
	stamp->serial = number_at(*record, &at, 10);
	if (!skip(*record, &at, "):"))
		return false;
	(void) skip(*record, &at, " ");
	if (seconds > INT32_MAX * 4LL || milliseconds > 999)
		return false;
	stamp->time_ns = (int64_t) (seconds * 1000 + milliseconds) * 1000000;
	record->bytes += at;
	record->length -= at;
	return true;
}

// The length of a value in quotes up to the closing one. Double quotes never hold their like. What
// programs say stands in single quotes and may hold them: the last one closes.
static size_t quoted_length(struct audit_text rest, char quote)
{
	const char *end = quote == '"' ? memchr(rest.bytes, quote, rest.length)
				       : memrchr(rest.bytes, quote, rest.length);

	return end ? (size_t) (end - rest.bytes) : rest.length;
}

static bool is_blank(char character)
{
	return character == ' ' || character == '\n' || character == '\0' || character == '\x1d';
}

static void advance(struct audit_text *rest, size_t length)
{
	rest->bytes += length;
	rest->length -= length;
}

static void cut_value(struct audit_text *rest, struct audit_pair *pair)
{
	size_t length = 0;

	pair->quote = 0;
	if (rest->length > 0 && (rest->bytes[0] == '"' || rest->bytes[0] == '\'')) {
		pair->quote = rest->bytes[0];
		advance(rest, 1);
		length = quoted_length(*rest, pair->quote);
		pair->value = (struct audit_text){ rest->bytes, length };
		advance(rest, length < rest->length ? length + 1 : length);
		return;
	}
	while (length < rest->length && !is_blank(rest->bytes[length]))
		length++;
	pair->value = (struct audit_text){ rest->bytes, length };
	advance(rest, length);
}

bool audit_next_pair(struct audit_text *rest, struct audit_pair *pair)
{
	while (rest->length > 0) {
		size_t length = 0;

		while (length < rest->length && rest->bytes[length] != '=' &&
			!is_blank(rest->bytes[length]))
			length++;
		if (length > 0 && length < rest->length && rest->bytes[length] == '=') {
			pair->name = (struct audit_text){ rest->bytes, length };
			advance(rest, length + 1);
			cut_value(rest, pair);
			return true;
		}
		advance(rest, length < rest->length ? length + 1 : length);
	}
	return false;
}

bool audit_name_is(const struct audit_pair *pair, const char *name)
{
	size_t length = strlen(name);

	return pair->name.length == length && memcmp(pair->name.bytes, name, length) == 0;
}

bool audit_find(struct audit_text record, const char *name, struct audit_pair *pair)
{
	while (audit_next_pair(&record, pair))
		if (audit_name_is(pair, name))
			return true;
	return false;
}

int64_t audit_decimal(const struct audit_pair *pair)
{
	bool negative = pair->value.length > 0 && pair->value.bytes[0] == '-';
	size_t at = negative;
	uint64_t number = number_at(pair->value, &at, 10);

	return (int64_t) (negative ? 0 - number : number);
}

uint64_t audit_hexadecimal(const struct audit_pair *pair)
{
	size_t at = 0;

	(void) skip(pair->value, &at, "0x");
	return number_at(pair->value, &at, 16);
}

uint64_t audit_octal(const struct audit_pair *pair)
{
	size_t at = 0;

	return number_at(pair->value, &at, 8);
}

size_t audit_unhex(struct audit_text digits, void *bytes, size_t size)
{
	unsigned char *byte = bytes;
	size_t length = digits.length / 2;

	if (digits.length % 2)
		return 0;
	if (length > size)
		length = size;
	for (size_t i = 0; i < length; i++) {
		int high = digit_of(digits.bytes[2 * i]), low = digit_of(digits.bytes[2 * i + 1]);

		if (high < 0 || low < 0)
			return 0;
		byte[i] = (unsigned char) (high << 4 | low);
	}
	return length;
}

char *audit_decode(const struct audit_pair *pair, struct arena *arena, size_t *length)
{
	char *text = arena_copy(arena, pair->value.bytes, pair->value.length);
	size_t bytes = pair->value.length;

	if (!pair->quote && pair->value.length >= 2) {
		size_t decoded = audit_unhex(pair->value, text, bytes);

		if (decoded > 0)
			bytes = decoded;
		else if (bytes == 6 && memcmp(pair->value.bytes, "(null)", 6) == 0)
			bytes = 0;
		else
			memcpy(text, pair->value.bytes, bytes); // half of it may be overwritten
		text[bytes] = '\0';
	}
	if (length)
		*length = bytes;
	return text;
}

const char *audit_type_name(int type)
{
	static const struct {
		int type;
		const char *name;
	} names[] = {
#define NAME(name) { AUDIT_##name, #name }
		NAME(SYSCALL),
		NAME(PATH),
		NAME(SOCKADDR),
		NAME(CWD),
		NAME(EXECVE),
		NAME(EOE),
		NAME(SECCOMP),
		NAME(PROCTITLE),
		NAME(AVC),
		NAME(SELINUX_ERR),
		NAME(AVC_PATH),
		NAME(MAC_POLICY_LOAD),
		NAME(MAC_STATUS),
		NAME(MAC_CONFIG_CHANGE),
		NAME(MAC_UNLBL_ALLOW),
		NAME(MAC_CIPSOV4_ADD),
		NAME(MAC_CIPSOV4_DEL),
		NAME(MAC_MAP_ADD),
		NAME(MAC_MAP_DEL),
		NAME(MAC_IPSEC_EVENT),
		NAME(MAC_UNLBL_STCADD),
		NAME(MAC_UNLBL_STCDEL),
		NAME(MAC_CALIPSO_ADD),
		NAME(MAC_CALIPSO_DEL),
#undef NAME
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type)
			return names[i].name;
	return NULL;
}
