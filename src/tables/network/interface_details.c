// SPDX-License-Identifier: Apache-2.0
// Network interfaces and their counters, as rtnetlink(7) dumps them; speed and slot come from the
// driver (SIOCETHTOOL, netdevice(7)) and are only asked for when the query uses them.
#include <errno.h>
#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/sockios.h>
#include <string.h>
#include <sys/ioctl.h>

#include "sql/table.h"
#include "tables/network/rtnetlink.h"

enum {
	INTERFACE,
	MAC,
	TYPE,
	MTU,
	METRIC,
	FLAGS,
	IPACKETS,
	OPACKETS,
	IBYTES,
	OBYTES,
	IERRORS,
	OERRORS,
	IDROPS,
	ODROPS,
	COLLISIONS,
	LAST_CHANGE,
	LINK_SPEED,
	PCI_SLOT,
};

static const struct column columns[] = {
	[INTERFACE] = { "interface", TEXT, "Name of the interface." },
	[MAC] = { "mac", TEXT, "Its hardware address, zeros if it has none.", NOCASE },
	[TYPE] = { "type", INTEGER,
		"Kind of hardware (ARPHRD_… of <net/if_arp.h>): 1 Ethernet, 772 loopback." },
	[MTU] = { "mtu", INTEGER, "Bytes that a packet may have." },
	[METRIC] = { "metric", INTEGER, "Cost of the interface; always 0 on Linux." },
	[FLAGS] = { "flags", INTEGER, "Bits IFF_… of netdevice(7)." },
	[IPACKETS] = { "ipackets", BIGINT, "Packets received." },
	[OPACKETS] = { "opackets", BIGINT, "Packets sent." },
	[IBYTES] = { "ibytes", BIGINT, "Bytes received." },
	[OBYTES] = { "obytes", BIGINT, "Bytes sent." },
	[IERRORS] = { "ierrors", BIGINT, "Errors while receiving." },
	[OERRORS] = { "oerrors", BIGINT, "Errors while sending." },
	[IDROPS] = { "idrops", BIGINT, "Received packets that were dropped." },
	[ODROPS] = { "odrops", BIGINT, "Packets that were dropped instead of sent." },
	[COLLISIONS] = { "collisions", BIGINT, "Collisions while sending." },
	[LAST_CHANGE] = { "last_change", BIGINT, "When it was configured; always -1 on Linux." },
	[LINK_SPEED] = { "link_speed", BIGINT, "Speed in Mbit/s, 0 if unknown." },
	[PCI_SLOT] = { "pci_slot", TEXT, "Slot on its bus, -1 if it has none." },
	ELSEWHERE("friendly_name", TEXT),
	ELSEWHERE("description", TEXT),
	ELSEWHERE("manufacturer", TEXT),
	ELSEWHERE("connection_id", TEXT),
	ELSEWHERE("connection_status", TEXT),
	ELSEWHERE("enabled", INTEGER),
	ELSEWHERE("physical_adapter", INTEGER),
	ELSEWHERE("speed", INTEGER),
	ELSEWHERE("service", TEXT),
	ELSEWHERE("dhcp_enabled", INTEGER),
	ELSEWHERE("dhcp_lease_expires", TEXT),
	ELSEWHERE("dhcp_lease_obtained", TEXT),
	ELSEWHERE("dhcp_server", TEXT),
	ELSEWHERE("dns_domain", TEXT),
	ELSEWHERE("dns_domain_suffix_search_order", TEXT),
	ELSEWHERE("dns_host_name", TEXT),
	ELSEWHERE("dns_server_search_order", TEXT),
};

// ---- what the driver says ----

struct driver {
	char name[IF_NAMESIZE];
	char slot[ETHTOOL_BUSINFO_LEN];
	uint32_t speed_mbit; // 0 if unknown
};

