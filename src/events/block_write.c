// SPDX-License-Identifier: Apache-2.0
// Makes a block of rows: runs of equal values while they come, sequences when it is written.
#include <assert.h>
#include <string.h>

#include "base/module.h"
#include "events/block.h"

enum {
	LEVEL = 1, // a higher one gains nothing: columns of like values are short already
	LEAST_COMPRESSED = 64,
	HEAD = 5,
	KEPT_BYTES = 64 << 10, // of a column's memory, when its rows are forgotten
};

// A value of some rows, one after another.
struct run {
	int64_t value; // of a text: its place in the dictionary
	uint32_t count;
	uint32_t kind;
};

// The texts of a column in the order in which they first occurred, each once.
struct dictionary {
	struct text bytes;
	struct entry {
		uint32_t start, length, hash;
	} * entries;
	uint32_t n, room;
	uint32_t *slots; // places plus 1; a power of two
	uint32_t n_slots;
};

struct block_column {
	struct run *runs;
	uint32_t n_runs, room;
	uint32_t rows; // that the runs are for; those that follow are missing
	struct dictionary texts;
};

// Integers on their way into a sequence, and room to work.
struct block_numbers {
	uint64_t values[BLOCK_MOST_ROWS], work[BLOCK_MOST_ROWS], distinct[BLOCK_MOST_ROWS];
	uint32_t counts[BLOCK_MOST_ROWS], slots[2 * BLOCK_MOST_ROWS];
	uint16_t places[BLOCK_MOST_ROWS];
};

// ---- compression ----

void block_press_open(struct block_press *press)
{
	press->zstd = module_open("zstd", NULL);
	press->context = press->zstd ? press->zstd->open() : NULL;
	if (!press->context)
		press->zstd = NULL;
	press->numbers = must_alloc(sizeof(*press->numbers));
}

void block_press_close(struct block_press *press)
{
	if (press->zstd)
		press->zstd->close(press->context);
	free(press->numbers);
	*press = (struct block_press){ 0 };
}

// ---- rows ----

static void push(struct block_builder *builder, struct block_column *column, uint32_t kind,
	int64_t value, uint32_t count)
{
	struct run *last = column->n_runs > 0 ? &column->runs[column->n_runs - 1] : NULL;

	column->rows += count;
	if (last && last->kind == kind && last->value == value) {
		last->count += count;
		return;
	}
	if (column->n_runs == column->room) {
		column->room = column->room ? column->room * 2 : 8;
		column->runs = must_resize(column->runs, column->room * sizeof(*column->runs));
	}
	column->runs[column->n_runs++] = (struct run){
		.value = value, .count = count, .kind = kind
	};
	builder->bytes += sizeof(struct run);
}

// The last row is forgotten: it is set once more.
static void drop_last(struct block_column *column)
{
	column->rows--;
	if (--column->runs[column->n_runs - 1].count == 0)
		column->n_runs--;
}

static inline void put(
	struct block_builder *builder, struct block_column *column, uint32_t kind, int64_t value)
{
	if (column->rows + 1 != builder->n_rows) {
		if (column->rows == builder->n_rows)
			drop_last(column);
		else
			push(builder, column, EVENT_MISSING, 0, builder->n_rows - 1 - column->rows);
	}
	push(builder, column, kind, value, 1);
}

void block_builder_init(struct block_builder *builder, size_t n_columns, uint64_t seed)
{
	size_t size = (n_columns + 1) * sizeof(*builder->columns);

	assert(n_columns <= BLOCK_MOST_COLUMNS);
	*builder = (struct block_builder){ .n_columns = n_columns, .seed = seed };
	builder->columns = must_alloc(size);
	memset(builder->columns, 0, size);
}

static void forget_column(struct block_column *column)
{
	free(column->runs);
	text_done(&column->texts.bytes);
	free(column->texts.entries);
	free(column->texts.slots);
	*column = (struct block_column){ 0 };
}

void block_builder_done(struct block_builder *builder)
{
	for (size_t i = 0; builder->columns && i <= builder->n_columns; i++)
		forget_column(&builder->columns[i]);
	free(builder->columns);
	*builder = (struct block_builder){ 0 };
}

static void reset_column(struct block_column *column)
{
	struct dictionary *texts = &column->texts;

	if (column->room * sizeof(struct run) + texts->bytes.room + texts->room * 20 > KEPT_BYTES) {
		forget_column(column);
		return;
	}
	column->n_runs = column->rows = texts->n = 0;
	text_clear(&texts->bytes);
	if (texts->slots)
		memset(texts->slots, 0, texts->n_slots * sizeof(*texts->slots));
}

