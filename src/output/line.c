// SPDX-License-Identifier: Apache-2.0
#include "output/line.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "base/number.h"
#include "base/utf8.h"

enum {
	CHUNK_BYTES = 256 * 1024, // what the taker gets at once, at most
	PIECE_BYTES = 4096, // of a long text, which is written piece by piece
};

struct key {
	const char *text; // ,"name":"
	size_t length;
};

struct line_writer {
	enum line_form form;
	bool numerics;
	bool in_added; // of a batch
	bool has_row; // in the list that is open
	line_taker *taker;
	void *context;
	int error; // what the taker returned when it failed

	struct arena arena; // of what follows
	const char *head; // the members that all lines have, without braces
	size_t head_length;
	size_t n_keys;
	struct key *keys;

	char *at, *end; // where the next byte goes, and what is left of the chunk
	char *line; // where the line that is being written begins
	uint64_t n_lines; // that end in the chunk
	char chunk[CHUNK_BYTES];
};

// ---- the chunk ----

// Hands over the lines that are whole; the bytes of the last one only if there is no other.
static int flush(struct line_writer *writer)
{
	bool ends = writer->line > writer->chunk;
	char *end = ends ? writer->line : writer->at;
	size_t rest = (size_t) (writer->at - end);

	if (end > writer->chunk)
		writer->error = writer->taker(writer->context, writer->chunk,
			(size_t) (end - writer->chunk), writer->n_lines, ends);
	memmove(writer->chunk, end, rest);
	writer->at = writer->chunk + rest;
	writer->line = writer->chunk;
	writer->n_lines = 0;
	return writer->error;
}

// Makes room for so many bytes, of which there are never more than a chunk.
static int reserve(struct line_writer *writer, size_t length)
{
	while ((size_t) (writer->end - writer->at) < length) {
		int r = flush(writer);

		if (r < 0)
			return r;
	}
	return 0;
}

static int put(struct line_writer *writer, const char *bytes, size_t length)
{
	while (length > 0) {
		size_t size = length < CHUNK_BYTES ? length : CHUNK_BYTES;
		int r = reserve(writer, size);

		if (r < 0)
			return r;
		memcpy(writer->at, bytes, size);
		writer->at += size;
		bytes += size;
		length -= size;
	}
	return 0;
}

static int put_string(struct line_writer *writer, const char *string)
{
	return put(writer, string, strlen(string));
}

// What stands between the quotes.
static int put_text(struct line_writer *writer, const char *bytes, size_t length)
{
	while (length > 0) {
		size_t size = utf8_cut(bytes, length, PIECE_BYTES);
		int r = reserve(writer, JSON_ROOM(size));

		if (r < 0)
			return r;
		writer->at = json_put(writer->at, bytes, size);
		bytes += size;
		length -= size;
	}
	return 0;
}

static int end_line(struct line_writer *writer)
{
	int r = put(writer, "\n", 1);

	writer->n_lines++;
	writer->line = writer->at;
	return r;
}

// ---- what is the same in all lines ----

static void add_member(struct text *text, const char *name, const char *value)
{
	if (text->length > 0 && text->bytes[text->length - 1] != '{')
		text_add_char(text, ',');
	json_add_string(text, name, strlen(name));
	text_add_char(text, ':');
	json_add_string(text, value, strlen(value));
}

// As asctime(3) writes it, and " UTC".
static void add_calendar_time(struct text *text, int64_t unix_time)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t seconds = unix_time;
	struct tm time = { .tm_year = 70, .tm_mday = 1 };

	(void) gmtime_r(&seconds, &time); // fails beyond the year 2^31
	text_printf(text, ",\"calendarTime\":\"%.3s %.3s %2d %02d:%02d:%02d %lld UTC\"",
		days + 3 * (time.tm_wday % 7), months + 3 * (time.tm_mon % 12), time.tm_mday,
		time.tm_hour, time.tm_min, time.tm_sec, 1900LL + time.tm_year);
}

