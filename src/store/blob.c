// SPDX-License-Identifier: Apache-2.0
#include "store/blob.h"

#include <errno.h>
#include <string.h>

#include "base/module.h"
#include "modules/zstd/zstd.h"

enum { HEAD_BYTES = 5 };

// Tries to add the compressed form: false when there is no library or nothing is gained.
static bool compress(struct text *packed, const char *bytes, size_t length)
{
	const struct zstd_library *zstd = module_open("zstd", NULL);
	uint32_t expanded = (uint32_t) length;
	size_t before = packed->length, room;
	ssize_t size;
	char *head;

	if (!zstd)
		return false;
	room = zstd->bound(length);
	head = text_extend(packed, HEAD_BYTES + room);
	size = zstd->compress(head + HEAD_BYTES, room, bytes, length);
	if (size < 0 || (size_t) size >= length) {
		packed->length = before;
		return false;
	}
	head[0] = BLOB_ZSTD;
	memcpy(head + 1, &expanded, sizeof(expanded));
	packed->length = before + HEAD_BYTES + (size_t) size;
	return true;
}

void blob_pack(struct text *packed, const char *bytes, size_t length)
{
	if (length >= BLOB_LEAST_BYTES && length <= BLOB_MOST_BYTES &&
		compress(packed, bytes, length))
		return;
	text_add_char(packed, BLOB_PLAIN);
	text_add(packed, bytes, length);
}

static int expand(struct text *bytes, const char *packed, size_t length, struct fault *why)
{
	const struct zstd_library *zstd = module_open("zstd", why);
	size_t before = bytes->length;
	uint32_t expanded;

	if (!zstd)
		return -ENOENT;
	if (length < HEAD_BYTES)
		return fail(why, -EUCLEAN, "a stored block is cut short");
	memcpy(&expanded, packed + 1, sizeof(expanded));
	if (expanded > BLOB_MOST_BYTES ||
		zstd->expand(text_extend(bytes, expanded), expanded, packed + HEAD_BYTES,
			length - HEAD_BYTES) != (ssize_t) expanded) {
		bytes->length = before;
		return fail(why, -EUCLEAN, "a stored block is damaged");
	}
	return 0;
}

int blob_unpack(struct text *bytes, const char *packed, size_t length, struct fault *why)
{
	if (length > 0 && packed[0] == BLOB_PLAIN) {
		text_add(bytes, packed + 1, length - 1);
		return 0;
	}
	if (length > 0 && packed[0] == BLOB_ZSTD)
		return expand(bytes, packed, length, why);
	return fail(why, -EUCLEAN, "a stored block is of no known form");
}
