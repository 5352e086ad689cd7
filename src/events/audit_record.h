// SPDX-License-Identifier: Apache-2.0
#pragma once
// The text of an audit record: "audit(1700000000.123:42): name=value name="value" name=68657821".
// Every function takes bytes from outside, which end where `length` says, not with a NUL.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"

// A piece of a record, not terminated.
struct audit_text {
	const char *bytes;
	size_t length;
};

// What joins the records of one event.
struct audit_stamp {
	int64_t time_ns; // since 1970
	uint64_t serial; // since the host was started
};

// Cuts "audit(…): " off the record. False when it does not begin so.
bool audit_cut_stamp(struct audit_text *record, struct audit_stamp *stamp);

struct audit_pair {
	struct audit_text name, value;
	char quote; // that was around the value, or 0
};

// Cuts the next name=value off; words that are no pairs are passed over. False at the end.
bool audit_next_pair(struct audit_text *rest, struct audit_pair *pair);

bool audit_name_is(const struct audit_pair *pair, const char *name);

// The first pair of the name.
bool audit_find(struct audit_text record, const char *name, struct audit_pair *pair);

// Numbers; 0 where the value is none. Decimal ones may be negative; 4294967295 and -1 are the same
// 32 bits.
int64_t audit_decimal(const struct audit_pair *pair);
uint64_t audit_hexadecimal(const struct audit_pair *pair);
uint64_t audit_octal(const struct audit_pair *pair);

// The value as text in the arena, with a NUL behind it: what was in quotes as it is, digits of
// bytes as the bytes (the kernel writes so what holds blanks, quotes or control characters),
// (null) as "". `length` may be NULL.
char *audit_decode(const struct audit_pair *pair, struct arena *arena, size_t *length);

// Bytes from hexadecimal digits: how many were written, at most `size`; 0 when it is no such text.
size_t audit_unhex(struct audit_text digits, void *bytes, size_t size);

// "SYSCALL", "AVC"; NULL when the type has no name here.
const char *audit_type_name(int type);
