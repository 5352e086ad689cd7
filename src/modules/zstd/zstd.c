// SPDX-License-Identifier: Apache-2.0
#include "modules/zstd/zstd.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <zstd.h>

enum { LEVEL = 1 };

static ssize_t compress(char *to, size_t room, const char *from, size_t length)
{
	size_t size = ZSTD_compress(to, room, from, length, LEVEL);

	return ZSTD_isError(size) ? -1 : (ssize_t) size;
}

static ssize_t expand(char *to, size_t room, const char *from, size_t length)
{
	size_t size = ZSTD_decompress(to, room, from, length);

	return ZSTD_isError(size) ? -1 : (ssize_t) size;
}

struct zstd_context {
	ZSTD_CCtx *compressor; // each is made when it is first needed
	ZSTD_DCtx *expander;
};

static struct zstd_context *open_context(void)
{
	return calloc(1, sizeof(struct zstd_context));
}

static void close_context(struct zstd_context *context)
{
	if (!context)
		return;
	(void) ZSTD_freeCCtx(context->compressor);
	(void) ZSTD_freeDCtx(context->expander);
	free(context);
}

static ssize_t compress_next(struct zstd_context *context, int level, char *to, size_t room,
	const char *from, size_t length)
{
	size_t size;

	if (!context->compressor)
		context->compressor = ZSTD_createCCtx();
	if (!context->compressor)
		return -1;
	size = ZSTD_compressCCtx(context->compressor, to, room, from, length, level);
	return ZSTD_isError(size) ? -1 : (ssize_t) size;
}

static ssize_t expand_next(
	struct zstd_context *context, char *to, size_t room, const char *from, size_t length)
{
	size_t size;

	if (!context->expander)
		context->expander = ZSTD_createDCtx();
	if (!context->expander)
		return -1;
	size = ZSTD_decompressDCtx(context->expander, to, room, from, length);
	return ZSTD_isError(size) ? -1 : (ssize_t) size;
}

static int write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, bytes, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		bytes += written;
		length -= (size_t) written;
	}
	return 0;
}

// Compresses what was read and writes it; with ZSTD_e_end all that is left.
static int pass_on(ZSTD_CCtx *context, int to, ZSTD_inBuffer *in, ZSTD_EndDirective end, char *room,
	size_t size)
{
	size_t left;

	do {
		ZSTD_outBuffer out = { room, size, 0 };
		int r;

		left = ZSTD_compressStream2(context, &out, in, end);
		if (ZSTD_isError(left))
			return -EIO;
		r = write_all(to, room, out.pos);
		if (r < 0)
			return r;
	} while (end == ZSTD_e_end ? left > 0 : in->pos < in->size);
	return 0;
}

static int compress_file(int to, int from)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t in_size = ZSTD_CStreamInSize(), out_size = ZSTD_CStreamOutSize();
	char *buffer = malloc(in_size + out_size);
	int r = context && buffer ? 0 : -ENOMEM;
	ssize_t length = 1;

	while (r == 0 && length > 0) {
		length = read(from, buffer, in_size);
		if (length < 0 && errno == EINTR) {
			length = 1;
			continue;
		}
		if (length < 0) {
			r = -errno;
			break;
		}
		r = pass_on(context, to, &(ZSTD_inBuffer){ buffer, (size_t) length, 0 },
			length > 0 ? ZSTD_e_continue : ZSTD_e_end, buffer + in_size, out_size);
	}
	free(buffer);
	(void) ZSTD_freeCCtx(context);
	return r;
}

__attribute__((visibility("default"))) extern const struct zstd_library module_zstd;
const struct zstd_library module_zstd = {
	.bound = ZSTD_compressBound,
	.compress = compress,
	.expand = expand,
	.open = open_context,
	.close = close_context,
	.compress_next = compress_next,
	.expand_next = expand_next,
	.compress_file = compress_file,
};
