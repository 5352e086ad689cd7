// SPDX-License-Identifier: Apache-2.0
#pragma once
// A source of events: one kernel interface, opened once however many tables listen.
// src/events/sources/NAME.c defines `const struct event_source event_source_NAME`.

#include "base/base.h"
#include "base/flags.h"
#include "events/event.h"
#include "events/process.h"
#include "events/rules.h"

struct collector;

// What sources are opened with and configured by. All is borrowed from the collector.
struct event_settings {
	const struct flags *flags;
	const struct root *root;
	struct rules *rules;
	struct processes *processes;
	const char *store_folder; // NULL: the store is in memory
};

// What came and what did not become of it, since the source was first opened.
struct source_counts {
	uint64_t received;
	uint64_t filtered; // not wanted by any table
	uint64_t dropped_kernel; // the kernel had no room for them
	uint64_t dropped_queue; // we had none
};

// An open source.
struct source {
	const struct event_source *source;
	const struct event_settings *settings;
	void *state; // of state_bytes, all zero before open
	uint32_t kinds; // that it shall give: bits of EVENT_BIT

	// set by open
	int fd; // readable when there are events, or -1
	int period_ms; // how often it is read although nothing is readable; 0: never
	char choice[FAULT_TEXT]; // what the kernel lets it do and what it chose, for people
	char position[128]; // up to where it has read, for the source that is opened next; set by
			    // read

	// set by read: what was given should be stored soon, because the kernel keeps room for it
	// until then
	bool urgent;

	struct source_counts counts;
	uint64_t opened; // times
	struct collector *collector;
};

struct event_source {
	const char *name; // as osquery_events has it
	const char *about;
	int order; // sources of a lower one are asked first; a kind is given by one source only
	uint32_t kinds; // that it can give
	size_t state_bytes;

	// Whether the flags want it, given that `kinds` of it are asked for.
	bool (*is_wanted)(const struct event_settings *settings, uint32_t kinds);

	// Opens the kernel's interface: 0, or a negative errno with the reason. Removes kinds it
	// turns out not to be able to give from source->kinds; other sources are then asked.
	// `position` is the last one that was stored with its events ("" at first).
	int (*open)(struct source *source, const char *position, struct fault *why);

	// source->kinds, or the watches of settings->rules, have changed. NULL: does not matter to
	// it.
	int (*configure)(struct source *source, struct fault *why);

	// Gives events that wait (source_give), some milliseconds of work at most. 1 when more are
	// waiting, 0 when not; a negative errno: it is closed and opened again after a while.
	int (*read)(struct source *source, struct fault *why);

	// All that was given so far is stored. NULL: does not matter to it.
	void (*stored)(struct source *source);

	// Undoes what a process that was killed has left in the kernel; called at the start where
	// the source is not wanted now. NULL: it leaves nothing.
	void (*forget)(const struct event_settings *settings);

	// `keep`: what outlives the process may stay (--keep_pins, or it is opened again).
	void (*close)(struct source *source, bool keep);
};

extern const struct event_source *const event_sources_all[];
extern const size_t n_event_sources_all;

// Gives an event to the tables that want it. The collector finds the categories of a file's event
// and drops it when there are none. What the event points to is only used during the call.
//
// A folder that comes, goes or moves is given also where nothing is watched when rules_concern()
// says so: the watches are then resolved again, and `configure` is called.
void source_give(struct source *source, struct event *event);
