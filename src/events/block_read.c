// SPDX-License-Identifier: Apache-2.0
// Reads blocks, whatever their bytes: what does not fit together is -EUCLEAN.
#include <errno.h>
#include <string.h>

#include "events/block.h"

enum { HEAD = 5 };

struct block_frame {
	size_t start, length; // among the expanded bytes
	const char *stored;
	size_t stored_length;
	bool compressed;
	const char *bytes; // expanded, or NULL: not yet
	struct text room;
};

struct block_part {
	size_t values, values_length; // from the start of the first frame
	size_t texts, texts_length; // among the expanded bytes
};

struct text_of_block {
	const char *bytes;
	uint32_t length;
};

// Room for as many as a block may have.
struct block_room {
	uint64_t integers[BLOCK_MOST_ROWS], values[BLOCK_MOST_ROWS], lengths[BLOCK_MOST_ROWS],
		distinct[BLOCK_MOST_ROWS];
	struct text_of_block texts[BLOCK_MOST_ROWS];
};

static int refuse(struct fault *why, const char *what)
{
	return fail(why, -EUCLEAN, "a block of events is damaged: %s", what);
}

// ---- bytes ----

struct input {
	const unsigned char *at, *end;
};

static bool read_byte(struct input *in, unsigned *byte)
{
	if (in->at == in->end)
		return false;
	*byte = *in->at++;
	return true;
}