void block_builder_reset(struct block_builder *builder)
{
	for (size_t i = 0; i <= builder->n_columns; i++)
		reset_column(&builder->columns[i]);
	builder->n_rows = 0;
	builder->bytes = 0;
}

void block_begin(struct block_builder *builder, int64_t time)
{
	assert(builder->n_rows < BLOCK_MOST_ROWS);
	if (builder->n_rows == 0)
		builder->least_time = builder->most_time = time;
	else if (time < builder->least_time)
		builder->least_time = time;
	else if (time > builder->most_time)
		builder->most_time = time;
	builder->n_rows++;
	put(builder, &builder->columns[0], EVENT_INTEGER, time);
}

void block_set_integer(struct block_builder *builder, size_t column, int64_t value)
{
	if (column < builder->n_columns && builder->n_rows > 0)
		put(builder, &builder->columns[column + 1], EVENT_INTEGER, value);
}

// ---- texts ----

static uint64_t load(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t product = (__uint128_t) a * b;

	return (uint64_t) product ^ (uint64_t) (product >> 64);
}

// Products of words and a secret.
static uint32_t hash_text(const char *bytes, size_t length, uint64_t seed)
{
	uint64_t key = seed * UINT64_C(0x9e3779b97f4a7c15) + length;
	uint64_t hash = seed ^ UINT64_C(0xd6e8feb86659fd93);
	char tail[16] = { 0 };

	for (; length >= 16; bytes += 16, length -= 16)
		hash = mix(load(bytes) ^ hash, load(bytes + 8) ^ key) + key;
	memcpy(tail, bytes, length);
	hash = mix(load(tail) ^ hash, load(tail + 8) ^ key);
	return (uint32_t) mix(hash ^ seed, UINT64_C(0x9fb21c651e98df25));
}

static bool is_entry(
	const struct dictionary *texts, uint32_t place, const char *bytes, size_t length)
{
	const struct entry *entry = &texts->entries[place];

	return entry->length == length &&
		memcmp(texts->bytes.bytes + entry->start, bytes, length) == 0;
}

static void grow_slots(struct dictionary *texts)
{
	uint32_t n = texts->n_slots ? texts->n_slots * 2 : 16;

	free(texts->slots);
	texts->slots = must_alloc(n * sizeof(*texts->slots));
	texts->n_slots = n;
	memset(texts->slots, 0, n * sizeof(*texts->slots));
	for (uint32_t i = 0; i < texts->n; i++) {
		uint32_t at = texts->entries[i].hash & (n - 1);

		while (texts->slots[at])
			at = (at + 1) & (n - 1);
		texts->slots[at] = i + 1;
	}
}

static uint32_t add_entry(struct dictionary *texts, const char *bytes, size_t length, uint32_t hash)
{
	if (texts->n == texts->room) {
		texts->room = texts->room ? texts->room * 2 : 8;
		texts->entries = must_resize(texts->entries, texts->room * sizeof(*texts->entries));
	}
	texts->entries[texts->n] = (struct entry){
		.start = (uint32_t) texts->bytes.length, .length = (uint32_t) length, .hash = hash
	};
	text_add(&texts->bytes, bytes, length);
	return texts->n++;
}

// The place of a text, which is added when it is new; -1 when there are too many.
static int64_t find_text(
	struct block_builder *builder, struct dictionary *texts, const char *bytes, size_t length)
{
	uint32_t hash = hash_text(bytes, length, builder->seed);
	uint32_t at;

	if (texts->n * 2 >= texts->n_slots)
		grow_slots(texts);
	for (at = hash & (texts->n_slots - 1); texts->slots[at];
		at = (at + 1) & (texts->n_slots - 1)) {
		uint32_t place = texts->slots[at] - 1;

		if (texts->entries[place].hash == hash && is_entry(texts, place, bytes, length))
			return place;
	}
	if (texts->n == BLOCK_MOST_ROWS) // only where rows are set again and again
		return -1;
	texts->slots[at] = texts->n + 1;
	builder->bytes += length + sizeof(struct entry) + 8;
	return add_entry(texts, bytes, length, hash);
}

