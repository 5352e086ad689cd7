// SPDX-License-Identifier: Apache-2.0
// How IPv6 behaves on each network interface, from /proc/sys/net/ipv6/conf (the kernel's
// Documentation/networking/ip-sysctl.rst).
#include "sql/table.h"
#include "tables/network/rtnetlink.h"

enum { INTERFACE, HOP_LIMIT, FORWARDING_ENABLED, REDIRECT_ACCEPT, RTADV_ACCEPT };

static const struct column columns[] = {
	[INTERFACE] = { "interface", TEXT, "Name of the interface." },
	[HOP_LIMIT] = { "hop_limit", INTEGER, "Hops that packets may take, -1 if unknown." },
	[FORWARDING_ENABLED] = { "forwarding_enabled", INTEGER,
		"1 if packets of others are passed on, -1 if unknown." },
	[REDIRECT_ACCEPT] = { "redirect_accept", INTEGER,
		"1 if redirects of routers are followed, -1 if unknown." },
	[RTADV_ACCEPT] = { "rtadv_accept", INTEGER,
		"1 if routers may configure the interface, -1 if unknown." },
};

enum { UNKNOWN = -1 };

static int64_t read_setting(struct scan *scan, const char *interface, const char *name)
{
	char *path = arena_printf(
		scan_arena(scan), "proc/sys/net/ipv6/conf/%s/%s", interface, name);
	char *text = scan_read(scan, path, NULL);
	int64_t value;

	return text && text_integer(text_trim(text), 10, &value) == 0 ? value : UNKNOWN;
}

// A router follows redirects only if all interfaces may, a host also if this one may.
static int64_t follows_redirects(struct scan *scan, const char *interface, int64_t forwarding)
{
	int64_t all = read_setting(scan, "all", "accept_redirects");
	int64_t one = read_setting(scan, interface, "accept_redirects");

	if (all == UNKNOWN || one == UNKNOWN || forwarding == UNKNOWN)
		return UNKNOWN;
	return forwarding ? all && one : all || one;
}

// A router takes no advice of others unless it is told so by a 2.
static int64_t takes_advertisements(struct scan *scan, const char *interface, int64_t forwarding)
{
	int64_t accept = read_setting(scan, interface, "accept_ra");

	if (accept == 2 || accept == UNKNOWN)
		return accept == 2 ? 1 : UNKNOWN;
	return forwarding == UNKNOWN ? UNKNOWN : accept && !forwarding;
}

static int generate(struct scan *scan, struct fault *why)
{
	struct interface *interfaces;
	size_t n;
	int r = rtnetlink_interfaces(scan, &interfaces, &n, why);

	for (size_t i = 0; r == 0 && i < n; i++) {
		const char *name = interfaces[i].name;
		int64_t forwarding = read_setting(scan, name, "forwarding");
		bool more = scan_row(scan);

		scan_text(scan, INTERFACE, name);
		scan_integer(scan, FORWARDING_ENABLED, forwarding);
		if (scan_wants(scan, HOP_LIMIT))
			scan_integer(scan, HOP_LIMIT, read_setting(scan, name, "hop_limit"));
		if (scan_wants(scan, REDIRECT_ACCEPT))
			scan_integer(
				scan, REDIRECT_ACCEPT, follows_redirects(scan, name, forwarding));
		if (scan_wants(scan, RTADV_ACCEPT))
			scan_integer(
				scan, RTADV_ACCEPT, takes_advertisements(scan, name, forwarding));
		if (!more)
			break;
	}
	return r;
}

const struct table table_interface_ipv6 = {
	.name = "interface_ipv6",
	.about = "How IPv6 behaves on each network interface.",
	COLUMNS(columns),
	EXAMPLES("SELECT interface FROM interface_ipv6 WHERE rtadv_accept = 1"),
	.estimate = { .rows = 5, .start = 30, .row = 20 },
	.generate = generate,
};
