// SPDX-License-Identifier: Apache-2.0
// Rules of the IPv4 packet filter of iptables(8), as the kernel gives them to getsockopt(2) with
// IPT_SO_GET_ENTRIES (<linux/netfilter_ipv4/ip_tables.h>). Rules of nftables are not among them.
//
// A table is one run of entries. Each has a head, matches, and a target from target_offset on; the
// next entry begins at next_offset. The chain of a hook is the entries from hook_entry to
// underflow, and that last entry is its policy. Another chain begins with an entry whose target is
// ERROR and names it, and ends with a RETURN before the next one.
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sql/table.h"

enum {
	FILTER_NAME,
	CHAIN,
	POLICY,
	TARGET,
	PROTOCOL,
	SRC_PORT,
	DST_PORT,
	SRC_IP,
	SRC_MASK,
	INIFACE,
	INIFACE_MASK,
	DST_IP,
	DST_MASK,
	OUTIFACE,
	OUTIFACE_MASK,
	MATCH,
	PACKETS,
	BYTES,
};

static const struct column columns[] = {
	[FILTER_NAME] = { "filter_name", TEXT, "Table: filter, nat, mangle, raw or security." },
	[CHAIN] = { "chain", TEXT, "Chain the rule belongs to." },
	[POLICY] = { "policy", TEXT, "What becomes of packets that no rule of the chain takes." },
	[TARGET] = { "target", TEXT, "What the rule does, or the chain it jumps to." },
	[PROTOCOL] = { "protocol", INTEGER, "Protocol above IP, 0 for all." },
	[SRC_PORT] = { "src_port", TEXT, "Ports of the source, first:last." },
	[DST_PORT] = { "dst_port", TEXT, "Ports of the destination, first:last." },
	[SRC_IP] = { "src_ip", TEXT, "Address of the source; ! before what must not be." },
	[SRC_MASK] = { "src_mask", TEXT, "Mask of that address." },
	[INIFACE] = { "iniface", TEXT, "Interface the packet came in by, or all." },
	[INIFACE_MASK] = { "iniface_mask", TEXT,
		"FF for each byte of its name that counts, the end included." },
	[DST_IP] = { "dst_ip", TEXT, "Address of the destination; ! before what must not be." },
	[DST_MASK] = { "dst_mask", TEXT, "Mask of that address." },
	[OUTIFACE] = { "outiface", TEXT, "Interface the packet leaves by, or all." },
	[OUTIFACE_MASK] = { "outiface_mask", TEXT,
		"FF for each byte of its name that counts, the end included." },
	[MATCH] = { "match", TEXT, "yes if the rule has further conditions, else no." },
	[PACKETS] = { "packets", INTEGER, "Packets the rule or the policy took." },
	[BYTES] = { "bytes", INTEGER, "Their bytes." },
};

// ---- asking ----

enum { ANSWER_LIMIT_BYTES = 512 << 20, TRIES = 5 };

// -EAGAIN when the table changed between the two questions.
static int ask_entries(int fd, const struct ipt_getinfo *info, char *answer, struct fault *why)
{
	socklen_t length = (socklen_t) (sizeof(struct ipt_get_entries) + info->size);
	auto_free struct ipt_get_entries *entries = must_alloc(length);

	memset(entries, 0, sizeof(*entries));
	memcpy(entries->name, info->name, sizeof(entries->name));
	entries->size = info->size;
	if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_ENTRIES, entries, &length) < 0)
		return fail(why, -errno, "iptables: rules of %s: %m", info->name);
	memcpy(answer, entries->entrytable, info->size);
	return 0;
}

