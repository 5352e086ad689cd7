// SPDX-License-Identifier: Apache-2.0
#include "output/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	SAVE_BYTES = 4 << 20, // delivered bytes after which a place is saved at the latest
	DROP_WARNING_S = 60, // between two warnings of dropped lines
};

struct place {
	const struct output *output;
	void *state;
	struct outbox_reader reader;
	bool opened;
	bool failing; // and that was said
	bool in_line[N_CHANNELS]; // what was written last does not end with a line
	bool torn[N_CHANNELS]; // and the rest of that line is gone
	bool is_dirty; // `reader` is further than what was saved
	uint64_t unsaved_bytes;
};

struct outputs {
	struct store *store;
	uint64_t most_lines, most_bytes;
	int64_t min_status;
	struct place *places;
	size_t n_places;
	struct text room; // for an entry
	uint64_t dropped_lines; // that nobody was told of yet
	int64_t warned_s;
};

static const struct output *find_output(const char *name)
{
	for (size_t i = 0; i < n_outputs_all; i++)
		if (strcmp(outputs_all[i]->name, name) == 0)
			return outputs_all[i];
	return NULL;
}

static int refuse_name(const char *name, struct fault *why)
{
	auto_text struct text names = { 0 };

	for (size_t i = 0; i < n_outputs_all; i++)
		text_printf(&names, "%s%s", i ? ", " : "", outputs_all[i]->name);
	return fail(why, -ENOENT,
		"Cannot activate %s logger plugin: there is none of that name, but %s", name,
		names.bytes);
}

// ---- failing and being well again, each said once ----

static void note_failure(struct outputs *outputs, struct place *place, const struct fault *why)
{
	int64_t lines;

	if (place->failing)
		return;
	place->failing = true;
	lines = outbox_n_lines(outputs->store, place->reader.entry, &(struct fault){ 0 });
	log_warning("output %s: %s; %lld lines wait", place->output->name, why->text,
		(long long) (lines < 0 ? 0 : lines));
}

static void note_success(struct outputs *outputs, struct place *place)
{
	int64_t lines;

	if (!place->failing)
		return;
	place->failing = false;
	lines = outbox_n_lines(outputs->store, place->reader.entry, &(struct fault){ 0 });
	log_info("output %s: writes again; %lld lines wait", place->output->name,
		(long long) (lines < 0 ? 0 : lines));
}

// ---- the place in the box ----

static int save(struct outputs *outputs, struct place *place, struct fault *why)
{
	int r = outbox_reader_save(outputs->store, &place->reader, why);

	if (r < 0)
		return r;
	place->is_dirty = false;
	place->unsaved_bytes = 0;
	return 0;
}

// 1 with the entry to deliver next, 0 when there is none. One that can't be expanded is left out.
static int next_entry(
	struct outputs *outputs, struct place *place, struct outbox_entry *entry, struct fault *why)
{
	struct outbox_reader *reader = &place->reader;

	for (;;) {
		int r;

		*entry = (struct outbox_entry){ .id = -1 };
		r = outbox_read(outputs->store, reader->entry, entry, &outputs->room, why);
		if (r == 0 || (r < 0 && (r != -EUCLEAN || entry->id < 0)))
			return r;
		if (entry->id != reader->entry)
			reader->offset = 0; // those between are gone
		reader->entry = entry->id;
		if (r > 0 && reader->offset <= entry->length)
			return 1;
		log_error("output %s: entry %lld of the outbox is damaged: %llu lines are lost",
			place->output->name, (long long) entry->id,
			(unsigned long long) entry->n_lines);
		reader->dropped_lines += entry->n_lines;
		reader->entry++;
		reader->offset = 0;
		place->is_dirty = true;
	}
}

static void advance(struct place *place, const struct outbox_entry *entry, size_t length)
{
	struct outbox_reader *reader = &place->reader;

	if (length > 0) {
		if (place->output->mark)
			reader->marks[entry->channel].position += length;
		reader->offset += length;
		place->in_line[entry->channel] = entry->bytes[reader->offset - 1] != '\n';
		place->unsaved_bytes += length;
		place->is_dirty = true;
	}
	if (reader->offset == entry->length) {
		reader->entry = entry->id + 1;
		reader->offset = 0;
		place->is_dirty = true;
	}
}

// After a crash: moves the place over what was written but not saved as such.
static int recover(struct outputs *outputs, struct place *place, struct fault *why)
{
	struct outbox_reader *reader = &place->reader;
	struct outbox_entry entry;
	int r;

	if (!place->output->already)
		return 0;
	while ((r = next_entry(outputs, place, &entry, why)) > 0) {
		size_t rest = entry.length - reader->offset;
		size_t there = place->output->already(place->state, entry.channel,
			&reader->marks[entry.channel], entry.bytes + reader->offset, rest);

		advance(place, &entry, there);
		if (there < rest)
			break;
	}
	return r < 0 ? r : 0;
}

// ---- opening ----

