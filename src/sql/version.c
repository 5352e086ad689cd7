// SPDX-License-Identifier: Apache-2.0
// Versions are walked side by side. Digits and letters form segments between delimiters. Within a
// segment the first character that differs is remembered; it decides where both segments end, while
// a segment that goes on when the other has ended is the greater one. The flavours add an epoch,
// ranks of the delimiters, and rules for what is left of the longer version.
#include "sql/version.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

static const struct rules {
	bool epoch; // the text before ':' counts first
	bool delimiter_rank; // two different delimiters decide by their rank
	bool look_at_rest; // the first character of the rest may decide
	bool rest_rank; // no remembered difference after a digit
} rules[] = {
	[VERSION_PLAIN] = { 0 },
	[VERSION_OF_ARCH] = { .epoch = true, .look_at_rest = true, .rest_rank = true },
	[VERSION_OF_DPKG] = { .epoch = true, .delimiter_rank = true },
	[VERSION_OF_RHEL] = { .epoch = true, .delimiter_rank = true, .look_at_rest = true },
};

// 0: no delimiter.
static int rank(char character)
{
	static const char ranks[] = "~-^.:";
	const char *found = character ? strchr(ranks, character) : NULL;

	return found ? (int) (found - ranks) + 1 : 0;
}

static int sign(long difference)
{
	return (difference > 0) - (difference < 0);
}

static int compare_epoch(const char *a, size_t a_length, const char *b, size_t b_length)
{
	const char *a_colon = a_length ? memchr(a, ':', a_length) : NULL;
	const char *b_colon = b_length ? memchr(b, ':', b_length) : NULL;

	if (!a_colon || !b_colon)
		return (a_colon != NULL) - (b_colon != NULL);
	return sign((a_colon - a) - (b_colon - b));
}

// What is left of the longer version decides, seen from the longer one. `remembered` is that of the
// shared part, seen likewise.
static int compare_rest(const struct rules *rule, char next, char last, int remembered)
{
	if (!rule->look_at_rest)
		return remembered && rank(next) ? remembered : 1;
	if (next == '~')
		return -1;
	if (next == '-')
		return 0;
	if (next == '^')
		return 1;
	if (remembered && !(rule->rest_rank && isdigit((unsigned char) last)))
		return remembered;
	return 1;
}

int version_compare(enum version_flavour flavour, const char *a, size_t a_length, const char *b,
	size_t b_length)
{
	const struct rules *rule = &rules[flavour];
	size_t shared = a_length < b_length ? a_length : b_length;
	int remembered = 0;

	if (rule->epoch) {
		int epoch = compare_epoch(a, a_length, b, b_length);

		if (epoch != 0)
			return epoch;
	}
	for (size_t i = 0; i < shared; i++) {
		int a_rank = rank(a[i]), b_rank = rank(b[i]);

		if (!a_rank != !b_rank)
			return a_rank ? -1 : 1; // the segment without the delimiter is longer
		if (a_rank && remembered)
			return remembered;
		if (a_rank && rule->delimiter_rank && a_rank != b_rank)
			return sign(a_rank - b_rank);
		if (!remembered && a[i] != b[i])
			remembered = sign((unsigned char) a[i] - (unsigned char) b[i]);
	}
	if (a_length == b_length)
		return remembered;
	if (a_length > b_length)
		return compare_rest(rule, a[shared], shared ? a[shared - 1] : '\0', remembered);
	return -compare_rest(rule, b[shared], shared ? b[shared - 1] : '\0', -remembered);
}
