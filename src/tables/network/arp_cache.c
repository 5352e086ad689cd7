// SPDX-License-Identifier: Apache-2.0
// The kernel's IPv4 neighbour cache, as /proc/net/arp shows it (net/ipv4/arp.c).
#include <errno.h>
#include <net/if_arp.h>

#include "sql/table.h"

enum { ADDRESS, MAC, INTERFACE, PERMANENT };

static const struct column columns[] = {
	[ADDRESS] = { "address", TEXT, "IPv4 address of the neighbour." },
	[MAC] = { "mac", TEXT, "Its link-layer address.", NOCASE },
	[INTERFACE] = { "interface", TEXT, "Interface it was seen on." },
	[PERMANENT] = { "permanent", TEXT, "1 if the entry never expires, else 0." },
};

static int generate(struct scan *scan, struct fault *why)
{
	auto_fclose FILE *file = scan_open(scan, "proc/net/arp");
	char line[256], address[64], mac[64], interface[32];
	unsigned flags;

	if (!file)
		return fail(why, -errno, "arp_cache: /proc/net/arp: %m");

	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%63s %*s %x %63s %*s %31s", address, &flags, mac, interface) != 4)
			continue; // the heading

		scan_row(scan);
		scan_text(scan, ADDRESS, address);
		scan_text(scan, MAC, mac);
		scan_text(scan, INTERFACE, interface);
		scan_text(scan, PERMANENT, flags == (ATF_PERM | ATF_COM) ? "1" : "0");
	}
	return 0;
}

const struct table table_arp_cache = {
	.name = "arp_cache",
	.about = "Neighbours this machine has resolved to a link-layer address.",
	COLUMNS(columns),
	EXAMPLES("SELECT interface, count(*) FROM arp_cache GROUP BY interface"),
	.generate = generate,
};
