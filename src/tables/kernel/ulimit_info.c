// SPDX-License-Identifier: Apache-2.0
// The limits that this very process runs under (getrlimit(2)).
#include <inttypes.h>
#include <sys/resource.h>

#include "sql/table.h"

enum { TYPE, SOFT_LIMIT, HARD_LIMIT };

static const struct column columns[] = {
	[TYPE] = { "type", TEXT, "What is limited, as in limits.conf(5)." },
	[SOFT_LIMIT] = { "soft_limit", TEXT, "The limit in force, or unlimited." },
	[HARD_LIMIT] = { "hard_limit", TEXT, "What it may be raised to, or unlimited." },
};

static const struct {
	const char *name;
	int resource;
} limits[] = {
	{ "cpu", RLIMIT_CPU },
	{ "fsize", RLIMIT_FSIZE },
	{ "data", RLIMIT_DATA },
	{ "stack", RLIMIT_STACK },
	{ "core", RLIMIT_CORE },
	{ "nofile", RLIMIT_NOFILE },
	{ "as", RLIMIT_AS },
	{ "rss", RLIMIT_RSS },
	{ "memlock", RLIMIT_MEMLOCK },
	{ "nproc", RLIMIT_NPROC },
	{ "locks", RLIMIT_LOCKS },
	{ "sigpending", RLIMIT_SIGPENDING },
	{ "msgqueue", RLIMIT_MSGQUEUE },
	{ "nice", RLIMIT_NICE },
	{ "rtprio", RLIMIT_RTPRIO },
};

static void give_limit(struct scan *scan, unsigned column, rlim_t limit)
{
	if (limit == RLIM_INFINITY)
		scan_text(scan, column, "unlimited");
	else
		scan_printf(scan, column, "%" PRIuMAX, (uintmax_t) limit);
}

static int generate(struct scan *scan, struct fault *why)
{
	(void) why; // each of these resources can always be asked for
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		struct rlimit limit;

		if (getrlimit(limits[i].resource, &limit) < 0)
			continue;
		scan_row(scan);
		scan_text(scan, TYPE, limits[i].name);
		give_limit(scan, SOFT_LIMIT, limit.rlim_cur);
		give_limit(scan, HARD_LIMIT, limit.rlim_max);
	}
	return 0;
}

const struct table table_ulimit_info = {
	.name = "ulimit_info",
	.about = "Limits that this process runs under.",
	COLUMNS(columns),
	EXAMPLES("SELECT soft_limit FROM ulimit_info WHERE type = 'nofile'"),
	.estimate.rows = 15,
	.generate = generate,
};