// The answer is the ipt_getinfo with the entries behind it.
static int fetch_table(
	const char *name, struct arena *arena, char **bytes, size_t *size_bytes, struct fault *why)
{
	auto_close int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	int r = -EAGAIN;

	if (fd < 0)
		return fail(why, -errno, "iptables: %m");
	for (int i = 0; i < TRIES && r == -EAGAIN; i++) {
		struct ipt_getinfo info = { 0 };
		socklen_t length = sizeof(info);

		memcpy(info.name, name, strlen(name));
		if (getsockopt(fd, IPPROTO_IP, IPT_SO_GET_INFO, &info, &length) < 0)
			return fail(why, -errno, "iptables: %s: %m", name);
		if (info.size > ANSWER_LIMIT_BYTES)
			return fail(why, -EFBIG, "iptables: %s has too many rules", name);
		*size_bytes = sizeof(info) + info.size;
		*bytes = arena_alloc(arena, *size_bytes);
		memcpy(*bytes, &info, sizeof(info));
		r = ask_entries(fd, &info, *bytes + sizeof(info), why);
	}
	return r;
}

#define FETCHER(table)                                                                             \
	static int fetch_##table(                                                                  \
		struct arena *arena, char **bytes, size_t *size_bytes, struct fault *why)          \
	{                                                                                          \
		return fetch_table(#table, arena, bytes, size_bytes, why);                         \
	}
FETCHER(filter)
FETCHER(nat)
FETCHER(mangle)
FETCHER(raw)
FETCHER(security)

// All that the kernel has.
static const struct known {
	const char *name, *answer;
	scan_fetcher *fetch;
} known[] = {
	{ "filter", "iptables_filter", fetch_filter },
	{ "nat", "iptables_nat", fetch_nat },
	{ "mangle", "iptables_mangle", fetch_mangle },
	{ "raw", "iptables_raw", fetch_raw },
	{ "security", "iptables_security", fetch_security },
};

// ---- entries ----

struct rules {
	struct ipt_getinfo info;
	const char *bytes;
	size_t size;
};

// One entry, all of whose parts lie within it.
struct entry {
	size_t at;
	const char *matches, *target;
	size_t matches_size, target_size;
	char target_name[XT_EXTENSION_MAXNAMELEN + 1];
	struct ipt_entry head; // last, as it ends in an array without a size
};

static bool read_entry(const struct rules *rules, size_t at, struct entry *entry)
{
	struct xt_entry_target target;
	const char *bytes = rules->bytes + at;
	size_t left = at < rules->size ? rules->size - at : 0;

	if (left < sizeof(entry->head))
		return false;
	entry->at = at;
	memcpy(&entry->head, bytes, sizeof(entry->head));
	if (entry->head.next_offset > left || entry->head.target_offset < sizeof(entry->head) ||
		entry->head.target_offset + sizeof(target) > entry->head.next_offset)
		return false;
	entry->matches = bytes + sizeof(entry->head);
	entry->matches_size = entry->head.target_offset - sizeof(entry->head);
	entry->target = bytes + entry->head.target_offset;
	memcpy(&target, entry->target, sizeof(target));
	entry->target_size = target.u.user.target_size;
	if (entry->target_size < sizeof(target) ||
		entry->target_size > (size_t) entry->head.next_offset - entry->head.target_offset)
		return false;
	memcpy(entry->target_name, target.u.user.name, XT_EXTENSION_MAXNAMELEN);
	entry->target_name[XT_EXTENSION_MAXNAMELEN] = '\0';
	return true;
}

static size_t entry_end(const struct entry *entry)
{
	return entry->at + entry->head.next_offset;
}

// Whether the entry begins a chain, whose name then is copied.
static bool is_head(const struct entry *entry, char name[XT_FUNCTION_MAXNAMELEN + 1])
{
	const size_t offset = offsetof(struct xt_error_target, errorname);

	if (strcmp(entry->target_name, XT_ERROR_TARGET) != 0 ||
		entry->target_size < offset + XT_FUNCTION_MAXNAMELEN)
		return false;
	memcpy(name, entry->target + offset, XT_FUNCTION_MAXNAMELEN);
	name[XT_FUNCTION_MAXNAMELEN] = '\0';
	return true;
}

// ---- chains ----

struct chain {
	size_t start; // its first entry
	bool is_hook; // it has a policy, which is its last entry
	size_t underflow;
	char name[XT_FUNCTION_MAXNAMELEN + 1];
};

struct state {
	char *names; // tables that are left to read
	const struct known *table;
	struct rules rules;
	struct chain *chains; // by start
	size_t n_chains, chains_room;
	const struct chain *chain; // the current one
	const char *policy;
	size_t at;
};

static const char *verdict_name(int verdict)
{
	switch (verdict) {
	case -NF_DROP - 1:
		return "DROP";
	case -NF_ACCEPT - 1:
		return "ACCEPT";
	case -NF_QUEUE - 1:
		return "QUEUE";
	case XT_RETURN:
		return "RETURN";
	default:
		return "";
	}
}

static int compare_chains(const void *left, const void *right)
{
	const struct chain *a = left, *b = right;

	return a->start < b->start ? -1 : a->start > b->start;
}

static const struct chain *find_chain(const struct state *state, size_t start)
{
	struct chain key = { .start = start };

	return state->n_chains == 0
		? NULL
		: bsearch(&key, state->chains, state->n_chains, sizeof(key), compare_chains);
}

static struct chain *add_chain(struct state *state, size_t start)
{
	struct chain *chain;

	if (state->n_chains == state->chains_room) {
		state->chains_room = state->chains_room ? state->chains_room * 2 : 32;
		state->chains = must_resize(
			state->chains, state->chains_room * sizeof(*state->chains));
	}
	chain = &state->chains[state->n_chains++];
	*chain = (struct chain){ .start = start };
	return chain;
}

static void find_chains(struct state *state)
{
	static const char hooks[NF_INET_NUMHOOKS][16] = {
		[NF_INET_PRE_ROUTING] = "PREROUTING",
		[NF_INET_LOCAL_IN] = "INPUT",
		[NF_INET_FORWARD] = "FORWARD",
		[NF_INET_LOCAL_OUT] = "OUTPUT",
		[NF_INET_POST_ROUTING] = "POSTROUTING",
	};
	const struct ipt_getinfo *info = &state->rules.info;
	char name[XT_FUNCTION_MAXNAMELEN + 1];
	struct entry entry;

	state->n_chains = 0;
	for (unsigned i = 0; i < NF_INET_NUMHOOKS; i++) {
		if (!(info->valid_hooks >> i & 1))
			continue;
		struct chain *chain = add_chain(state, info->hook_entry[i]);

		memcpy(chain->name, hooks[i], sizeof(hooks[i]));
		chain->is_hook = true;
		chain->underflow = info->underflow[i];
	}
	for (size_t at = 0; read_entry(&state->rules, at, &entry); at = entry_end(&entry))
		if (is_head(&entry, name) && entry_end(&entry) < state->rules.size)
			memcpy(add_chain(state, entry_end(&entry))->name, name, sizeof(name));
	if (state->n_chains > 0)
		qsort(state->chains, state->n_chains, sizeof(*state->chains), compare_chains);
}

// ---- rows ----

static const char *target_text(const struct state *state, const struct entry *entry)
{
	const size_t offset = offsetof(struct xt_standard_target, verdict);
	const struct chain *chain;
	int verdict;

	if (entry->target_name[0] != '\0')
		return entry->target_name;
	if (entry->target_size < offset + sizeof(verdict))
		return "";
	memcpy(&verdict, entry->target + offset, sizeof(verdict));
	if (verdict < 0)
		return verdict_name(verdict);
	chain = find_chain(state, (size_t) verdict);
	return chain ? chain->name : ""; // the next rule: there is no target
}

static void give_address(struct scan *scan, unsigned column, unsigned mask_column,
	const struct in_addr *address, const struct in_addr *mask, bool inverted)
{
	char text[INET_ADDRSTRLEN];

	(void) inet_ntop(AF_INET, address, text, sizeof(text));
	scan_printf(scan, column, "%s%s", inverted ? "!" : "", text);
	scan_text(scan, mask_column, inet_ntop(AF_INET, mask, text, sizeof(text)));
}

static void give_interface(struct scan *scan, unsigned column, unsigned mask_column,
	const char name[IFNAMSIZ], const unsigned char mask[IFNAMSIZ], bool inverted)
{
	char text[2 * IFNAMSIZ + 1] = "";

	scan_printf(scan, column, "%s%.*s", inverted ? "!" : "", IFNAMSIZ, *name ? name : "all");
	for (size_t i = 0; i < IFNAMSIZ && mask[i] != 0; i++)
		(void) snprintf(text + 2 * i, 3, "%02X", mask[i]);
	scan_text(scan, mask_column, text);
}

static void give_ports(struct scan *scan, unsigned column, const __u16 ports[2], bool inverted)
{
	scan_printf(scan, column, "%s%u:%u", inverted ? "!" : "", ports[0], ports[1]);
}

// The ports are conditions of the matches tcp and udp.
static void give_matches(struct scan *scan, const struct entry *entry)
{
	const char *at = entry->matches;
	size_t left = entry->matches_size;
	struct xt_entry_match match;
	struct xt_tcp tcp;
	struct xt_udp udp;

	scan_text(scan, MATCH, left > 0 ? "yes" : "no");
	while (left >= sizeof(match)) {
		size_t size, data;

		memcpy(&match, at, sizeof(match));
		size = match.u.user.match_size;
		if (size < sizeof(match) || size > left)
			return;
		data = size - sizeof(match);
		if (strncmp(match.u.user.name, "tcp", 4) == 0 && data >= sizeof(tcp)) {
			memcpy(&tcp, at + sizeof(match), sizeof(tcp));
			give_ports(scan, SRC_PORT, tcp.spts, tcp.invflags & XT_TCP_INV_SRCPT);
			give_ports(scan, DST_PORT, tcp.dpts, tcp.invflags & XT_TCP_INV_DSTPT);
		} else if (strncmp(match.u.user.name, "udp", 4) == 0 && data >= sizeof(udp)) {
			memcpy(&udp, at + sizeof(match), sizeof(udp));
			give_ports(scan, SRC_PORT, udp.spts, udp.invflags & XT_UDP_INV_SRCPT);
			give_ports(scan, DST_PORT, udp.dpts, udp.invflags & XT_UDP_INV_DSTPT);
		}
		at += size;
		left -= size;
	}
}

static void give_chain(struct scan *scan, const struct state *state)
{
	scan_text(scan, FILTER_NAME, state->table->name);
	scan_text(scan, CHAIN, state->chain->name);
	scan_text(scan, POLICY, state->policy);
}

static void give_counters(struct scan *scan, const struct entry *entry)
{
	scan_integer(scan, PACKETS, (int64_t) entry->head.counters.pcnt);
	scan_integer(scan, BYTES, (int64_t) entry->head.counters.bcnt);
}

static void give_rule(struct scan *scan, const struct state *state, const struct entry *entry)
{
	const struct ipt_ip *ip = &entry->head.ip;

	give_chain(scan, state);
	give_counters(scan, entry);
	scan_text(scan, TARGET, target_text(state, entry));
	// "not this one" is no number, so the column is missing then
	scan_printf(scan, PROTOCOL, "%s%u", ip->invflags & IPT_INV_PROTO ? "!" : "", ip->proto);
	give_address(scan, SRC_IP, SRC_MASK, &ip->src, &ip->smsk, ip->invflags & IPT_INV_SRCIP);
	give_address(scan, DST_IP, DST_MASK, &ip->dst, &ip->dmsk, ip->invflags & IPT_INV_DSTIP);
	give_interface(scan, INIFACE, INIFACE_MASK, ip->iniface, ip->iniface_mask,
		ip->invflags & IPT_INV_VIA_IN);
	give_interface(scan, OUTIFACE, OUTIFACE_MASK, ip->outiface, ip->outiface_mask,
		ip->invflags & IPT_INV_VIA_OUT);
	give_matches(scan, entry);
}

// ---- the scan ----

static int open_scan(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);

	state->names = scan_read(scan, "proc/net/ip_tables_names", NULL);
	if (!state->names && errno != ENOENT)
		return fail(why, -errno, "iptables: /proc/net/ip_tables_names: %m");
	return 0;
}