static uint32_t ask_speed(int fd, struct ifreq *request)
{
	struct ethtool_cmd settings = { .cmd = ETHTOOL_GSET };
	uint32_t speed;

	request->ifr_data = (void *) &settings;
	if (ioctl(fd, SIOCETHTOOL, request) < 0)
		return 0;
	speed = ethtool_cmd_speed(&settings);
	return speed == (uint32_t) SPEED_UNKNOWN || speed == UINT16_MAX ? 0 : speed;
}

static void ask_slot(int fd, struct ifreq *request, char slot[ETHTOOL_BUSINFO_LEN])
{
	struct ethtool_drvinfo driver = { .cmd = ETHTOOL_GDRVINFO };

	request->ifr_data = (void *) &driver;
	memcpy(slot, "-1", 3);
	if (ioctl(fd, SIOCETHTOOL, request) == 0 && driver.bus_info[0] != '\0' &&
		strcmp(driver.bus_info, "N/A") != 0)
		memcpy(slot, driver.bus_info, ETHTOOL_BUSINFO_LEN);
	slot[ETHTOOL_BUSINFO_LEN - 1] = '\0';
}

// One struct driver for each interface.
static int fetch_drivers(struct arena *arena, char **bytes, size_t *size_bytes, struct fault *why)
{
	auto_close int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct if_nameindex *names = fd < 0 ? NULL : if_nameindex();
	struct driver *drivers;
	size_t n = 0;

	if (!names)
		return fail(why, -errno, "interface_details: %m");
	while (names[n].if_index != 0)
		n++;
	drivers = arena_zero(arena, (n + 1) * sizeof(*drivers));
	for (size_t i = 0; i < n; i++) {
		struct ifreq request = { 0 };
		size_t length = strnlen(names[i].if_name, IF_NAMESIZE - 1);

		memcpy(request.ifr_name, names[i].if_name, length);
		memcpy(drivers[i].name, names[i].if_name, length);
		drivers[i].speed_mbit = ask_speed(fd, &request);
		ask_slot(fd, &request, drivers[i].slot);
	}
	if_freenameindex(names);
	*bytes = (char *) drivers;
	*size_bytes = n * sizeof(*drivers);
	return 0;
}

struct drivers {
	const struct driver *all;
	size_t n;
};

static struct drivers read_drivers(struct scan *scan)
{
	struct drivers drivers = { 0 };
	struct fault why;
	size_t length = 0;

	if (scan_wants(scan, LINK_SPEED) || scan_wants(scan, PCI_SLOT))
		drivers.all = (const struct driver *) scan_answer(
			scan, "ethtool", fetch_drivers, &length, &why);
	drivers.n = drivers.all ? length / sizeof(*drivers.all) : 0;
	return drivers;
}

static void give_driver(struct scan *scan, const struct drivers *drivers, const char *name)
{
	const struct driver *driver = NULL;

	for (size_t i = 0; i < drivers->n && !driver; i++)
		if (strncmp(drivers->all[i].name, name, IF_NAMESIZE) == 0)
			driver = &drivers->all[i];
	scan_integer(scan, LINK_SPEED, driver ? driver->speed_mbit : 0);
	if (driver)
		scan_bytes(
			scan, PCI_SLOT, driver->slot, strnlen(driver->slot, sizeof(driver->slot)));
	else
		scan_text(scan, PCI_SLOT, "-1");
}

// ---- what the kernel says ----

static void give_counters(struct scan *scan, const struct rtnl_link_stats64 *counters)
{
	scan_integer(scan, IPACKETS, (int64_t) counters->rx_packets);
	scan_integer(scan, OPACKETS, (int64_t) counters->tx_packets);
	scan_integer(scan, IBYTES, (int64_t) counters->rx_bytes);
	scan_integer(scan, OBYTES, (int64_t) counters->tx_bytes);
	scan_integer(scan, IERRORS, (int64_t) counters->rx_errors);
	scan_integer(scan, OERRORS, (int64_t) counters->tx_errors);
	scan_integer(scan, IDROPS, (int64_t) counters->rx_dropped);
	scan_integer(scan, ODROPS, (int64_t) counters->tx_dropped);
	scan_integer(scan, COLLISIONS, (int64_t) counters->collisions);
}