static int open_place(struct place *place, const struct flags *flags, struct fault *why)
{
	const struct output *output = place->output;
	struct fault failure;
	int r = 0;

	place->state = must_alloc(output->state_bytes);
	memset(place->state, 0, output->state_bytes);
	if (output->open)
		r = output->open(place->state, flags, &failure);
	if (r < 0)
		return fail(
			why, r, "Cannot activate %s logger plugin: %s", output->name, failure.text);
	place->opened = true;
	return 0;
}

static int find_place(struct outputs *outputs, struct place *place, struct fault *why)
{
	const struct output *output = place->output;
	struct outbox_mark mark;
	struct fault failure;
	int r = outbox_reader_open(outputs->store, &place->reader, output->name, why);

	if (r == 0)
		r = recover(outputs, place, why);
	// results have their file from the start, and what is wrong with it is said now
	if (r == 0 && output->mark &&
		output->mark(place->state, CHANNEL_RESULTS, &mark, &failure) < 0)
		note_failure(outputs, place, &failure);
	return r;
}

static int open_places(struct outputs *outputs, const struct flags *flags, struct fault *why)
{
	auto_free char *names = must_dup(flags_string(flags, "logger_plugin"));
	char *rest = names, *name;
	int r = 0;

	outputs->places = must_alloc(n_outputs_all * sizeof(*outputs->places));
	while (r == 0 && (name = text_word(&rest, ", "))) {
		const struct output *output = find_output(name);
		bool again = false;

		if (!output)
			return refuse_name(name, why);
		for (size_t i = 0; i < outputs->n_places; i++)
			again |= outputs->places[i].output == output;
		if (again)
			continue;
		outputs->places[outputs->n_places] = (struct place){ .output = output };
		r = open_place(&outputs->places[outputs->n_places++], flags, why);
	}
	// only then: a reader that is in the box for an output that is not used holds all lines
	for (size_t i = 0; r == 0 && outputs->store && i < outputs->n_places; i++)
		r = find_place(outputs, &outputs->places[i], why);
	return r;
}

static int forget_others(struct outputs *outputs, struct fault *why)
{
	auto_free const char **names = must_alloc((outputs->n_places + 1) * sizeof(*names));

	for (size_t i = 0; i < outputs->n_places; i++)
		names[i] = outputs->places[i].output->name;
	return outbox_keep_readers(outputs->store, names, outputs->n_places, why);
}

struct outputs *outputs_open(const struct flags *flags, struct store *store, struct fault *why)
{
	struct outputs *outputs = must_alloc(sizeof(*outputs));
	int r = 0;

	*outputs = (struct outputs){
		.store = store,
		.most_lines = (uint64_t) flags_integer(flags, "buffered_log_max"),
		.most_bytes = (uint64_t) flags_integer(flags, "buffered_log_max_size"),
		.min_status = flags_integer(flags, "logger_min_status"),
	};
	if (!flags_bool(flags, "disable_logging"))
		r = open_places(outputs, flags, why);
	if (r == 0 && store)
		r = forget_others(outputs, why);
	if (r == 0)
		return outputs;
	outputs_close(outputs);
	return NULL;
}

void outputs_close(struct outputs *outputs)
{
	if (!outputs)
		return;
	for (size_t i = 0; i < outputs->n_places; i++) {
		struct place *place = &outputs->places[i];

		if (place->opened && place->output->close)
			place->output->close(place->state);
		free(place->state);
	}
	free(outputs->places);
	text_done(&outputs->room);
	free(outputs);
}

// ---- delivering ----

enum { GOES_ON, WAITS, FAILS };

static int note_outcome(
	struct outputs *outputs, struct place *place, ssize_t r, const struct fault *failure)
{
	if (r >= 0)
		return WAITS;
	note_failure(outputs, place, failure);
	return FAILS;
}

// Whether what stands before the mark is whole lines.
static bool ends_line(
	const struct place *place, enum channel channel, const struct outbox_mark *mark)
{
	const struct outbox_mark last = { mark->file, mark->position - 1 };

	return mark->position == 0 || !place->output->already ||
		place->output->already(place->state, channel, &last, "\n", 1) == 1;
}

static bool is_same(const struct outbox_mark *a, const struct outbox_mark *b)
{
	return a->file == b->file && a->position == b->position;
}

// Where the channel goes on: behind the end of a line that was cut, by us or, where the mark is not
// the one that we left, by whoever wrote there.
static int find_mark(struct outputs *outputs, struct place *place, enum channel channel,
	struct outbox_mark *mark)
{
	const struct output *output = place->output;
	struct fault failure;
	ssize_t r = 0;

	if (output->mark)
		r = output->mark(place->state, channel, mark, &failure);
	if (r >= 0 && !is_same(mark, &place->reader.marks[channel]))
		place->torn[channel] |= !ends_line(place, channel, mark);
	if (r >= 0 && place->torn[channel]) {
		r = output->write(place->state, channel, "\n", 1, &failure);
		if (r == 0)
			return WAITS;
		place->torn[channel] = r < 0;
		if (r > 0 && output->mark)
			r = output->mark(place->state, channel, mark, &failure);
	}
	return r < 0 ? note_outcome(outputs, place, r, &failure) : GOES_ON;
}

