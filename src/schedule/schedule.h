// SPDX-License-Identifier: Apache-2.0
#pragma once
// When to ask: the queries of all packs that fit this host, each with its next time.
//
// Time is counted in seconds that only go forward, sleep of the machine included, and that were
// those since 1970 when the daemon started. A query runs when the count is a multiple of its
// splayed interval: setting the clock does not move it, and what was missed is run once.

#include "config/config.h"
#include "host/host.h"
#include "sql/sql.h"
#include "store/store.h"

struct schedule_settings {
	uint64_t splay_percent;
	uint64_t pack_refresh_s; // how long the outcome of discovery queries holds
};

// A pack and the state of its discovery queries.
struct scheduled_pack {
	const struct config_pack *config;
	bool active;
	uint64_t asked_s; // when they ran, 0: never
	uint64_t cache_hits, executions;
};

struct scheduled {
	const struct config_query *query;
	struct scheduled_pack *pack;
	uint64_t splayed_s, next_s;
	int64_t denied_until; // seconds since 1970, 0: it may run
	char *denied_why;
	bool told; // that it is denied
	struct performance performance;
};

struct schedule;

// Plans the queries of a configuration at the count `now_s`. What the store remembers of them is
// taken over, and so are the times of `before` (may be NULL). `config` is borrowed. Queries that
// are no longer scheduled are forgotten a week after they last ran. What the store cannot do is
// logged.
struct schedule *schedule_open(const struct config *config, const struct schedule *before,
	const struct schedule_settings *settings, struct store *store, uint64_t now_s);
void schedule_close(struct schedule *schedule);

// When the next query is due; UINT64_MAX: never.
uint64_t schedule_next_s(const struct schedule *schedule);

// The query that has been due longest, whose next time is then set; NULL when none is due.
struct scheduled *schedule_due(struct schedule *schedule, uint64_t now_s);

// Whether the pack's discovery queries, if it has some, gave rows the last time or give them now.
bool schedule_is_active(
	struct schedule *schedule, struct scheduled_pack *pack, struct sql *sql, uint64_t now_s);

// Whether the query is on the denylist at this time (seconds since 1970). One that has served its
// time comes off it.
bool schedule_is_denied(struct scheduled *scheduled, int64_t now);

// Puts it there for a day.
void schedule_deny(struct scheduled *scheduled, int64_t now, const char *why);

// By its full name, or NULL.
struct scheduled *schedule_find(const struct schedule *schedule, const char *name);

// Shows the schedule in `agent`, where the tables find it, as long as it is open.
void schedule_report(struct schedule *schedule, struct agent *agent);
