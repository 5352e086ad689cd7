// SPDX-License-Identifier: Apache-2.0
#pragma once
// What rtnetlink(7) dumps: interfaces, addresses, routes. The answers are kept as they came from
// the kernel and read with bounds checked. Not a table.

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>

#include "sql/table.h"

// Messages and attributes within `at` and `end`.
struct netlink_bytes {
	const char *at, *end;
};

// All answers to a dump request (RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE), recorded by scan_answer.
int rtnetlink_dump(
	struct scan *scan, unsigned short request, struct netlink_bytes *dump, struct fault *why);

// Cuts off the next message of that type with a body of at least `body_bytes`, which are copied to
// `body`; its attributes are put into `attributes` by type, those from `n` on are dropped. False at
// the end, or where the bytes make no sense.
struct netlink_attribute {
	const char *bytes; // NULL if there is none
	size_t length;
};
bool rtnetlink_next(struct netlink_bytes *dump, unsigned short type, void *body, size_t body_bytes,
	struct netlink_attribute *attributes, size_t n);

// The attributes within bytes, by type.
void rtnetlink_attributes(
	struct netlink_bytes bytes, struct netlink_attribute *attributes, size_t n);

// A number of 32 bits, or `missing`; a text that may lack its NUL, or NULL.
uint32_t rtnetlink_u32(const struct netlink_attribute *attribute, uint32_t missing);
const char *rtnetlink_text(const struct netlink_attribute *attribute, struct arena *arena);

// The text of an address of AF_INET or AF_INET6, or NULL if its length does not fit.
const char *rtnetlink_address(
	const struct netlink_attribute *attribute, int family, char text[INET6_ADDRSTRLEN]);

// The interfaces by number.
struct interface {
	int index;
	unsigned flags;
	const char *name; // never empty, without '/'
	unsigned short hardware; // ARPHRD_…
	struct netlink_attribute attributes[IFLA_PROMISCUITY + 1];
};
int rtnetlink_interfaces(
	struct scan *scan, struct interface **interfaces, size_t *n, struct fault *why);
const struct interface *rtnetlink_interface(
	const struct interface *interfaces, size_t n, int index);
