// SPDX-License-Identifier: Apache-2.0
#include "modules/json/json.h"

#include <jansson.h>
#include <stdio.h>

static const json_t *inside(const struct json_value *value)
{
	return (const json_t *) value;
}

static struct json_value *parse(
	const char *bytes, size_t length, unsigned options, struct json_mistake *mistake)
{
	size_t flags = JSON_ALLOW_NUL | JSON_DECODE_ANY;
	json_error_t error;
	json_t *value;

	if (options & JSON_UNIQUE)
		flags |= JSON_REJECT_DUPLICATES;
	value = json_loadb(bytes, length, flags, &error);
	if (!value) {
		mistake->line = error.line > 0 ? (unsigned) error.line : 1;
		mistake->duplicate = json_error_code(&error) == json_error_duplicate_key;
		(void) snprintf(mistake->text, sizeof(mistake->text), "%s", error.text);
	}
	return (struct json_value *) value;
}

static enum json_kind kind(const struct json_value *value)
{
	static const enum json_kind kinds[] = {
		[JSON_OBJECT] = IS_OBJECT,
		[JSON_ARRAY] = IS_ARRAY,
		[JSON_STRING] = IS_STRING,
		[JSON_INTEGER] = IS_NUMBER,
		[JSON_REAL] = IS_NUMBER,
		[JSON_TRUE] = IS_BOOL,
		[JSON_FALSE] = IS_BOOL,
		[JSON_NULL] = IS_NULL,
	};

	return value ? kinds[json_typeof(inside(value))] : IS_NONE;
}

static char *print(const struct json_value *value)
{
	return json_dumps(inside(value), JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
}

static void free_value(struct json_value *value)
{
	json_decref((json_t *) value);
}

static struct json_value *member(const struct json_value *object, const char *name)
{
	return (struct json_value *) json_object_get(inside(object), name);
}

static struct json_value *item(const struct json_value *array, size_t index)
{
	return (struct json_value *) json_array_get(inside(array), index);
}

static struct json_value *next(struct json_value *object, void **place, const char **name)
{
	json_t *members = (json_t *) object;

	*place = *place ? json_object_iter_next(members, *place) : json_object_iter(members);
	if (!*place)
		return NULL;
	*name = json_object_iter_key(*place);
	return (struct json_value *) json_object_iter_value(*place);
}

static bool is_object(const struct json_value *value)
{
	return json_is_object(inside(value));
}

static const char *text(const struct json_value *value, size_t *length)
{
	*length = json_string_length(inside(value));
	return json_string_value(inside(value));
}

static bool integer(const struct json_value *value, int64_t *number)
{
	if (!json_is_integer(inside(value)))
		return false;
	*number = json_integer_value(inside(value));
	return true;
}

static bool real(const struct json_value *value, double *number)
{
	if (!json_is_number(inside(value)))
		return false;
	*number = json_number_value(inside(value));
	return true;
}

static bool truth(const struct json_value *value, bool *is_true)
{
	if (!json_is_boolean(inside(value)))
		return false;
	*is_true = json_is_true(inside(value));
	return true;
}

__attribute__((visibility("default"))) extern const struct json_library module_json;
const struct json_library module_json = {
	.parse = parse,
	.free = free_value,
	.kind = kind,
	.print = print,
	.member = member,
	.item = item,
	.next = next,
	.is_object = is_object,
	.text = text,
	.integer = integer,
	.real = real,
	.truth = truth,
};