void block_set_text(struct block_builder *builder, size_t index, const char *bytes, size_t length)
{
	struct block_column *column;
	const struct run *last;
	int64_t place;

	if (index >= builder->n_columns || builder->n_rows == 0)
		return;
	column = &builder->columns[index + 1];
	if (length > BLOCK_TEXT_BYTES)
		length = BLOCK_TEXT_BYTES;
	if (length == 0)
		bytes = ""; // it may be NULL
	// a row of many columns must not make a block that nobody will read
	if (length > 64 && builder->bytes + length > BLOCK_MOST_BYTES / 2)
		length = 0;
	last = column->n_runs > 0 ? &column->runs[column->n_runs - 1] : NULL;
	if (last && last->kind == EVENT_TEXT &&
		is_entry(&column->texts, (uint32_t) last->value, bytes, length))
		place = last->value;
	else
		place = find_text(builder, &column->texts, bytes, length);
	if (place >= 0)
		put(builder, column, EVENT_TEXT, place);
}

// ---- sequences ----

static void add_number(struct text *out, uint64_t number)
{
	char bytes[10];
	size_t n = 0;

	for (; number >= 0x80; number >>= 7)
		bytes[n++] = (char) (number | 0x80);
	bytes[n++] = (char) number;
	text_add(out, bytes, n);
}

static uint64_t zigzag(uint64_t number)
{
	return number << 1 ^ (number >> 63 ? UINT64_MAX : 0);
}

static unsigned bits_of(uint64_t number)
{
	return number ? 64 - (unsigned) __builtin_clzll(number) : 0;
}

static void add_digits(struct text *out, const uint64_t *numbers, size_t n)
{
	uint64_t all = 0;
	unsigned width;
	char *to;

	for (size_t i = 0; i < n; i++)
		all |= numbers[i];
	width = (bits_of(all) + 7) / 8;
	to = text_extend(out, 1 + width * n);
	*to++ = (char) width;
	for (unsigned digit = 0; digit < width; digit++, to += n)
		for (size_t i = 0; i < n; i++)
			to[i] = (char) (numbers[i] >> 8 * digit);
}

struct shape {
	uint64_t least, range; // signed order
	double average_step; // zigzagged
};

static struct shape shape_of(const uint64_t *values, size_t k)
{
	int64_t least = (int64_t) values[0], most = least;
	double steps = 0;

	for (size_t i = 1; i < k; i++) {
		int64_t value = (int64_t) values[i];

		least = value < least ? value : least;
		most = value > most ? value : most;
		steps += (double) zigzag(values[i] - values[i - 1]);
	}
	return (struct shape){ .least = (uint64_t) least,
		.range = (uint64_t) most - (uint64_t) least,
		.average_step = steps / (double) k };
}

// Places of all values among the different ones, in the order in which they occur: how many are
// different, or 0 when they are more than `most`.
static size_t find_distinct(struct block_numbers *room, size_t k, size_t most)
{
	size_t n = 0, mask = 63;

	while (mask < 2 * most)
		mask = mask * 2 + 1;
	memset(room->slots, 0, (mask + 1) * sizeof(room->slots[0]));
	for (size_t i = 0; i < k; i++) {
		uint64_t value = room->values[i];
		size_t at = (size_t) mix(value ^ UINT64_C(0xd6e8feb86659fd93),
				    UINT64_C(0x9e3779b97f4a7c15)) &
			mask;

		while (room->slots[at] && room->distinct[room->slots[at] - 1] != value)
			at = (at + 1) & mask;
		if (!room->slots[at]) {
			if (n == most)
				return 0;
			room->distinct[n] = value;
			room->slots[at] = (uint32_t) ++n;
		}
		room->places[i] = (uint16_t) (room->slots[at] - 1);
	}
	return n;
}

static void add_offsets(
	struct text *out, const uint64_t *values, size_t k, uint64_t least, uint64_t *work)
{
	add_number(out, zigzag(least));
	for (size_t i = 0; i < k; i++)
		work[i] = values[i] - least;
	add_digits(out, work, k);
}

static void add_deltas(struct text *out, const uint64_t *values, size_t k, uint64_t *work)
{
	add_number(out, zigzag(values[0]));
	for (size_t i = 1; i < k; i++)
		work[i - 1] = zigzag(values[i] - values[i - 1]);
	add_digits(out, work, k - 1);
}

static enum sequence_form choose_plain(const struct shape *shape)
{
	return shape->average_step * 2 < (double) shape->range ? SEQUENCE_DELTA : SEQUENCE_OFFSET;
}

