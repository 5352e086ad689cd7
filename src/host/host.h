// SPDX-License-Identifier: Apache-2.0
#pragma once
// The host that is asked: where its files are read, what is set by flags, who asks, and what
// several tables share about it. Below SQL: nothing here knows a query.

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/flags.h"

struct accounts;
struct digest_cache;
struct table;

// What the program says of itself.
struct agent {
	const char *version;
	int64_t start_time; // seconds since 1970
	bool daemon;
	const struct table *const *tables; // all of them, in byte order of their names
	size_t n_tables;
};

struct host {
	struct root root;
	const struct flags *flags;
	const struct agent *agent;
	struct accounts *accounts; // by accounts_open
	char instance_id[36 + 1]; // by identity_instance
	struct digest_cache *digests; // by the table hash
};

// Opens the host below the flag host_root. `flags` and `agent` are borrowed.
int host_open(
	struct host *host, const struct flags *flags, const struct agent *agent, struct fault *why);

// Opens the same host as another process sees it, below /proc/<pid>/root.
int host_open_process(struct host *host, const struct host *parent, int64_t pid, struct fault *why);

void host_close(struct host *host);