// A decoration of such a name can't be a member of the line without making it ambiguous.
static bool is_member(const char *name)
{
	static const char *const members[] = { "action", "calendarTime", "columns", "counter",
		"decorations", "diffResults", "epoch", "hostIdentifier", "name", "numerics",
		"snapshot", "unixTime" };

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(name, members[i]) == 0)
			return true;
	return false;
}

static void add_decorations(struct text *text, const struct line_head *head, bool top_level)
{
	for (size_t i = 0; i < head->n_decorations; i++) {
		const struct decoration *decoration = &head->decorations[i];
		bool is_top = head->decorations_top_level && !is_member(decoration->name);

		if (is_top == top_level)
			add_member(text, decoration->name, decoration->value);
	}
}

static void prepare_head(struct line_writer *writer, const struct line_head *head)
{
	auto_text struct text text = { 0 };
	auto_text struct text inner = { 0 };

	add_member(&text, "name", head->name);
	add_member(&text, "hostIdentifier", head->host_identifier);
	add_calendar_time(&text, head->unix_time);
	text_printf(&text, ",\"unixTime\":%lld,\"epoch\":%llu,\"counter\":%llu,\"numerics\":%s",
		(long long) head->unix_time, (unsigned long long) head->epoch,
		(unsigned long long) head->counter, head->numerics ? "true" : "false");
	add_decorations(&inner, head, false);
	if (inner.length > 0) {
		text_add_string(&text, ",\"decorations\":{");
		text_add(&text, inner.bytes, inner.length);
		text_add_char(&text, '}');
	}
	add_decorations(&text, head, true);
	writer->head = arena_copy(&writer->arena, text.bytes, text.length);
	writer->head_length = text.length;
}

static void prepare_keys(struct line_writer *writer, const struct row_shape *shape)
{
	auto_text struct text text = { 0 };

	writer->n_keys = shape->n_columns;
	writer->keys = arena_alloc(&writer->arena, shape->n_columns * sizeof(*writer->keys));
	for (size_t i = 0; i < shape->n_columns; i++) {
		text_clear(&text);
		text_add_char(&text, ',');
		json_add_string(&text, shape->names[i], strlen(shape->names[i]));
		text_add_string(&text, ":\"");
		writer->keys[i].text = arena_copy(&writer->arena, text.bytes, text.length);
		writer->keys[i].length = text.length;
	}
}

struct line_writer *line_open(enum line_form form, const struct line_head *head,
	const struct row_shape *shape, line_taker *take, void *context)
{
	struct line_writer *writer = must_alloc(sizeof(*writer));

	writer->form = form;
	writer->numerics = head->numerics;
	writer->in_added = writer->has_row = false;
	writer->taker = take;
	writer->context = context;
	writer->error = 0;
	writer->arena = (struct arena){ 0 };
	writer->at = writer->line = writer->chunk;
	writer->end = writer->chunk + CHUNK_BYTES;
	writer->n_lines = 0;
	prepare_head(writer, head);
	prepare_keys(writer, shape);
	if (form == LINE_BATCH)
		(void) put_string(writer, "{\"diffResults\":{\"removed\":[");
	else if (form == LINE_SNAPSHOT)
		(void) put_string(writer, "{\"snapshot\":[");
	return writer;
}

void line_reshape(struct line_writer *writer, const struct row_shape *shape)
{
	prepare_keys(writer, shape);
}

// ---- rows ----

static bool is_number(const struct line_writer *writer, const struct value *value)
{
	return writer->numerics &&
		(value->type == VALUE_INTEGER ||
			(value->type == VALUE_REAL && isfinite(value->real)));
}

static int put_long_text(struct line_writer *writer, const struct value *value)
{
	int r = put_text(writer, value->text.bytes, value->text.length);

	return r < 0 ? r : put(writer, "\"", 1);
}