// The place is saved with a new mark before anything is written there: so whatever stands behind
// the saved mark after a crash is known to be ours.
static int settle_mark(struct outputs *outputs, struct place *place, enum channel channel,
	int *outcome, struct fault *why)
{
	struct outbox_mark mark = { 0 };

	*outcome = find_mark(outputs, place, channel, &mark);
	if (*outcome != GOES_ON || is_same(&mark, &place->reader.marks[channel]))
		return 0;
	place->reader.marks[channel] = mark;
	return save(outputs, place, why);
}

// Writes the rest of an entry, as far as the output takes it.
static int write_entry(struct outputs *outputs, struct place *place,
	const struct outbox_entry *entry, int *outcome, struct fault *why)
{
	struct outbox_reader *reader = &place->reader;
	int r = settle_mark(outputs, place, entry->channel, outcome, why);

	while (r == 0 && *outcome == GOES_ON && reader->offset < entry->length) {
		struct fault failure;
		ssize_t taken = place->output->write(place->state, entry->channel,
			entry->bytes + reader->offset, entry->length - reader->offset, &failure);

		if (taken <= 0)
			*outcome = note_outcome(outputs, place, taken, &failure);
		else
			advance(place, entry, (size_t) taken);
		if (reader->entry != entry->id)
			break;
	}
	if (r == 0 && *outcome == GOES_ON)
		note_success(outputs, place);
	return r;
}

static int deliver_place(struct outputs *outputs, struct place *place, struct fault *why)
{
	struct outbox_entry entry;
	int outcome = GOES_ON, r = 0;

	while (outcome == GOES_ON && (r = next_entry(outputs, place, &entry, why)) > 0) {
		r = write_entry(outputs, place, &entry, &outcome, why);
		if (r < 0)
			return r;
		if (entry.length == 0)
			advance(place, &entry, 0);
		// what cannot look for itself after a crash would repeat all that is not saved
		if (place->is_dirty &&
			(!place->output->already || place->unsaved_bytes >= SAVE_BYTES))
			r = save(outputs, place, why);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : place->is_dirty ? save(outputs, place, why) : 0;
}

// A store that was replaced does not know the outputs: all that is in it now is to be delivered.
static int check_known(struct outputs *outputs, struct place *place, struct fault *why)
{
	int r = outbox_reader_find(outputs->store, place->output->name, why);

	if (r != 0)
		return r < 0 ? r : 0;
	place->reader.entry = 0;
	place->reader.offset = 0;
	return save(outputs, place, why);
}

static int64_t now_s(void)
{
	struct timespec now;

	(void) clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void warn_dropped(struct outputs *outputs)
{
	if (outputs->dropped_lines == 0 ||
		(outputs->warned_s && now_s() - outputs->warned_s < DROP_WARNING_S))
		return;
	log_warning("outbox: %llu lines that an output had not taken yet were dropped, as more "
		    "waited than buffered_log_max or buffered_log_max_size allow",
		(unsigned long long) outputs->dropped_lines);
	outputs->dropped_lines = 0;
	outputs->warned_s = now_s();
}

// The box may have moved a place on. Then the line that was cut by it must be ended, so that it
// does not spoil the next one.
static int follow(struct outputs *outputs, struct place *place, struct fault *why)
{
	int64_t entry = place->reader.entry;
	int r = outbox_reader_open(outputs->store, &place->reader, place->output->name, why);

	for (int i = 0; r == 0 && place->reader.entry != entry && i < N_CHANNELS; i++) {
		place->torn[i] |= place->in_line[i];
		place->in_line[i] = false;
	}
	return r;
}

static int trim(struct outputs *outputs, struct fault *why)
{
	int64_t dropped = outbox_trim(
		outputs->store, outputs->most_lines, outputs->most_bytes, why);
	int r = dropped < 0 ? (int) dropped : 0;

	if (dropped > 0)
		outputs->dropped_lines += (uint64_t) dropped;
	for (size_t i = 0; r == 0 && dropped > 0 && i < outputs->n_places; i++)
		r = follow(outputs, &outputs->places[i], why);
	warn_dropped(outputs);
	return r;
}

int outputs_deliver(struct outputs *outputs, struct fault *why)
{
	int r = 0;

	if (!outputs->store)
		return 0;
	for (size_t i = 0; r == 0 && i < outputs->n_places; i++) {
		r = check_known(outputs, &outputs->places[i], why);
		if (r == 0)
			r = deliver_place(outputs, &outputs->places[i], why);
	}
	return r < 0 ? r : trim(outputs, why);
}

void outputs_status(struct outputs *outputs, const struct log_entry *entry)
{
	// a verbose line is one of information that is only wanted sometimes
	if ((entry->severity < LOG_INFO ? LOG_INFO : (int) entry->severity) < outputs->min_status)
		return;
	for (size_t i = 0; i < outputs->n_places; i++)
		if (outputs->places[i].output->status)
			outputs->places[i].output->status(outputs->places[i].state, entry);
}