static bool read_number(struct input *in, uint64_t *number)
{
	*number = 0;
	for (unsigned shift = 0; shift < 70; shift += 7) {
		unsigned byte;

		if (!read_byte(in, &byte) || (shift == 63 && byte > 1))
			return false;
		*number |= (uint64_t) (byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

// A number up to `most`.
static bool read_count(struct input *in, size_t most, size_t *count)
{
	uint64_t number;

	if (!read_number(in, &number) || number > most)
		return false;
	*count = (size_t) number;
	return true;
}

static inline uint64_t unzigzag(uint64_t number)
{
	return number >> 1 ^ (number & 1 ? UINT64_MAX : 0);
}

static bool read_signed(struct input *in, uint64_t *number)
{
	if (!read_number(in, number))
		return false;
	*number = unzigzag(*number);
	return true;
}

// ---- sequences ----

static bool read_digits(struct input *in, uint64_t *numbers, size_t n)
{
	unsigned width;
	const unsigned char *from;

	if (!read_byte(in, &width) || width > 8 || (size_t) (in->end - in->at) < width * n)
		return false;
	from = in->at;
	in->at += width * n;
	switch (width) {
	case 0:
		memset(numbers, 0, n * sizeof(*numbers));
		return true;
	case 1:
		for (size_t i = 0; i < n; i++)
			numbers[i] = from[i];
		return true;
	case 2:
		for (size_t i = 0; i < n; i++)
			numbers[i] = from[i] | (uint64_t) from[n + i] << 8;
		return true;
	default:
		for (size_t i = 0; i < n; i++)
			numbers[i] = from[i] | (uint64_t) from[n + i] << 8 |
				(uint64_t) from[2 * n + i] << 16;
		for (unsigned digit = 3; digit < width; digit++)
			for (size_t i = 0; i < n; i++)
				numbers[i] |= (uint64_t) from[digit * n + i] << 8 * digit;
		return true;
	}
}

static bool read_plain(struct input *in, unsigned form, uint64_t *values, size_t k)
{
	uint64_t first;

	if (!read_signed(in, &first))
		return false;
	switch (form) {
	case SEQUENCE_SAME:
		for (size_t i = 0; i < k; i++)
			values[i] = first;
		return true;
	case SEQUENCE_OFFSET:
		if (!read_digits(in, values, k))
			return false;
		for (size_t i = 0; i < k; i++)
			values[i] += first;
		return true;
	case SEQUENCE_DELTA:
		if (!read_digits(in, values + 1, k - 1))
			return false;
		values[0] = first;
		for (size_t i = 1; i < k; i++)
			values[i] = values[i - 1] + unzigzag(values[i]);
		return true;
	default:
		return false;
	}
}

static bool read_indexed(struct input *in, struct block_room *room, uint64_t *values, size_t k)
{
	unsigned form;
	size_t n;

	if (!read_count(in, BLOCK_MOST_ROWS, &n) || n == 0 || !read_byte(in, &form) ||
		!read_plain(in, form, room->distinct, n) || !read_digits(in, values, k))
		return false;
	for (size_t i = 0; i < k; i++) {
		if (values[i] >= n)
			return false;
		values[i] = room->distinct[values[i]];
	}
	return true;
}

static bool read_values(
	struct input *in, struct block_room *room, unsigned form, uint64_t *values, size_t k)
{
	return form == SEQUENCE_INDEX ? read_indexed(in, room, values, k)
				      : read_plain(in, form, values, k);
}

// n integers, of which there is at least one.
static bool read_sequence(struct input *in, struct block_room *room, uint64_t *integers, size_t n)
{
	unsigned form;
	size_t k, at = 0;

	if (n == 0 || !read_byte(in, &form))
		return false;
	if (!(form & SEQUENCE_RUNS))
		return read_values(in, room, form, integers, n);
	if (!read_count(in, n, &k) || k == 0 || !read_digits(in, room->lengths, k) ||
		!read_values(in, room, form & ~(unsigned) SEQUENCE_RUNS, room->values, k))
		return false;
	for (size_t i = 0; i < k; i++) {
		uint64_t value = room->values[i];
		size_t end;

		if (room->lengths[i] >= n - at)
			return false;
		for (end = at + room->lengths[i] + 1; at < end; at++)
			integers[at] = value;
		if (at == n)
			return i + 1 == k;
	}
	return false;
}

// ---- the head ----

static bool read_frames(struct block_reader *reader, struct input *in)
{
	size_t total = 0;

	for (size_t i = 0; i < reader->n_frames; i++) {
		struct block_frame *frame = &reader->frames[i];
		uint64_t length;

		if (!read_number(in, &length) || length / 2 > BLOCK_MOST_BYTES - total ||
			!read_count(in, BLOCK_MOST_BYTES, &frame->stored_length))
			return false;
		frame->compressed = length & 1;
		frame->length = (size_t) (length / 2);
		if (!frame->compressed && frame->length != frame->stored_length)
			return false;
		frame->start = total;
		frame->bytes = NULL;
		total += frame->length;
	}
	for (size_t i = 0; i < reader->n_frames; i++) {
		struct block_frame *frame = &reader->frames[i];

		if ((size_t) (in->end - in->at) < frame->stored_length)
			return false;
		frame->stored = (const char *) in->at;
		in->at += frame->stored_length;
	}
	return in->at == in->end;
}

static int expand(struct block_frame *frame, struct block_press *press, struct fault *why)
{
	char *to;

	if (frame->bytes)
		return 0;
	if (!frame->compressed) {
		frame->bytes = frame->stored;
		return 0;
	}
	if (!press->zstd)
		return fail(why, -ENOENT, "a block of events is compressed; there is no zstd");
	text_clear(&frame->room);
	to = text_extend(&frame->room, frame->length);
	if (press->zstd->expand_next(press->context, to, frame->length, frame->stored,
		    frame->stored_length) != (ssize_t) frame->length)
		return refuse(why, "a frame");
	frame->bytes = to;
	return 0;
}

static bool read_parts(struct block_reader *reader)
{
	const struct block_frame *first = &reader->frames[0];
	struct input in = { (const unsigned char *) first->bytes,
		(const unsigned char *) first->bytes + first->length };
	size_t values = 0, texts = 0, head;

	for (size_t i = 0; i <= reader->n_columns; i++) {
		struct block_part *part = &reader->parts[i];

		if (!read_count(&in, first->length, &part->values_length) ||
			!read_count(&in, BLOCK_MOST_BYTES, &part->texts_length))
			return false;
		part->values = values;
		part->texts = texts;
		values += part->values_length;
		texts += part->texts_length;
	}
	head = first->length - (size_t) (in.end - in.at);
	if (values > first->length - head)
		return false;
	for (size_t i = 0; i <= reader->n_columns; i++) {
		reader->parts[i].values += head;
		reader->parts[i].texts += head + values;
	}
	return true;
}

static void make_room(struct block_reader *reader)
{
	if (!reader->room)
		reader->room = must_alloc(sizeof(*reader->room));
	if (reader->frames_room < reader->n_frames) {
		size_t more = reader->n_frames - reader->frames_room;

		reader->frames = must_resize(
			reader->frames, reader->n_frames * sizeof(*reader->frames));
		memset(reader->frames + reader->frames_room, 0, more * sizeof(*reader->frames));
		reader->frames_room = reader->n_frames;
	}
	if (reader->parts_room < reader->n_columns + 1) {
		reader->parts_room = reader->n_columns + 1;
		free(reader->parts);
		reader->parts = must_alloc(reader->parts_room * sizeof(*reader->parts));
	}
}

static int read_head(struct block_reader *reader, struct block_press *press, struct fault *why)
{
	const unsigned char *bytes = (const unsigned char *) reader->bytes.bytes;
	struct input in = { bytes + HEAD, bytes + reader->bytes.length };
	size_t n_rows;
	uint32_t sum;
	int r;

	if (bytes[0] != BLOCK_VERSION)
		return refuse(why, "its version is not known");
	memcpy(&sum, bytes + 1, sizeof(sum));
	if (sum != block_sum((const char *) in.at, reader->bytes.length - HEAD))
		return refuse(why, "its check sum");
	if (!read_count(&in, BLOCK_MOST_ROWS, &n_rows) || n_rows == 0 ||
		!read_count(&in, BLOCK_MOST_COLUMNS, &reader->n_columns) ||
		!read_count(&in, BLOCK_MOST_COLUMNS + 2, &reader->n_frames) ||
		reader->n_frames == 0)
		return refuse(why, "its head");
	make_room(reader);
	if (!read_frames(reader, &in))
		return refuse(why, "its frames");
	r = expand(&reader->frames[0], press, why);
	if (r < 0)
		return r;
	if (!read_parts(reader))
		return refuse(why, "its columns");
	reader->n_rows = (uint32_t) n_rows;
	return 0;
}

int block_open(struct block_reader *reader, struct block_press *press, const char *bytes,
	size_t length, struct fault *why)
{
	int r;

	reader->n_rows = 0;
	if (length < HEAD || length > BLOCK_MOST_BYTES)
		return refuse(why, "its length");
	text_clear(&reader->bytes);
	text_add(&reader->bytes, bytes, length);
	r = read_head(reader, press, why);
	if (r < 0)
		reader->n_columns = 0;
	return r;
}

void block_reader_done(struct block_reader *reader)
{
	for (size_t i = 0; i < reader->frames_room; i++)
		text_done(&reader->frames[i].room);
	free(reader->frames);
	free(reader->parts);
	free(reader->room);
	text_done(&reader->bytes);
	*reader = (struct block_reader){ 0 };
}

// ---- columns ----

static struct input input_of(const struct block_reader *reader, const struct block_part *part)
{
	const unsigned char *start = (const unsigned char *) reader->frames[0].bytes + part->values;

	return (struct input){ start, start + part->values_length };
}

int block_read_times(struct block_reader *reader, int64_t *times, struct fault *why)
{
	struct input in = input_of(reader, &reader->parts[0]);
	unsigned kinds;

	if (!read_byte(&in, &kinds) || kinds != 1U << EVENT_INTEGER ||
		!read_sequence(&in, reader->room, (uint64_t *) times, reader->n_rows))
		return refuse(why, "its times");
	return 0;
}

// The frame that holds all of the texts of a column.
static struct block_frame *frame_of(struct block_reader *reader, const struct block_part *part)
{
	for (size_t i = 0; i < reader->n_frames; i++) {
		struct block_frame *frame = &reader->frames[i];

		if (part->texts >= frame->start && part->texts - frame->start < frame->length)
			return part->texts_length <= frame->length - (part->texts - frame->start)
				? frame
				: NULL;
	}
	return NULL;
}

// Reads the texts of a column; how many there are, or a negative errno.
static int read_texts(struct block_reader *reader, struct block_press *press,
	const struct block_part *part, struct fault *why)
{
	struct block_frame *frame = frame_of(reader, part);
	struct block_room *room = reader->room;
	struct input in;
	size_t n;
	int r;

	if (!frame)
		return refuse(why, "its texts");
	r = expand(frame, press, why);
	if (r < 0)
		return r;
	in.at = (const unsigned char *) frame->bytes + (part->texts - frame->start);
	in.end = in.at + part->texts_length;
	if (!read_count(&in, BLOCK_MOST_ROWS, &n) || !read_sequence(&in, room, room->integers, n))
		return refuse(why, "lengths of texts");
	for (size_t i = 0; i < n; i++) {
		if (room->integers[i] > (size_t) (in.end - in.at))
			return refuse(why, "length of a text");
		room->texts[i] = (struct text_of_block){ (const char *) in.at,
			(uint32_t) room->integers[i] };
		in.at += room->integers[i];
	}
	return (int) n;
}

// Fills the values of one kind; `n` of them there are.
static bool fill_integers(struct block_reader *reader, struct input *in, size_t n,
	struct event_value *values, size_t stride)
{
	const uint64_t *integers = reader->room->integers;
	size_t at = 0;

	if (!read_sequence(in, reader->room, reader->room->integers, n))
		return false;
	for (size_t i = 0; i < reader->n_rows; i++, values += stride)
		if (values->kind == EVENT_INTEGER)
			values->integer = (int64_t) integers[at++];
	return true;
}

static bool fill_texts(struct block_reader *reader, struct input *in, size_t n, size_t n_texts,
	struct event_value *values, size_t stride)
{
	const struct block_room *room = reader->room;
	size_t at = 0;

	if (!read_sequence(in, reader->room, reader->room->integers, n))
		return false;
	for (size_t i = 0; i < reader->n_rows; i++, values += stride) {
		const struct text_of_block *text;

		if (values->kind != EVENT_TEXT)
			continue;
		if (room->integers[at] >= n_texts)
			return false;
		text = &room->texts[room->integers[at++]];
		values->length = text->length;
		values->text = text->bytes;
	}
	return true;
}

// Sets the kinds of all values, and counts them.
static bool read_kinds(struct block_reader *reader, struct input *in, unsigned kinds,
	struct event_value *values, size_t stride, size_t counts[3])
{
	uint64_t *each = reader->room->integers;

	if (kinds & (kinds - 1)) {
		if (!read_sequence(in, reader->room, each, reader->n_rows))
			return false;
	} else {
		uint64_t kind = kinds == 1 ? 0 : kinds == 2 ? 1 : 2;

		for (size_t i = 0; i < reader->n_rows; i++)
			each[i] = kind;
	}
	for (size_t i = 0; i < reader->n_rows; i++, values += stride) {
		if (each[i] > EVENT_TEXT || !(kinds & 1U << each[i]))
			return false;
		*values = (struct event_value){ .kind = (unsigned) each[i] };
		counts[each[i]]++;
	}
	return true;
}

int block_read_column(struct block_reader *reader, struct block_press *press, size_t column,
	struct event_value *values, size_t stride, struct fault *why)
{
	size_t counts[3] = { 0 };
	const struct block_part *part;
	struct input in;
	unsigned kinds;
	int n_texts;

	if (column >= reader->n_columns)
		return fail(why, -EINVAL, "a block of events has no column %zu", column);
	part = &reader->parts[column + 1];
	in = input_of(reader, part);
	if (!read_byte(&in, &kinds) || kinds == 0 || kinds > 7 ||
		!read_kinds(reader, &in, kinds, values, stride, counts))
		return refuse(why, "kinds of values");
	if (counts[EVENT_INTEGER] > 0 &&
		!fill_integers(reader, &in, counts[EVENT_INTEGER], values, stride))
		return refuse(why, "integers");
	if (counts[EVENT_TEXT] == 0)
		return 0;
	n_texts = read_texts(reader, press, part, why);
	if (n_texts < 0)
		return n_texts;
	if (!fill_texts(reader, &in, counts[EVENT_TEXT], (size_t) n_texts, values, stride))
		return refuse(why, "places of texts");
	return 0;
}
