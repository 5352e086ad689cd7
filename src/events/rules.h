// SPDX-License-Identifier: Apache-2.0
#pragma once
// What file integrity monitoring is about: the patterns of file_paths, exclude_paths and the mutes,
// compiled so that a path is judged in well under a microsecond, and the folders that a source has
// to watch for it.
//
// A pattern is a path whose parts may hold wildcards (% or *: any text within one part); %% as its
// last part is everything below, however deep. A pattern without wildcards that names a folder
// means what is directly in it; one that ends in '/' too.

#include <stdbool.h>

#include "base/base.h"
#include "events/event.h"

struct rules;

struct rule_list { // as struct config_list
	const char *name;
	const char *const *values; // NULL-terminated
};

struct rules_given {
	const struct rule_list *file_paths; // categories and their patterns
	size_t n_file_paths;
	const struct rule_list *exclude_paths;
	size_t n_exclude_paths;
	const char *const *file_accesses; // categories; NULL-terminated, or NULL
	const char *const *mute_paths; // patterns; likewise
	const char *const *mute_processes; // patterns of executables; likewise
	bool opens; // enable_fim_open_events
};

// Copies what it is given. Patterns that mean nothing (no leading '/') are logged and left out.
struct rules *rules_open(const struct root *root, const struct rules_given *given);
void rules_close(struct rules *rules);

// A folder below which something is watched: the part of a pattern before its first wildcard.
// `path` is without links; where the folder is missing it is the nearest one above that is there.
struct rule_watch {
	const char *path;
	unsigned depth; // how many levels below it: 1 what is directly in it; UINT_MAX all
	bool opens; // opens are wanted, else only changes
	bool missing; // stands for a folder below it that is not there yet
	uint64_t device, inode, born_ns; // which folder that is at present, as far as it is known
};

// The watches, no folder twice. They change when rules_resolve says so.
const struct rule_watch *rules_watches(const struct rules *rules, size_t *n);

// Looks at the folders again, when one of them may have come, gone or moved. True if the watches
// have changed.
bool rules_resolve(struct rules *rules);

// Whether a folder at the path concerns the watches: it is above or is one of them, so that the
// watches are to be resolved when it comes, goes or moves.
bool rules_concern(const struct rules *rules, const char *path);

// The categories of a path for such an event, in the order of the configuration; none when it is
// excluded or muted. Valid until the next call.
const struct event_category *rules_match(
	struct rules *rules, enum event_kind kind, const char *path, size_t *n);

// Whether events of the executable are muted.
bool rules_mute_process(struct rules *rules, const char *executable);
