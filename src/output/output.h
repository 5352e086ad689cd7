// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where results and status lines go. src/output/NAME.c defines output_NAME; the flag logger_plugin
// names those in use. Lines come from the outbox of the store, which keeps them until every output
// has taken them.

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/base.h"
#include "base/flags.h"
#include "base/log.h"
#include "store/outbox.h"

// One kind of output. All functions but `open` and `write` may be missing.
struct output {
	const char *name;
	const char *about;
	size_t state_bytes; // of `state`, which `open` finds all zero
	int (*open)(void *state, const struct flags *flags, struct fault *why);
	void (*close)(void *state);

	// Where the next byte of the channel will go. Reopens, and rotates, as needed before.
	int (*mark)(void *state, enum channel channel, struct outbox_mark *mark, struct fault *why);

	// After a crash: how many of these bytes already stand at the mark.
	size_t (*already)(void *state, enum channel channel, const struct outbox_mark *mark,
		const char *bytes, size_t length);

	// Takes bytes of the channel's stream: how many (fewer when it would have to wait), or a
	// negative errno when it cannot now.
	ssize_t (*write)(void *state, enum channel channel, const char *bytes, size_t length,
		struct fault *why);

	// Takes a status line. What cannot be written is gone.
	void (*status)(void *state, const struct log_entry *entry);
};

extern const struct output *const outputs_all[];
extern const size_t n_outputs_all;

// All outputs in use.
struct outputs;

// Opens what the flags name. NULL with the reason: an unknown name, a value of a flag that is none.
// `store` is borrowed; NULL: status lines only.
struct outputs *outputs_open(const struct flags *flags, struct store *store, struct fault *why);
void outputs_close(struct outputs *outputs);

// Delivers what is in the outbox, as much as each output takes, and trims the box by the flags
// buffered_log_max and buffered_log_max_size. An output that fails is tried again the next time;
// when it begins to fail and when it is well again is logged. 0, or a fault of the store.
int outputs_deliver(struct outputs *outputs, struct fault *why);

// Gives a status line to every output, from logger_min_status on.
void outputs_status(struct outputs *outputs, const struct log_entry *entry);
