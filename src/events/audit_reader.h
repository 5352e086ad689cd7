// SPDX-License-Identifier: Apache-2.0
#pragma once
// Makes events of audit records: joins the records of one event, and tells what they say in the
// words of struct event. It reads bytes and knows nothing of where they come from.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "events/event.h"

struct audit_reader;
struct processes;

struct audit_reader_settings {
	uint32_t kinds; // wanted: bits of EVENT_BIT
	struct processes *processes; // told of forks and executions; NULL: events have no process
	bool tells_processes; // nobody else tells them
	bool live; // the records are of this host and now: files and /proc may be looked at
	uint32_t own_pid; // whose calls are passed over; 0: none
	const char *own_path; // the same of an executable, but for its executions; NULL: none
	int64_t boot_ns; // CLOCK_REALTIME less CLOCK_BOOTTIME

	// What an event points to is valid during the call.
	void (*give)(void *context, struct event *event);
	void *context;
};

struct audit_reader_counts {
	uint64_t filtered; // of what nobody wants to know, or our own calls: they were not given
	uint64_t dropped; // for which there was no room
};

// `own_path` is copied; the rest is borrowed.
struct audit_reader *audit_reader_new(const struct audit_reader_settings *settings);
void audit_reader_free(struct audit_reader *reader);

void audit_reader_want(struct audit_reader *reader, uint32_t kinds);

// One record: its type and "audit(…): …". `now_ms` is of a clock that does not go back.
void audit_reader_take(
	struct audit_reader *reader, int type, const char *bytes, size_t length, int64_t now_ms);

// To be called about every second, and every tenth while audit_reader_waits: gives what was left
// incomplete for some seconds, notices that files were closed and that processes have ended.
void audit_reader_tick(struct audit_reader *reader, int64_t now_ms, int64_t boot_ns);
bool audit_reader_waits(const struct audit_reader *reader);

const struct audit_reader_counts *audit_reader_counts(const struct audit_reader *reader);
