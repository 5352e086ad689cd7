// SPDX-License-Identifier: Apache-2.0
// The routes of all tables of IPv4 and IPv6, as rtnetlink(7) dumps them.
#include <netinet/in.h>
#include <string.h>

#include "sql/table.h"
#include "tables/network/rtnetlink.h"

enum {
	DESTINATION,
	NETMASK,
	GATEWAY,
	SOURCE,
	FLAGS,
	INTERFACE,
	MTU,
	METRIC,
	TYPE,
	HOPCOUNT,
};

static const struct column columns[] = {
	[DESTINATION] = { "destination", TEXT, "Network it leads to; 0.0.0.0 or :: is the rest." },
	[NETMASK] = { "netmask", INTEGER, "How many bits of the destination count." },
	[GATEWAY] = { "gateway", TEXT, "Router that passes packets on." },
	[SOURCE] = { "source", TEXT, "Address of ours that packets get." },
	[FLAGS] = { "flags", INTEGER, "Bits RTNH_F_… and RTM_F_… of rtnetlink(7)." },
	[INTERFACE] = { "interface", TEXT, "Interface that packets leave by." },
	[MTU] = { "mtu", INTEGER, "Bytes that a packet may have, 0 if the route sets no limit." },
	[METRIC] = { "metric", INTEGER, "Cost; the smaller one is taken." },
	[TYPE] = { "type", TEXT, "gateway, local, broadcast, anycast or other.", ADDITIONAL },
	[HOPCOUNT] = { "hopcount", INTEGER, "Hops that packets may take, 0 if it is not set." },
};

struct state {
	struct interface *interfaces;
	size_t n_interfaces;
	struct netlink_bytes dump;
	struct rtmsg message; // the current route
	struct netlink_attribute attributes[RTA_MAX + 1];
	struct netlink_bytes hops; // what is left of its next hops
};

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	int r = 0;

	if (scan_wants(scan, INTERFACE))
		r = rtnetlink_interfaces(scan, &state->interfaces, &state->n_interfaces, why);
	return r < 0 ? r : rtnetlink_dump(scan, RTM_GETROUTE, &state->dump, why);
}

static const char *type_name(unsigned char type)
{
	switch (type) {
	case RTN_UNICAST:
		return "gateway";
	case RTN_LOCAL:
		return "local";
	case RTN_BROADCAST:
		return "broadcast";
	case RTN_ANYCAST:
		return "anycast";
	default:
		return "other";
	}
}

static void give_limits(struct scan *scan, const struct netlink_attribute *metrics)
{
	struct netlink_attribute limits[RTAX_HOPLIMIT + 1] = { 0 };

	if (metrics->bytes)
		rtnetlink_attributes(
			(struct netlink_bytes){ metrics->bytes, metrics->bytes + metrics->length },
			limits, RTAX_HOPLIMIT + 1);
	scan_integer(scan, MTU, rtnetlink_u32(&limits[RTAX_MTU], 0));
	scan_integer(scan, HOPCOUNT, rtnetlink_u32(&limits[RTAX_HOPLIMIT], 0));
}

// A router of IPv4 can have an address of IPv6 (RFC 5549): its family stands before it.
static const char *gateway_text(
	const struct netlink_attribute *attributes, int family, char text[INET6_ADDRSTRLEN])
{
	struct netlink_attribute via = attributes[RTA_VIA];
	uint16_t via_family;

	if (attributes[RTA_GATEWAY].bytes || !via.bytes || via.length < sizeof(via_family))
		return rtnetlink_address(&attributes[RTA_GATEWAY], family, text);
	memcpy(&via_family, via.bytes, sizeof(via_family));
	via.bytes += sizeof(via_family);
	via.length -= sizeof(via_family);
	return rtnetlink_address(&via, via_family, text);
}

static void give_hop(struct scan *scan, const struct state *state,
	const struct netlink_attribute *attributes, uint32_t index)
{
	const struct interface *interface = rtnetlink_interface(
		state->interfaces, state->n_interfaces, (int) index);
	char text[INET6_ADDRSTRLEN];

	scan_text(scan, GATEWAY, gateway_text(attributes, state->message.rtm_family, text));
	if (interface)
		scan_text(scan, INTERFACE, interface->name);
}

static void give_route(struct scan *scan, const struct state *state)
{
	const struct rtmsg *message = &state->message;
	const struct netlink_attribute *attributes = state->attributes;
	int family = message->rtm_family;
	char text[INET6_ADDRSTRLEN];
	const char *destination = rtnetlink_address(&attributes[RTA_DST], family, text);

	if (!destination)
		destination = family == AF_INET ? "0.0.0.0" : "::";
	scan_text(scan, DESTINATION, destination);
	scan_integer(scan, NETMASK, message->rtm_dst_len);
	scan_text(scan, SOURCE, rtnetlink_address(&attributes[RTA_PREFSRC], family, text));
	scan_integer(scan, FLAGS, message->rtm_flags);
	scan_integer(scan, METRIC, rtnetlink_u32(&attributes[RTA_PRIORITY], 0));
	scan_text(scan, TYPE, type_name(message->rtm_type));
	give_limits(scan, &attributes[RTA_METRICS]);
}

// The next of several routers that share the packets of one route.
static bool next_hop(struct scan *scan, struct state *state)
{
	struct netlink_attribute attributes[RTA_MAX + 1];
	size_t left = (size_t) (state->hops.end - state->hops.at);
	struct rtnexthop hop;

	if (left < sizeof(hop))
		return false;
	memcpy(&hop, state->hops.at, sizeof(hop));
	if (hop.rtnh_len < sizeof(hop) || hop.rtnh_len > left)
		return false;
	rtnetlink_attributes((struct netlink_bytes){ state->hops.at + sizeof(hop),
				     state->hops.at + hop.rtnh_len },
		attributes, RTA_MAX + 1);
	give_route(scan, state);
	give_hop(scan, state, attributes, (uint32_t) hop.rtnh_ifindex);
	state->hops.at = (size_t) RTNH_ALIGN(hop.rtnh_len) >= left
		? state->hops.end
		: state->hops.at + RTNH_ALIGN(hop.rtnh_len);
	return true;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	const struct netlink_attribute *several = &state->attributes[RTA_MULTIPATH];

	(void) why;
	if (next_hop(scan, state))
		return ROW;
	if (!rtnetlink_next(&state->dump, RTM_NEWROUTE, &state->message, sizeof(state->message),
		    state->attributes, RTA_MAX + 1))
		return END;
	if (state->message.rtm_family != AF_INET && state->message.rtm_family != AF_INET6)
		return SKIP;
	if (several->bytes) {
		state->hops = (struct netlink_bytes){ several->bytes,
			several->bytes + several->length };
		return SKIP;
	}
	state->hops = (struct netlink_bytes){ 0 };
	give_route(scan, state);
	give_hop(scan, state, state->attributes, rtnetlink_u32(&state->attributes[RTA_OIF], 0));
	return ROW;
}

const struct table table_routes = {
	.name = "routes",
	.about = "Routes of all tables of the kernel.",
	COLUMNS(columns),
	EXAMPLES("SELECT gateway, interface, metric FROM routes WHERE destination = '0.0.0.0' AND "
		 "netmask = 0",
		"SELECT * FROM routes WHERE type = 'gateway'"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 100, .start = 60 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
};
