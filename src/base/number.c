// SPDX-License-Identifier: Apache-2.0
#include "base/number.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS = 15 }; // of a double

static const char pairs[] = "00010203040506070809"
			    "10111213141516171819"
			    "20212223242526272829"
			    "30313233343536373839"
			    "40414243444546474849"
			    "50515253545556575859"
			    "60616263646566676869"
			    "70717273747576777879"
			    "80818283848586878889"
			    "90919293949596979899";

// Writes the digits so that they end before `end`: where they begin.
static char *put_digits(char *end, uint64_t value)
{
	while (value >= 100) {
		end -= 2;
		memcpy(end, pairs + value % 100 * 2, 2);
		value /= 100;
	}
	if (value >= 10) {
		end -= 2;
		memcpy(end, pairs + value * 2, 2);
	} else {
		*--end = (char) ('0' + value);
	}
	return end;
}

size_t number_put_unsigned(char *text, uint64_t value)
{
	char digits[NUMBER_TEXT];
	char *begin = put_digits(digits + sizeof(digits), value);
	size_t length = (size_t) (digits + sizeof(digits) - begin);

	memcpy(text, begin, length);
	return length;
}

size_t number_put_integer(char *text, int64_t value)
{
	if (value >= 0)
		return number_put_unsigned(text, (uint64_t) value);
	*text = '-';
	return 1 + number_put_unsigned(text + 1, -(uint64_t) value);
}

static const uint64_t powers[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
	1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
	1000000000000000, 10000000000000000, 100000000000000000, 1000000000000000000 };

// `value` * 10^scale, rounded half to even, for a value in [1e-4, 1e15) and a scale up to 18:
// exact, because the 53 bits of the mantissa times 10^18 fit in 128.
static uint64_t scaled(double value, int scale)
{
	int exponent;
	uint64_t mantissa = (uint64_t) ldexp(frexp(value, &exponent), 53);
	unsigned __int128 product = (unsigned __int128) mantissa * powers[scale];
	unsigned shift = (unsigned) (53 - exponent); // 3 to 66, as 1e15 < 2^50
	unsigned __int128 half = (unsigned __int128) 1 << (shift - 1);
	unsigned __int128 rest = product & (2 * half - 1);
	uint64_t whole = (uint64_t) (product >> shift);

	return whole + (rest > half || (rest == half && (whole & 1)));
}

// A positive number whose 15 digits need no exponent; 0 when this one does.
static size_t put_plain(char *text, double value)
{
	char digits[NUMBER_TEXT];
	int before = 1; // digits before the dot
	size_t length, after;
	uint64_t all;

	while (before < DIGITS && value >= (double) powers[before])
		before++;
	for (int zeros = 1; zeros <= 4 && value < 1.0 / (double) powers[zeros - 1]; zeros++)
		before = 1 - zeros;
	all = scaled(value, DIGITS - before);
	if (all >= powers[DIGITS]) {
		// rounding has made it longer: …9.99 is …10.0
		all /= 10;
		before++;
	}
	if (before > DIGITS || all < powers[DIGITS - 1])
		return 0;

	(void) number_put_unsigned(digits, all);
	length = 0;
	if (before <= 0) {
		memcpy(text, "0.0000", 6);
		length = 2 + (size_t) -before;
		memcpy(text + length, digits, DIGITS);
		length += DIGITS;
	} else {
		after = DIGITS - (size_t) before;
		memcpy(text, digits, (size_t) before);
		text[before] = '.';
		memcpy(text + before + 1, digits + before, after);
		length = DIGITS + 1;
		if (after == 0)
			text[length++] = '0';
	}
	while (text[length - 1] == '0' && text[length - 2] != '.')
		length--;
	return length;
}

static size_t put_with_exponent(char *text, double value)
{
	char printed[NUMBER_TEXT];
	size_t length = (size_t) snprintf(printed, sizeof(printed), "%.*g", DIGITS, value);
	size_t whole = strcspn(printed, ".,e"); // a locale may have a comma

	memcpy(text, printed, length);
	if (whole < length && printed[whole] != 'e') {
		text[whole] = '.';
		return length;
	}
	memcpy(text + whole, ".0", 2);
	memcpy(text + whole + 2, printed + whole, length - whole);
	return length + 2;
}

static size_t put_word(char *text, const char *word)
{
	size_t length = strlen(word);

	memcpy(text, word, length);
	return length;
}

size_t number_put_real(char *text, double value)
{
	double positive = fabs(value);
	size_t length = 0;

	if (isnan(value))
		return put_word(text, "NaN");
	if (isinf(value))
		return put_word(text, value < 0 ? "-Inf" : "Inf");
	if (value == 0)
		return put_word(text, "0.0");
	if (positive >= 1e-4 && positive < 1e15) {
		if (value < 0)
			text[0] = '-';
		length = put_plain(text + (value < 0), positive);
	}
	return length > 0 ? length + (value < 0) : put_with_exponent(text, value);
}
