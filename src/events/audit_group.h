// SPDX-License-Identifier: Apache-2.0
#pragma once
// All records of one call, and how the reader's parts make events of them.

#include "events/audit_call.h"
#include "events/audit_reader.h"

enum {
	AUDIT_GROUPS = 64, // open at once
	AUDIT_GROUP_RECORDS = 96,
	AUDIT_GROUP_BYTES = 96 << 10,
	AUDIT_UNSURE_FORKS = 64,
};

struct audit_group {
	struct audit_stamp stamp;
	int64_t begun_ms;
	const struct audit_call_kind *kind;
	struct audit_call call;
	char *exe; // decoded; the group's
	size_t exe_room;
	struct text text; // of the records
	struct audit_part {
		int type;
		uint32_t at, length;
	} parts[AUDIT_GROUP_RECORDS];
	size_t n_parts;
	uint64_t lost_parts; // there was no room for
};

struct audit_reader {
	struct audit_reader_settings settings;
	char *own_path;
	struct audit_calls calls;
	struct audit_group *groups[AUDIT_GROUPS]; // the oldest first
	size_t n_groups;
	struct audit_group *spare[AUDIT_GROUPS]; // to be used again
	size_t n_spare;
	struct arena arena; // of the event that is being made
	struct audit_files *files; // open for writing
	// Calls of clone3 whose child was gone: it was a process if a call of its own follows.
	struct audit_fork {
		struct audit_stamp stamp;
		const struct audit_call_kind *kind;
		struct audit_call call;
	} unsure[AUDIT_UNSURE_FORKS];
	size_t n_unsure, next_unsure;
	uint32_t *alive; // ids of processes that were told of and may have ended
	size_t n_alive, alive_room;
	int64_t looked_ms; // for them
	struct audit_reader_counts counts;
};

// The next record of the type; `*from` is 0 at first. False when there is no further one.
bool audit_group_next(
	const struct audit_group *group, int type, size_t *from, struct audit_text *record);

// What all events of a call have.
void audit_event_init(const struct audit_reader *reader, const struct audit_group *group,
	enum event_kind kind, struct event *event);
bool audit_wants(const struct audit_reader *reader, enum event_kind kind);
void audit_give(struct audit_reader *reader, struct event *event);
// The decoded value of a record's field, in the reader's arena; NULL when it has none.
char *audit_decoded(struct audit_reader *reader, struct audit_text record, const char *name);
// Its working directory.
char *audit_group_cwd(struct audit_reader *reader, const struct audit_group *group);

// Executions, forks, signals, sockets.
void audit_make_exec(struct audit_reader *reader, const struct audit_group *group);
void audit_make_fork(struct audit_reader *reader, const struct audit_group *group);
// A process has made a call: its fork, if we were not sure of it, was one.
void audit_settle_fork(struct audit_reader *reader, uint32_t pid);
void audit_make_kill(struct audit_reader *reader, const struct audit_group *group);
void audit_make_socket(struct audit_reader *reader, const struct audit_group *group);

// Records that stand alone: of users, SELinux, AppArmor, seccomp. `record` is behind the stamp.
void audit_make_record(struct audit_reader *reader, const struct audit_stamp *stamp, int type,
	struct audit_text record);

// Files, and those that are open for writing.
struct audit_files *audit_files_new(void);
void audit_files_free(struct audit_files *files);
void audit_make_file(struct audit_reader *reader, const struct audit_group *group);
void audit_files_look(struct audit_reader *reader);
size_t audit_files_n(const struct audit_files *files);
