// SPDX-License-Identifier: Apache-2.0
// Fuzzes the words of the house that read foreign bytes: UTF-8, JSON, base64, versions, patterns,
// lines.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/utf8.h"
#include "host/pattern.h"
#include "sql/version.h"

// Whatever goes in, what comes out is valid UTF-8 without control characters.
static void check_text(const char *bytes, size_t length)
{
	auto_text struct text json = { 0 };
	auto_text struct text printable = { 0 };

	json_add_string(&json, bytes, length);
	utf8_add_printable(&printable, bytes, length);
	if (!utf8_is_printable(json.bytes, json.length) ||
		!utf8_is_printable(printable.bytes, printable.length) ||
		utf8_width(bytes, length) != utf8_width(printable.bytes, printable.length))
		abort();
}

static void check_base64(const char *bytes, size_t length)
{
	auto_text struct text encoded = { 0 };
	auto_text struct text decoded = { 0 };
	auto_text struct text other = { 0 };

	base64_add(&encoded, bytes, length);
	if (base64_decode(&decoded, encoded.bytes ? encoded.bytes : "", encoded.length) < 0 ||
		decoded.length != length || memcmp(decoded.bytes, bytes, length) != 0)
		abort();
	(void) base64_decode(&other, bytes, length);
}

static void check_versions(const char *bytes, size_t length)
{
	size_t half = length / 2;

	for (int flavour = VERSION_PLAIN; flavour <= VERSION_OF_RHEL; flavour++) {
		int forward = version_compare(
			(enum version_flavour) flavour, bytes, half, bytes + half, length - half);
		int backward = version_compare(
			(enum version_flavour) flavour, bytes + half, length - half, bytes, half);

		if (forward != -backward)
			abort();
	}
}

static void check_lines(char *text)
{
	auto_free char *copy = must_dup(text);
	char *rest = copy, *line;
	int64_t number;

	while ((line = text_line(&rest))) {
		char *words = line;

		while (text_word(&words, " \t:")) {
		}
		(void) text_trim(line);
		(void) text_integer(line, 0, &number);
		(void) text_distance(line, text);
	}
}

static void check_pattern(const char *text)
{
	struct root root;
	struct pattern *pattern;
	struct match match;

	if (root_open(&root, "/sys/kernel/mm", NULL) < 0)
		return;
	pattern = pattern_open(&root, text, "%");
	for (int i = 0; i < 100 && pattern_next(pattern, &match); i++) {
	}
	pattern_close(pattern);
	root_close(&root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length)
{
	auto_free char *bytes = must_alloc(length + 1);

	memcpy(bytes, data, length);
	bytes[length] = '\0';
	check_text(bytes, length);
	check_base64(bytes, length);
	check_versions(bytes, length);
	check_lines(bytes);
	check_pattern(bytes);
	return 0;
}