// Both kinds begin with the same ten counters and grew at their ends over the years.
static bool read_counters(
	const struct netlink_attribute *attributes, struct rtnl_link_stats64 *counters)
{
	enum { N = offsetof(struct rtnl_link_stats, rx_length_errors) / sizeof(uint32_t) };
	const struct netlink_attribute *large = &attributes[IFLA_STATS64];
	const struct netlink_attribute *small = &attributes[IFLA_STATS];
	uint64_t wide[N] = { 0 };
	uint32_t narrow[N];

	if (large->bytes && large->length >= sizeof(wide)) {
		memcpy(wide, large->bytes, sizeof(wide));
	} else if (small->bytes && small->length >= sizeof(narrow)) {
		memcpy(narrow, small->bytes, sizeof(narrow));
		for (size_t i = 0; i < N; i++)
			wide[i] = narrow[i];
	} else {
		return false;
	}
	memcpy(counters, wide, sizeof(wide));
	return true;
}

static void give_mac(struct scan *scan, const struct netlink_attribute *address)
{
	enum { LEAST = 6, MOST = 32 };
	size_t n = address->length > LEAST ? address->length : LEAST;
	char text[3 * MOST + 1];

	for (size_t i = 0; i < n && i < MOST; i++) {
		unsigned byte = i < address->length ? (unsigned char) address->bytes[i] : 0;

		(void) snprintf(text + 3 * i, 4, "%02x:", byte);
	}
	scan_bytes(scan, MAC, text, 3 * (n < MOST ? n : MOST) - 1);
}

// The flag says whether it was set by hand; the count includes programs that asked by their
// sockets.
static unsigned real_flags(const struct interface *interface)
{
	const struct netlink_attribute *count = &interface->attributes[IFLA_PROMISCUITY];

	return interface->flags | (rtnetlink_u32(count, 0) > 0 ? IFF_PROMISC : 0);
}

static bool give(
	struct scan *scan, const struct interface *interface, const struct drivers *drivers)
{
	bool more = scan_row(scan);
	struct rtnl_link_stats64 counters;

	scan_text(scan, INTERFACE, interface->name);
	give_mac(scan, &interface->attributes[IFLA_ADDRESS]);
	scan_integer(scan, TYPE, interface->hardware);
	if (interface->attributes[IFLA_MTU].bytes)
		scan_integer(scan, MTU, rtnetlink_u32(&interface->attributes[IFLA_MTU], 0));
	scan_integer(scan, METRIC, 0);
	scan_integer(scan, FLAGS, real_flags(interface));
	if (read_counters(interface->attributes, &counters))
		give_counters(scan, &counters);
	scan_integer(scan, LAST_CHANGE, -1);
	give_driver(scan, drivers, interface->name);
	return more;
}

static int generate(struct scan *scan, struct fault *why)
{
	struct interface *interfaces;
	struct drivers drivers;
	size_t n;
	int r = rtnetlink_interfaces(scan, &interfaces, &n, why);

	if (r < 0)
		return r;
	drivers = read_drivers(scan);
	for (size_t i = 0; i < n; i++)
		if (!give(scan, &interfaces[i], &drivers))
			break;
	return 0;
}

const struct table table_interface_details = {
	.name = "interface_details",
	.about = "Network interfaces and their counters.",
	COLUMNS(columns),
	EXAMPLES("SELECT interface, ibytes, obytes FROM interface_details",
		"SELECT d.interface, d.mac, a.address FROM interface_details AS d JOIN "
		"interface_addresses AS a USING (interface)"),
	.attributes = CACHEABLE,
	.estimate = { .rows = 5, .start = 50, .row = 5 },
	.generate = generate,
};
