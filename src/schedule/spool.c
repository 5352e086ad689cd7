// SPDX-License-Identifier: Apache-2.0
#include "schedule/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "store/blob.h"

enum {
	PLAIN_BYTES = 1 << 20, // kept as they are
	MEMORY_BYTES = 16 << 20, // of blocks in memory
};

struct place {
	struct text text; // in memory, packed if `packed`
	off_t offset; // in the file, where `text` is empty
	size_t length; // there
	uint64_t n_lines;
	bool ends, packed;
};

struct spool {
	const char *folder;
	struct place *places;
	size_t n_places;
	size_t memory_bytes;
	int file; // -1: none yet
	off_t file_bytes;
};

struct spool *spool_open(const char *folder)
{
	struct spool *spool = must_alloc(sizeof(*spool));

	*spool = (struct spool){ .folder = folder ? folder : "/tmp", .file = -1 };
	return spool;
}

void spool_close(struct spool *spool)
{
	if (!spool)
		return;
	for (size_t i = 0; i < spool->n_places; i++)
		text_done(&spool->places[i].text);
	free(spool->places);
	if (spool->file >= 0)
		(void) close(spool->file);
	free(spool);
}

static int write_out(struct spool *spool, struct place *place, struct fault *why)
{
	if (spool->file < 0)
		spool->file = open(spool->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (spool->file < 0)
		return fail(why, -errno, "a large result: %s: %m", spool->folder);

	place->offset = spool->file_bytes;
	place->length = place->text.length;
	for (size_t at = 0; at < place->length;) {
		ssize_t written = pwrite(
			spool->file, place->text.bytes + at, place->length - at, spool->file_bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return fail(why, -errno, "a large result: %s: %m", spool->folder);
		at += (size_t) written;
		spool->file_bytes += written;
	}
	text_done(&place->text);
	return 0;
}

int spool_add(struct spool *spool, const char *bytes, size_t length, uint64_t n_lines, bool ends,
	struct fault *why)
{
	struct place *place;

	if ((spool->n_places & (spool->n_places - 1)) == 0) // room for a power of two
		spool->places = must_resize(
			spool->places, (spool->n_places * 2 + 1) * sizeof(*spool->places));
	place = &spool->places[spool->n_places++];
	*place = (struct place){ .n_lines = n_lines, .ends = ends };
	place->packed = spool->memory_bytes + length > PLAIN_BYTES;
	if (place->packed)
		blob_pack(&place->text, bytes, length);
	else
		text_add(&place->text, bytes, length);
	if (spool->memory_bytes + place->text.length > MEMORY_BYTES)
		return write_out(spool, place, why);
	spool->memory_bytes += place->text.length;
	return 0;
}

size_t spool_n_blocks(const struct spool *spool)
{
	return spool->n_places;
}

// Reads what was written out.
static int read_back(
	const struct spool *spool, const struct place *place, struct text *text, struct fault *why)
{
	char *bytes = text_extend(text, place->length);

	for (size_t at = 0; at < place->length;) {
		ssize_t got = pread(
			spool->file, bytes + at, place->length - at, place->offset + (off_t) at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return fail(why, got < 0 ? -errno : -EIO, "a large result: %m");
		at += (size_t) got;
	}
	return 0;
}

int spool_read(const struct spool *spool, size_t at, struct spool_block *block, struct text *room,
	struct fault *why)
{
	const struct place *place = &spool->places[at];
	auto_text struct text packed = { 0 };
	const struct text *from = &place->text;
	int r = 0;

	*block = (struct spool_block){ .n_lines = place->n_lines, .ends = place->ends };
	if (place->length > 0) {
		r = read_back(spool, place, &packed, why);
		from = &packed;
	}
	if (r == 0 && place->packed) {
		text_clear(room);
		r = blob_unpack(room, from->bytes, from->length, why);
		from = room;
	}
	block->bytes = from->bytes;
	block->length = from->length;
	return r;
}