static int put_member(struct line_writer *writer, size_t column, const struct value *value)
{
	const struct key *key = &writer->keys[column];
	size_t skip = column == 0; // the comma
	bool bare = is_number(writer, value);
	int r = put(writer, key->text + skip, key->length - skip - bare);

	if (r < 0)
		return r;
	if (value->type == VALUE_TEXT && value->text.length > PIECE_BYTES)
		return put_long_text(writer, value);
	r = reserve(writer,
		1 + (value->type == VALUE_TEXT ? JSON_ROOM(value->text.length) : NUMBER_TEXT));
	if (r < 0)
		return r;

	if (value->type == VALUE_TEXT)
		writer->at = json_put(writer->at, value->text.bytes, value->text.length);
	else if (value->type == VALUE_INTEGER)
		writer->at += number_put_integer(writer->at, value->integer);
	else
		writer->at += number_put_real(writer->at, value->real);
	if (!bare)
		*writer->at++ = '"';
	return 0;
}

static int put_object(struct line_writer *writer, struct row_reader row)
{
	struct value value;
	int r = put(writer, "{", 1);

	for (size_t i = 0; r == 0 && i < writer->n_keys; i++) {
		(void) row_value(&row, &value); // of a row that was checked
		r = put_member(writer, i, &value);
	}
	return r < 0 ? r : put(writer, "}", 1);
}

// A row of other bytes must not leave half a line behind: all of it is looked at first.
static bool is_sound(const struct line_writer *writer, struct row_reader row)
{
	struct value value;
	size_t n = 0;
	int r;

	while ((r = row_value(&row, &value)) > 0)
		n++;
	return r == 0 && n == writer->n_keys;
}

static int put_event(struct line_writer *writer, enum line_action action, struct row_reader row)
{
	static const char *const ends[] = { [LINE_REMOVED] = ",\"action\":\"removed\"}",
		[LINE_ADDED] = ",\"action\":\"added\"}",
		[LINE_SNAPSHOT_ROW] = ",\"action\":\"snapshot\"}" };
	int r = put(writer, "{", 1);

	r = r < 0 ? r : put(writer, writer->head, writer->head_length);
	r = r < 0 ? r : put_string(writer, ",\"columns\":");
	r = r < 0 ? r : put_object(writer, row);
	r = r < 0 ? r : put_string(writer, ends[action]);
	return r < 0 ? r : end_line(writer);
}

static int begin_added(struct line_writer *writer)
{
	writer->in_added = true;
	writer->has_row = false;
	return put_string(writer, "],\"added\":[");
}

int line_row(struct line_writer *writer, enum line_action action, struct row_reader row)
{
	int r = 0;

	if (writer->error < 0)
		return writer->error;
	if (!is_sound(writer, row))
		return -EUCLEAN;
	if (writer->form == LINE_EVENTS)
		return put_event(writer, action, row);

	if (writer->form == LINE_BATCH && writer->in_added && action != LINE_ADDED)
		return -EINVAL; // its list has ended
	if (writer->form == LINE_BATCH && action == LINE_ADDED && !writer->in_added)
		r = begin_added(writer);
	if (r == 0 && writer->has_row)
		r = put(writer, ",", 1);
	writer->has_row = true;
	return r < 0 ? r : put_object(writer, row);
}

static int end_document(struct line_writer *writer)
{
	int r = 0;

	if (writer->form == LINE_BATCH) {
		if (!writer->in_added)
			r = begin_added(writer);
		r = r < 0 ? r : put_string(writer, "]},");
	} else {
		r = put_string(writer, "],\"action\":\"snapshot\",");
	}
	r = r < 0 ? r : put(writer, writer->head, writer->head_length);
	r = r < 0 ? r : put_string(writer, "}");
	return r < 0 ? r : end_line(writer);
}

int line_close(struct line_writer *writer)
{
	int r = writer->error;

	if (r == 0 && writer->form != LINE_EVENTS)
		r = end_document(writer);
	if (r == 0 && writer->at > writer->chunk)
		r = flush(writer);
	line_cancel(writer);
	return r;
}

void line_cancel(struct line_writer *writer)
{
	if (!writer)
		return;
	arena_done(&writer->arena);
	free(writer);
}