static enum sequence_form choose(
	struct block_numbers *room, const struct shape *shape, size_t k, size_t *n_distinct)
{
	enum sequence_form plain = choose_plain(shape);
	unsigned bits = bits_of(
		plain == SEQUENCE_DELTA ? (uint64_t) shape->average_step : shape->range);

	// where a byte will do, or most differ, places are no gain
	if (k < 8 || bits <= 6)
		return plain;
	*n_distinct = find_distinct(room, k, k / 2);
	return *n_distinct > 0 ? SEQUENCE_INDEX : plain;
}

// A sequence of the first k values of the room. `places`: they are places among texts already.
static void add_values(
	struct text *out, struct block_numbers *room, size_t k, bool runs, bool places)
{
	struct shape shape = shape_of(room->values, k);
	size_t n_distinct = 0;
	enum sequence_form form = places ? SEQUENCE_OFFSET : choose(room, &shape, k, &n_distinct);

	out->bytes[out->length - 1] = (char) (form | (runs ? SEQUENCE_RUNS : 0));
	if (runs) {
		add_number(out, k);
		for (size_t i = 0; i < k; i++)
			room->work[i] = room->counts[i] - 1;
		add_digits(out, room->work, k);
	}
	if (form == SEQUENCE_DELTA) {
		add_deltas(out, room->values, k, room->work);
	} else if (form == SEQUENCE_OFFSET) {
		add_offsets(out, room->values, k, shape.least, room->work);
	} else {
		struct shape distinct = shape_of(room->distinct, n_distinct);

		form = choose_plain(&distinct);
		add_number(out, n_distinct);
		text_add_char(out, (char) form);
		if (form == SEQUENCE_DELTA)
			add_deltas(out, room->distinct, n_distinct, room->work);
		else
			add_offsets(out, room->distinct, n_distinct, distinct.least, room->work);
		for (size_t i = 0; i < k; i++)
			room->work[i] = room->places[i];
		add_digits(out, room->work, k);
	}
}

// A sequence of the k values and counts in the room, which are for n rows.
static void add_sequence(
	struct text *out, struct block_numbers *room, size_t k, size_t n, bool places)
{
	size_t at = n;

	text_add_char(out, SEQUENCE_SAME);
	if (k == 1) {
		add_number(out, zigzag(room->values[0]));
		return;
	}
	if (k <= n / 2) {
		add_values(out, room, k, true, places);
		return;
	}
	// written out from the end on, in place
	for (size_t i = k; i-- > 0;)
		for (uint32_t count = room->counts[i]; count > 0; count--)
			room->values[--at] = room->values[i];
	add_values(out, room, n, false, places);
}

// ---- columns ----

static uint32_t kinds_of(const struct block_column *column)
{
	uint32_t kinds = 0;

	for (uint32_t i = 0; i < column->n_runs; i++)
		kinds |= 1U << column->runs[i].kind;
	return kinds;
}

static void add_kinds(
	struct text *out, const struct block_column *column, struct block_numbers *room)
{
	size_t k = 0;

	for (uint32_t i = 0; i < column->n_runs; i++) {
		if (k > 0 && room->values[k - 1] == column->runs[i].kind) {
			room->counts[k - 1] += column->runs[i].count;
			continue;
		}
		room->values[k] = column->runs[i].kind;
		room->counts[k++] = column->runs[i].count;
	}
	add_sequence(out, room, k, column->rows, false);
}

static void add_of_kind(struct text *out, const struct block_column *column, uint32_t kind,
	struct block_numbers *room)
{
	size_t k = 0, n = 0;

	for (uint32_t i = 0; i < column->n_runs; i++) {
		if (column->runs[i].kind != kind)
			continue;
		room->values[k] = (uint64_t) column->runs[i].value;
		room->counts[k++] = column->runs[i].count;
		n += column->runs[i].count;
	}
	add_sequence(out, room, k, n, kind == EVENT_TEXT);
}

static void add_column(
	struct text *out, const struct block_column *column, struct block_numbers *room)
{
	uint32_t kinds = kinds_of(column);

	text_add_char(out, (char) kinds);
	if ((kinds & (kinds - 1)) != 0)
		add_kinds(out, column, room);
	if (kinds & 1U << EVENT_INTEGER)
		add_of_kind(out, column, EVENT_INTEGER, room);
	if (kinds & 1U << EVENT_TEXT)
		add_of_kind(out, column, EVENT_TEXT, room);
}

