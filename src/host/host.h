// SPDX-License-Identifier: Apache-2.0
#pragma once
// The host that is asked: where its files are read, what is set by flags, who asks, and what
// several tables share about it. Below SQL: nothing here knows a query.

#include <stdbool.h>
#include <stdint.h>

#include "base/base.h"
#include "base/flags.h"
#include "store/record.h"

struct accounts;
struct digest_cache;
struct event_view;
struct table;

// A query of the schedule and a pack, as osquery_schedule and osquery_packs show them.
struct query_report {
	const char *name, *sql;
	uint64_t interval_s;
	int64_t denied_until; // seconds since 1970; 0: it may run
	const char *denied_why; // NULL: it may run
	struct performance performance;
};

struct pack_report {
	const char *name, *platform, *version;
	uint64_t shard;
	uint64_t cache_hits, executions; // of its discovery queries
	bool active;
};

// What the program says of itself. What only a daemon or a configuration knows may be missing.
struct agent {
	const char *version;
	int64_t start_time; // seconds since 1970
	bool daemon;
	int supervisor; // its process id, 0: none
	const char *config_hash; // NULL: no valid configuration
	const char *instance_id; // that of the store, NULL: none
	void (*refresh)(void *context); // brings the following up to date; NULL: they always are
	void *refresh_context;
	const struct query_report *queries;
	size_t n_queries;
	const struct pack_report *packs;
	size_t n_packs;
	const struct table *const *tables; // all of them, in byte order of their names
	size_t n_tables;
	const char *(*output_name)(size_t at); // of each output; NULL: that was the last
};

struct host {
	struct root root;
	const struct flags *flags;
	const struct agent *agent;
	struct accounts *accounts; // by accounts_open
	char instance_id[36 + 1]; // by identity_instance
	struct digest_cache *digests; // by the table hash
	struct event_view *events; // the program's; NULL: events are disabled
};

// Opens the host below the flag host_root. `flags` and `agent` are borrowed.
int host_open(
	struct host *host, const struct flags *flags, const struct agent *agent, struct fault *why);

// Opens the same host as another process sees it, below /proc/<pid>/root.
int host_open_process(struct host *host, const struct host *parent, int64_t pid, struct fault *why);

void host_close(struct host *host);
