// SPDX-License-Identifier: Apache-2.0
// Addresses, and community ids of flows (Community ID specification, version 1).
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/log.h"
#include "base/module.h"
#include "modules/crypto/crypto.h"
#include "sql/sql.h"

static void call_inet_aton(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	const char *text = (const char *) sqlite3_value_text(arguments[0]);
	struct in_addr address;

	(void) n;
	if (text && inet_pton(AF_INET, text, &address) == 1)
		sqlite3_result_int64(context, ntohl(address.s_addr));
}

struct address {
	unsigned char bytes[16];
	size_t length; // 4 or 16
};

static bool parse_address(const char *text, struct address *address)
{
	memset(address, 0, sizeof(*address));
	address->length = 4;
	if (inet_pton(AF_INET, text, address->bytes) == 1)
		return true;
	address->length = 16;
	return inet_pton(AF_INET6, text, address->bytes) == 1;
}

// "ADDRESS/BITS" of the given length of address.
static bool parse_block(const char *text, size_t length, struct address *address, unsigned *bits)
{
	const char *slash = strchr(text, '/');
	char host[INET6_ADDRSTRLEN];
	uint64_t number;

	if (!slash || (size_t) (slash - text) >= sizeof(host) ||
		text_unsigned(slash + 1, 10, &number) < 0 || number > length * 8)
		return false;
	memcpy(host, text, (size_t) (slash - text));
	host[slash - text] = '\0';
	*bits = (unsigned) number;
	return parse_address(host, address) && address->length == length;
}

static bool same_bits(const struct address *a, const struct address *b, unsigned bits)
{
	unsigned whole = bits / 8, rest = bits % 8;
	unsigned mask = 0xff00u >> rest & 0xff;

	return memcmp(a->bytes, b->bytes, whole) == 0 &&
		(rest == 0 || (a->bytes[whole] & mask) == (b->bytes[whole] & mask));
}

// Of IPv4 only hosts are inside: neither the address of the network nor the one of all its hosts.
static bool is_host(const struct address *address, unsigned bits)
{
	uint32_t number, hosts;

	if (address->length != 4 || bits == 32)
		return true;
	memcpy(&number, address->bytes, sizeof(number));
	hosts = bits == 0 ? UINT32_MAX : (1u << (32 - bits)) - 1;
	number = ntohl(number) & hosts;
	return number != 0 && number != hosts;
}

static void call_in_cidr_block(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	struct address block, address;
	unsigned bits;

	(void) n;
	if (sqlite3_value_type(arguments[0]) != SQLITE_TEXT) {
		sqlite3_result_error(context, "CIDR must be a string", -1);
	} else if (sqlite3_value_type(arguments[1]) != SQLITE_TEXT) {
		sqlite3_result_error(context, "IP address must be a string", -1);
	} else if (!parse_address((const char *) sqlite3_value_text(arguments[1]), &address)) {
		sqlite3_result_error(context, "IP address cannot be parsed", -1);
	} else if (!parse_block((const char *) sqlite3_value_text(arguments[0]), address.length,
			   &block, &bits)) {
		sqlite3_result_error(context,
			address.length == 4 ? "CIDR for IP address v4 cannot be parsed"
					    : "CIDR for IP address v6 cannot be parsed",
			-1);
	} else {
		sqlite3_result_int(
			context, same_bits(&block, &address, bits) && is_host(&address, bits));
	}
}

// ---- community id ----

struct flow {
	struct address source, destination;
	uint16_t source_port, destination_port, seed;
	uint8_t protocol;
};

static bool get_number(sqlite3_value *value, int64_t most, int64_t *number)
{
	if (sqlite3_value_numeric_type(value) != SQLITE_INTEGER)
		return false;
	*number = sqlite3_value_int64(value);
	return *number >= 0 && *number <= most;
}