static void add_texts(struct text *out, const struct dictionary *texts, struct block_numbers *room)
{
	if (texts->n == 0)
		return;
	add_number(out, texts->n);
	for (uint32_t i = 0; i < texts->n; i++) {
		room->values[i] = texts->entries[i].length;
		room->counts[i] = 1;
	}
	add_sequence(out, room, texts->n, texts->n, false);
	text_add(out, texts->bytes.bytes, texts->bytes.length);
}

// ---- the block ----

uint32_t block_sum(const char *bytes, size_t length)
{
	uint64_t sum = length, other = ~length;
	char tail[16] = { 0 };

	for (; length >= 16; bytes += 16, length -= 16) {
		sum = mix(load(bytes) ^ sum, UINT64_C(0x9e3779b97f4a7c15)) + load(bytes + 8);
		other = (other << 7 | other >> 57) + load(bytes + 8) * 3 + load(bytes);
	}
	memcpy(tail, bytes, length);
	sum = mix(load(tail) ^ sum, UINT64_C(0x9e3779b97f4a7c15)) + load(tail + 8);
	return (uint32_t) mix(sum ^ other, UINT64_C(0xd6e8feb86659fd93));
}

struct frames {
	struct block_press *press;
	struct text heads, bytes, raw; // `raw` is what the next frame will have
	size_t n;
};

static void end_frame(struct frames *frames)
{
	struct text *bytes = &frames->bytes;
	const struct zstd_library *zstd = frames->press->zstd;
	size_t before = bytes->length, length = frames->raw.length;
	ssize_t size = -1;

	if (zstd && length >= LEAST_COMPRESSED) {
		size_t room = zstd->bound(length);

		size = zstd->compress_next(frames->press->context, LEVEL, text_extend(bytes, room),
			room, frames->raw.bytes, length);
		bytes->length = before;
	}
	if (size >= 0 && (size_t) size < length) {
		bytes->length += (size_t) size;
		add_number(&frames->heads, length * 2 + 1);
		add_number(&frames->heads, (uint64_t) size);
	} else {
		text_add(bytes, frames->raw.bytes, length);
		add_number(&frames->heads, length * 2);
		add_number(&frames->heads, length);
	}
	text_clear(&frames->raw);
	frames->n++;
}

static void catch_up(struct block_builder *builder, struct block_column *column)
{
	if (column->rows < builder->n_rows)
		push(builder, column, EVENT_MISSING, 0, builder->n_rows - column->rows);
}

static void add_frames(struct block_builder *builder, struct frames *frames)
{
	struct block_numbers *room = frames->press->numbers;
	auto_text struct text values = { 0 }, texts = { 0 };
	auto_free size_t *ends = must_alloc((builder->n_columns + 1) * sizeof(*ends));
	size_t before = 0, at = 0;

	for (size_t i = 0; i <= builder->n_columns; i++) {
		struct block_column *column = &builder->columns[i];

		catch_up(builder, column);
		add_column(&values, column, room);
		add_texts(&texts, &column->texts, room);
		add_number(&frames->raw, values.length - before);
		add_number(&frames->raw, texts.length - at);
		before = values.length;
		ends[i] = at = texts.length;
	}
	text_add(&frames->raw, values.bytes, values.length);
	at = 0;
	for (size_t i = 0; i <= builder->n_columns; at = ends[i++]) {
		if (frames->raw.length >= BLOCK_FRAME_BYTES && ends[i] > at)
			end_frame(frames);
		if (ends[i] > at)
			text_add(&frames->raw, texts.bytes + at, ends[i] - at);
	}
	end_frame(frames);
}

void block_write(struct block_builder *builder, struct block_press *press, struct text *block)
{
	struct frames frames = { .press = press };
	size_t start = block->length;
	uint32_t sum;

	assert(builder->n_rows > 0);
	add_frames(builder, &frames);
	(void) text_extend(block, HEAD);
	add_number(block, builder->n_rows);
	add_number(block, builder->n_columns);
	add_number(block, frames.n);
	text_add(block, frames.heads.bytes, frames.heads.length);
	text_add(block, frames.bytes.bytes, frames.bytes.length);
	block->bytes[start] = BLOCK_VERSION;
	sum = block_sum(block->bytes + start + HEAD, block->length - start - HEAD);
	memcpy(block->bytes + start + 1, &sum, sizeof(sum));
	text_done(&frames.heads);
	text_done(&frames.bytes);
	text_done(&frames.raw);
}