static void close_scan(struct scan *scan)
{
	struct state *state = scan_state(scan);

	free(state->chains);
}

static int open_table(struct scan *scan, struct state *state, const char *name, struct fault *why)
{
	struct rules *rules = &state->rules;
	size_t length = 0;
	const char *bytes;

	state->table = NULL;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcmp(known[i].name, name) == 0)
			state->table = &known[i];
	if (!state->table) {
		scan_warn(scan, "the table %s is not known", name);
		return SKIP;
	}
	bytes = scan_answer(scan, state->table->answer, state->table->fetch, &length, why);
	if (!bytes)
		return why->code;
	if (length < sizeof(rules->info))
		return fail(why, -EBADMSG, "iptables: the answer about %s is cut", name);
	memcpy(&rules->info, bytes, sizeof(rules->info));
	rules->bytes = bytes + sizeof(rules->info);
	rules->size = length - sizeof(rules->info);
	state->at = 0;
	state->chain = NULL;
	find_chains(state);
	return SKIP;
}

// Where a chain begins, it becomes the current one.
static void enter_chain(struct state *state, size_t at)
{
	const struct chain *chain = find_chain(state, at);
	struct entry policy;
	int verdict;

	if (!chain)
		return;
	state->chain = chain;
	state->policy = NULL;
	if (!chain->is_hook || !read_entry(&state->rules, chain->underflow, &policy) ||
		policy.target_size < sizeof(struct xt_standard_target))
		return;
	memcpy(&verdict, policy.target + offsetof(struct xt_standard_target, verdict),
		sizeof(verdict));
	state->policy = verdict_name(verdict);
}