static const char *get_flow(int n, sqlite3_value **arguments, struct flow *flow)
{
	const char *source = (const char *) sqlite3_value_text(arguments[0]);
	const char *destination = (const char *) sqlite3_value_text(arguments[1]);
	int64_t source_port, destination_port, protocol, seed = 0;

	if (!source || !parse_address(source, &flow->source))
		return "the source address cannot be parsed";
	if (!destination || !parse_address(destination, &flow->destination))
		return "the destination address cannot be parsed";
	if (flow->source.length != flow->destination.length)
		return "the addresses are of different families";
	if (!get_number(arguments[2], UINT16_MAX, &source_port))
		return "the source port is none";
	if (!get_number(arguments[3], UINT16_MAX, &destination_port))
		return "the destination port is none";
	if (!get_number(arguments[4], UINT8_MAX, &protocol))
		return "the protocol is none";
	if (n > 5 && !get_number(arguments[5], UINT16_MAX, &seed))
		return "the seed is none";
	flow->source_port = (uint16_t) source_port;
	flow->destination_port = (uint16_t) destination_port;
	flow->protocol = (uint8_t) protocol;
	flow->seed = (uint16_t) seed;
	return NULL;
}

// Both directions of a flow have one id: the smaller end comes first.
static void order_ends(struct flow *flow)
{
	int order = memcmp(flow->source.bytes, flow->destination.bytes, flow->source.length);
	struct address address = flow->source;
	uint16_t port = flow->source_port;

	if (order < 0 || (order == 0 && flow->source_port <= flow->destination_port))
		return;
	flow->source = flow->destination;
	flow->destination = address;
	flow->source_port = flow->destination_port;
	flow->destination_port = port;
}

static size_t add_number(unsigned char *bytes, size_t at, uint16_t number)
{
	bytes[at] = (unsigned char) (number >> 8);
	bytes[at + 1] = (unsigned char) number;
	return at + 2;
}

static size_t add_address(unsigned char *bytes, size_t at, const struct address *address)
{
	memcpy(bytes + at, address->bytes, address->length);
	return at + address->length;
}

static void give_community_id(sqlite3_context *context, const struct flow *flow)
{
	unsigned char bytes[2 + 16 + 16 + 2 + 4], digest[CRYPTO_DIGEST_BYTES];
	auto_text struct text text = { 0 };
	struct fault why;
	const struct crypto_library *library = module_open("crypto", &why);
	struct crypto_digest *running;
	size_t length;

	length = add_number(bytes, 0, flow->seed);
	length = add_address(bytes, length, &flow->source);
	length = add_address(bytes, length, &flow->destination);
	bytes[length++] = flow->protocol;
	bytes[length++] = 0;
	length = add_number(bytes, length, flow->source_port);
	length = add_number(bytes, length, flow->destination_port);

	running = library ? library->begin("sha1") : NULL;
	if (!running) {
		sqlite3_result_error(
			context, library ? "libcrypto does not give sha1" : why.text, -1);
		return;
	}
	library->add(running, bytes, length);
	length = library->end(running, digest);
	text_add_string(&text, "1:");
	base64_add(&text, digest, length);
	sqlite3_result_text(context, text.bytes, (int) text.length, SQLITE_TRANSIENT);
}

static void call_community_id(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	struct flow flow;
	const char *mistake = get_flow(n, arguments, &flow);

	if (mistake) {
		log_warning("community_id_v1: %s", mistake);
		return;
	}
	order_ends(&flow);
	give_community_id(context, &flow);
}

static void call_community_id_strict(sqlite3_context *context, int n, sqlite3_value **arguments)
{
	struct flow flow;
	const char *mistake = get_flow(n, arguments, &flow);
	char error[96];

	if (mistake) {
		(void) snprintf(error, sizeof(error), "community_id_v1: %s", mistake);
		sqlite3_result_error(context, error, -1);
		return;
	}
	order_ends(&flow);
	give_community_id(context, &flow);
}

static const struct function list[] = {
	{ "inet_aton", 1, call_inet_aton, "An IPv4 address as a number." },
	{ "in_cidr_block", 2, call_in_cidr_block,
		"1 if the second text is the address of a host in the first, a block of "
		"addresses." },
	{ "community_id_v1", 5, call_community_id,
		"Community id of a flow: addresses, ports, protocol; NULL if one of them is "
		"none." },
	{ "community_id_v1", 6, call_community_id, "The same with a seed." },
	{ "community_id_v1_strict", 5, call_community_id_strict,
		"Community id of a flow, an error if something is none." },
	{ "community_id_v1_strict", 6, call_community_id_strict, "The same with a seed." },
};

const struct functions functions_network = {
	.name = "network",
	.list = list,
	.n = sizeof(list) / sizeof(list[0]),
};
