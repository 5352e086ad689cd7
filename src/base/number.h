// SPDX-License-Identifier: Apache-2.0
#pragma once
// Numbers as text, written by hand: printf takes ten times as long, which is felt in result lines.

#include <stddef.h>
#include <stdint.h>

enum { NUMBER_TEXT = 32 }; // the room that any of them needs

// All return the length; no NUL is written.
size_t number_put_integer(char *text, int64_t value);
size_t number_put_unsigned(char *text, uint64_t value);

// A double with 15 significant digits and at least one digit after the dot, as SQLite writes it:
// 0.5, 3.0, 1.0e+20. What is not finite is Inf, -Inf or NaN; all else is a number of JSON, too.
size_t number_put_real(char *text, double value);
