// SPDX-License-Identifier: Apache-2.0
// Addresses of the network interfaces, as rtnetlink(7) dumps them.
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "sql/table.h"
#include "tables/network/rtnetlink.h"

enum { INTERFACE, ADDRESS, MASK, BROADCAST, POINT_TO_POINT, TYPE };

static const struct column columns[] = {
	[INTERFACE] = { "interface", TEXT, "Name of the interface, or the label of the address." },
	[ADDRESS] = { "address", TEXT, "Its address; one of the link has %interface behind it." },
	[MASK] = { "mask", TEXT, "Mask of the network, as an address." },
	[BROADCAST] = { "broadcast", TEXT, "Address that reaches all of the network." },
	[POINT_TO_POINT] = { "point_to_point", TEXT, "Address of the only other side." },
	[TYPE] = { "type", TEXT, "How it was assigned; always unknown on Linux." },
	ELSEWHERE("friendly_name", TEXT),
};

static void give_mask(struct scan *scan, int family, unsigned bits)
{
	unsigned char mask[16] = { 0 };
	char text[INET6_ADDRSTRLEN];
	unsigned most = family == AF_INET ? 32 : 128;

	for (unsigned i = 0; i < (bits < most ? bits : most); i++)
		mask[i / 8] |= (unsigned char) (0x80 >> i % 8);
	scan_text(scan, MASK, inet_ntop(family, mask, text, sizeof(text)));
}

static bool is_of_link(int family, const struct netlink_attribute *address)
{
	struct in6_addr bytes;

	if (family != AF_INET6 || address->length != sizeof(bytes))
		return false;
	memcpy(&bytes, address->bytes, sizeof(bytes));
	return IN6_IS_ADDR_LINKLOCAL(&bytes) || IN6_IS_ADDR_MC_LINKLOCAL(&bytes);
}

static void give_peers(struct scan *scan, int family, const struct interface *interface,
	const struct netlink_attribute *attributes)
{
	const struct netlink_attribute *local = &attributes[IFA_LOCAL];
	const struct netlink_attribute *peer = &attributes[IFA_ADDRESS];
	char text[INET6_ADDRSTRLEN];
	bool same = local->length == peer->length && local->bytes && peer->bytes &&
		memcmp(local->bytes, peer->bytes, local->length) == 0;

	scan_text(scan, BROADCAST, rtnetlink_address(&attributes[IFA_BROADCAST], family, text));
	// where all can be reached at once the kernel repeats our own address as that of the peer
	if (local->bytes && !(same && interface && interface->flags & IFF_BROADCAST))
		scan_text(scan, POINT_TO_POINT, rtnetlink_address(peer, family, text));
}

static bool give(struct scan *scan, const struct ifaddrmsg *message,
	const struct interface *interface, const struct netlink_attribute *attributes)
{
	int family = message->ifa_family;
	const struct netlink_attribute *own =
		&attributes[attributes[IFA_LOCAL].bytes ? IFA_LOCAL : IFA_ADDRESS];
	const char *label = rtnetlink_text(&attributes[IFA_LABEL], scan_arena(scan));
	const char *name = label && *label ? label : interface ? interface->name : NULL;
	char text[INET6_ADDRSTRLEN];
	bool more;

	if (!rtnetlink_address(own, family, text))
		return true;
	more = scan_row(scan);
	scan_text(scan, INTERFACE, name);
	if (is_of_link(family, own) && interface)
		scan_printf(scan, ADDRESS, "%s%%%s", text, interface->name);
	else
		scan_text(scan, ADDRESS, text);
	give_mask(scan, family, message->ifa_prefixlen);
	give_peers(scan, family, interface, attributes);
	scan_text(scan, TYPE, "unknown");
	return more;
}

static int generate(struct scan *scan, struct fault *why)
{
	struct netlink_attribute attributes[IFA_MAX + 1];
	struct interface *interfaces;
	struct netlink_bytes dump;
	struct ifaddrmsg message;
	size_t n;
	int r = rtnetlink_interfaces(scan, &interfaces, &n, why);

	if (r == 0)
		r = rtnetlink_dump(scan, RTM_GETADDR, &dump, why);
	if (r < 0)
		return r;
	while (rtnetlink_next(
		&dump, RTM_NEWADDR, &message, sizeof(message), attributes, IFA_MAX + 1))
		if (!give(scan, &message,
			    rtnetlink_interface(interfaces, n, (int) message.ifa_index),
			    attributes))
			break;
	return 0;
}

const struct table table_interface_addresses = {
	.name = "interface_addresses",
	.about = "Addresses of the network interfaces.",
	COLUMNS(columns),
	EXAMPLES("SELECT interface, address FROM interface_addresses WHERE interface != 'lo'"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 10, .start = 60 },
	.generate = generate,
};