// Whether the entry is no rule but the end of the current chain.
static bool is_end(const struct state *state, const struct entry *entry)
{
	char name[XT_FUNCTION_MAXNAMELEN + 1];
	struct entry following;

	if (state->chain->is_hook)
		return entry->at == state->chain->underflow;
	return !read_entry(&state->rules, entry_end(entry), &following) ||
		is_head(&following, name);
}

static int next_entry(struct scan *scan, struct state *state)
{
	char name[XT_FUNCTION_MAXNAMELEN + 1];
	struct entry entry;

	if (!read_entry(&state->rules, state->at, &entry)) {
		if (state->at < state->rules.size)
			scan_warn(scan, "the rules of %s end early", state->table->name);
		state->rules.size = 0;
		return SKIP;
	}
	state->at = entry_end(&entry);
	enter_chain(state, entry.at);
	if (!state->chain || is_head(&entry, name))
		return SKIP;
	if (!is_end(state, &entry)) {
		give_rule(scan, state, &entry);
		return ROW;
	}
	give_chain(scan, state);
	if (state->chain->is_hook)
		give_counters(scan, &entry);
	state->chain = NULL;
	return ROW;
}

static int next(struct scan *scan, struct fault *why)
{
	struct state *state = scan_state(scan);
	char *name;

	if (state->rules.size > 0)
		return next_entry(scan, state);
	name = text_line(&state->names);
	return name ? open_table(scan, state, name, why) : END;
}

const struct table table_iptables = {
	.name = "iptables",
	.about = "Rules of the IPv4 packet filter, each chain with its policy behind its rules.",
	COLUMNS(columns),
	EXAMPLES("SELECT chain, policy, packets FROM iptables WHERE target = '' AND policy != ''",
		"SELECT chain, target, src_ip, dst_port FROM iptables WHERE filter_name = "
		"'filter'"),
	.estimate = { .rows = 200, .start = 200 },
	.state_bytes = sizeof(struct state),
	.open = open_scan,
	.next = next,
	.close = close_scan,
};
