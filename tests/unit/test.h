// SPDX-License-Identifier: Apache-2.0
#pragma once
// Unit tests: a file of TEST(a_sentence_that_is_the_claim) functions is a program. Run without
// arguments it runs all of them, with --list it names them, with names it runs those.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test {
	const char *name;
	void (*run)(void);
};

// Each test puts a pointer to itself into a section; the linker gives its bounds.
#define TEST(claim)                                                                                \
	static void claim(void);                                                                   \
	static const struct test test_##claim = { #claim, claim };                                 \
	__attribute__((used,                                                                       \
		section("tests"))) static const struct test *const entry_##claim = &test_##claim;  \
	static void claim(void)

#define CHECK(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE_NAME__, __LINE__,            \
				#condition);                                                       \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

#define CHECK_TEXT(actual, expected)                                                               \
	do {                                                                                       \
		const char *actual_ = (actual), *expected_ = (expected);                           \
		if (!actual_ || strcmp(actual_, expected_) != 0) {                                 \
			fprintf(stderr, "%s:%d: %s is\n  \"%s\" instead of\n  \"%s\"\n",           \
				__FILE_NAME__, __LINE__, #actual, actual_ ? actual_ : "(null)",    \
				expected_);                                                        \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)
