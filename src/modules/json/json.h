// SPDX-License-Identifier: Apache-2.0
#pragma once
// Reading JSON (RFC 8259), by Jansson.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json_value;

enum json_kind { IS_NONE, IS_NULL, IS_BOOL, IS_NUMBER, IS_STRING, IS_ARRAY, IS_OBJECT };

// Why a text is not taken.
struct json_mistake {
	unsigned line; // from 1
	bool duplicate; // no mistake of the text, but an object has two members of one name
	char text[160];
};

enum { JSON_UNIQUE = 1 << 0 }; // refuse duplicates; else the last one counts

// Everything but `parse` takes NULL for a value that is not there.
struct json_library {
	// The value of the whole text, which is freed as one. NULL with the reason when it is no
	// JSON or is nested too deeply.
	struct json_value *(*parse)(
		const char *bytes, size_t length, unsigned options, struct json_mistake *mistake);
	void (*free)(struct json_value *value);

	// IS_NONE for NULL.
	enum json_kind (*kind)(const struct json_value *value);

	// The value as compact JSON, which the caller frees.
	char *(*print)(const struct json_value *value);

	// The member of an object, the item of an array; NULL where there is none.
	struct json_value *(*member)(const struct json_value *object, const char *name);
	struct json_value *(*item)(const struct json_value *array, size_t index);

	// Goes through the members of an object: begins with *place NULL, NULL at the end.
	struct json_value *(*next)(struct json_value *object, void **place, const char **name);

	bool (*is_object)(const struct json_value *value);

	// What a value is, if it is of that type: text in UTF-8, NULL otherwise; false otherwise.
	const char *(*text)(const struct json_value *value, size_t *length);
	bool (*integer)(const struct json_value *value, int64_t *integer);
	bool (*real)(const struct json_value *value, double *real);
	bool (*truth)(const struct json_value *value, bool *truth);
};
