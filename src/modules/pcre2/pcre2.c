// SPDX-License-Identifier: Apache-2.0
#define PCRE2_CODE_UNIT_WIDTH 8
#include "modules/pcre2/pcre2.h"

#include <pcre2.h>
#include <stdlib.h>

enum { STEPS_MAX = 1000000, HEAP_KB = 16 * 1024 };

struct regex {
	pcre2_code *code;
	pcre2_match_data *data;
	pcre2_match_context *limits; // a pattern must not be able to run for ever
};

static void free_regex(struct regex *regex)
{
	if (!regex)
		return;
	pcre2_match_data_free(regex->data);
	pcre2_match_context_free(regex->limits);
	pcre2_code_free(regex->code);
	free(regex);
}

static struct regex *compile(const char *pattern, size_t length)
{
	struct regex *regex = calloc(1, sizeof(*regex));
	PCRE2_SIZE offset;
	int error;

	if (!regex)
		return NULL;
	// as ECMAScript has it: $ is the very end, [] matches nothing, \x needs digits
	regex->code = pcre2_compile((PCRE2_SPTR) pattern, length,
		PCRE2_DOLLAR_ENDONLY | PCRE2_ALLOW_EMPTY_CLASS | PCRE2_ALT_BSUX |
			PCRE2_MATCH_UNSET_BACKREF | PCRE2_NEVER_UTF | PCRE2_NEVER_BACKSLASH_C,
		&error, &offset, NULL);
	if (regex->code) {
		regex->data = pcre2_match_data_create_from_pattern(regex->code, NULL);
		regex->limits = pcre2_match_context_create(NULL);
	}
	if (!regex->data || !regex->limits) {
		free_regex(regex);
		return NULL;
	}
	(void) pcre2_set_match_limit(regex->limits, STEPS_MAX);
	(void) pcre2_set_heap_limit(regex->limits, HEAP_KB);
	return regex;
}

static int find(struct regex *regex, const char *text, size_t length, size_t from, int may_be_empty,
	struct regex_span *spans, size_t room)
{
	int n = pcre2_match(regex->code, (PCRE2_SPTR) text, length, from,
		may_be_empty ? 0 : PCRE2_NOTEMPTY_ATSTART, regex->data, regex->limits);
	const PCRE2_SIZE *ends = pcre2_get_ovector_pointer(regex->data);

	if (n == PCRE2_ERROR_NOMATCH)
		return 0;
	for (int i = 0; i < n && (size_t) i < room; i++)
		spans[i] = (struct regex_span){ ends[2 * i], ends[2 * i + 1] };
	return n;
}

__attribute__((visibility("default"))) extern const struct regex_library module_pcre2;
const struct regex_library module_pcre2 = { .compile = compile, .free = free_regex, .find = find };
