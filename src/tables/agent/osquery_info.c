// SPDX-License-Identifier: Apache-2.0
// This program: its version, its process and the machine it speaks for.
#include <unistd.h>

#include "host/host.h"
#include "host/identity.h"
#include "sql/table.h"

#ifndef BUILD_DISTRO
#define BUILD_DISTRO "linux"
#endif

enum {
	PID,
	UUID,
	INSTANCE_ID,
	VERSION_NAME,
	CONFIG_HASH,
	CONFIG_VALID,
	EXTENSIONS,
	BUILD_PLATFORM,
	BUILD_DISTRIBUTION,
	START_TIME,
	WATCHER,
	PLATFORM_MASK
};

static const struct column columns[] = {
	[PID] = { "pid", INTEGER, "Process id." },
	[UUID] = { "uuid", TEXT, "Id of this machine.", NOCASE },
	[INSTANCE_ID] = { "instance_id", TEXT,
		"Random id of this instance: of its store, where it has one." },
	[VERSION_NAME] = { "version", TEXT, "Version of the program.", VERSION },
	[CONFIG_HASH] = { "config_hash", TEXT,
		"Digest of the configuration; empty if none is loaded.", NOCASE },
	[CONFIG_VALID] = { "config_valid", INTEGER, "1 if a configuration is loaded, else 0." },
	[EXTENSIONS] = { "extensions", TEXT, "active if extensions can connect, else inactive." },
	[BUILD_PLATFORM] = { "build_platform", TEXT, "Platform it was built for." },
	[BUILD_DISTRIBUTION] = { "build_distro", TEXT, "Distribution it was built on." },
	[START_TIME] = { "start_time", INTEGER, "Start, in seconds since 1970." },
	[WATCHER] = { "watcher", INTEGER, "Process id of its watcher, -1 if it has none." },
	[PLATFORM_MASK] = { "platform_mask", INTEGER, "Platform as bits: 1 POSIX, 8 Linux." },
};

static int generate(struct scan *scan, struct fault *why)
{
	const struct agent *agent = scan_host(scan)->agent;
	char uuid[UUID_TEXT];

	(void) why; // what cannot be read is missing
	scan_row(scan);
	scan_integer(scan, PID, getpid());
	if (scan_wants(scan, UUID) && identity_uuid(scan_root(scan), uuid))
		scan_text(scan, UUID, uuid);
	if (scan_wants(scan, INSTANCE_ID))
		scan_text(scan, INSTANCE_ID,
			agent->instance_id ? agent->instance_id
					   : identity_instance(scan_host(scan)));
	scan_text(scan, VERSION_NAME, agent->version);
	scan_text(scan, CONFIG_HASH, agent->config_hash);
	scan_integer(scan, CONFIG_VALID, agent->config_hash != NULL);
	scan_text(scan, EXTENSIONS, "inactive");
	scan_text(scan, BUILD_PLATFORM, "linux");
	scan_text(scan, BUILD_DISTRIBUTION, BUILD_DISTRO);
	scan_integer(scan, START_TIME, agent->start_time);
	scan_integer(scan, WATCHER, agent->supervisor ? agent->supervisor : -1);
	scan_integer(scan, PLATFORM_MASK, 1 | 8);
	return 0;
}

const struct table table_osquery_info = {
	.name = "osquery_info",
	.about = "This program and its process.",
	COLUMNS(columns),
	EXAMPLES("SELECT version, uuid FROM osquery_info",
		"SELECT p.resident_size FROM osquery_info JOIN processes p USING (pid)"),
	.attributes = UTILITY,
	.estimate.rows = 1,
	.generate = generate,
};
