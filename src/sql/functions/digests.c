// SPDX-License-Identifier: Apache-2.0
// Digests and base64.
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "host/digest.h"
#include "sql/sql.h"

static void give_digest(sqlite3_context *context, sqlite3_value *value, enum digest_kind kind)
{
	const char *text = (const char *) sqlite3_value_text(value);
	struct digest digest;
	struct fault why;

	if (!text)
		return;
	if (digest_bytes(text, strlen(text), 1u << kind, &digest, &why) < 0)
		sqlite3_result_error(context, why.text, -1);
	else
		sqlite3_result_text(context, digest.hex[kind], -1, SQLITE_TRANSIENT);
}

static void call_md5(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	(void) n;
	give_digest(context, arguments[0], DIGEST_MD5);
}

static void call_sha1(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	(void) n;
	give_digest(context, arguments[0], DIGEST_SHA1);
}

static void call_sha256(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	(void) n;
	give_digest(context, arguments[0], DIGEST_SHA256);
}

static void give_base64(sqlite3_context *context, sqlite3_value *value)
{
	struct text text = { 0 };
	const void *bytes = sqlite3_value_text(value);

	base64_add(&text, bytes, (size_t) sqlite3_value_bytes(value));
	sql_give_text(context, &text);
}

static void call_to_base64(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	(void) n;
	if (sqlite3_value_type(arguments[0]) != SQLITE_NULL)
		give_base64(context, arguments[0]);
}

static void call_from_base64(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	struct text text = { 0 };
	const char *encoded = (const char *) sqlite3_value_text(arguments[0]);

	(void) n;
	if (!encoded)
		return;
	(void) base64_decode(&text, encoded, (size_t) sqlite3_value_bytes(arguments[0]));
	sql_give_text(context, &text);
}

static void call_conditional(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	const char *text = (const char *) sqlite3_value_text(arguments[0]);
	int length = sqlite3_value_bytes(arguments[0]);

	(void) n;
	if (!text)
		return;
	for (int i = 0; i < length; i++) {
		if (text[i] < 0x20 || text[i] > 0x7e) {
			give_base64(context, arguments[0]);
			return;
		}
	}
	sqlite3_result_text(context, text, length, SQLITE_TRANSIENT);
}

static const struct function list[] = {
	{ "md5", 1, call_md5, "MD5 of a text, in hexadecimal." },
	{ "sha1", 1, call_sha1, "SHA-1 of a text, in hexadecimal." },
	{ "sha256", 1, call_sha256, "SHA-256 of a text, in hexadecimal." },
	{ "to_base64", 1, call_to_base64, "A text as base64." },
	{ "from_base64", 1, call_from_base64, "What base64 stands for; '' if it is none." },
	{ "conditional_to_base64", 1, call_conditional,
		"A text as base64 if it holds anything but printable ASCII, else unchanged." },
};

const struct functions functions_digests = {
	.name = "digests",
	.list = list,
	.n = sizeof(list) / sizeof(list[0]),
};
