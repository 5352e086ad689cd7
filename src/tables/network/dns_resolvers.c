// SPDX-License-Identifier: Apache-2.0
// How names are resolved, from /etc/resolv.conf as resolv.conf(5) and the C library read it: a
// keyword counts at the start of a line, later lines replace the search list, three servers and ten
// addresses to sort by are used. What the environment says (LOCALDOMAIN, RES_OPTIONS) is not about
// the host.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <resolv.h>
#include <string.h>

#include "sql/table.h"

enum { ID, TYPE, ADDRESS, NETMASK, OPTIONS, PID_WITH_NAMESPACE };

static const struct column columns[] = {
	[ID] = { "id", INTEGER, "Place among those of its type, from 0." },
	[TYPE] = { "type", TEXT, "nameserver, sortlist or search." },
	[ADDRESS] = { "address", TEXT, "Address of a server or to sort by, or domain to search." },
	[NETMASK] = { "netmask", TEXT,
		"Of sortlist its mask, as a number in network byte order; 32 of a nameserver." },
	[OPTIONS] = { "options", BIGINT, "Bits of the options in force (RES_… of <resolv.h>)." },
	[PID_WITH_NAMESPACE] = NAMESPACE_PID,
};

enum { SORT_LIMIT = 10 }; // MAXRESOLVSORT

struct resolver {
	const char *servers[MAXNS];
	struct {
		struct in_addr address, mask;
	} sort[SORT_LIMIT];
	int n_servers, n_sort;
	char *search; // the words of the last such line
	unsigned long options;
};

static const char blanks[] = " \t";

// What follows the keyword, or NULL if the line begins with another one.
static char *match(char *line, const char *keyword)
{
	size_t length = strlen(keyword);

	if (strncmp(line, keyword, length) != 0 || (line[length] != ' ' && line[length] != '\t'))
		return NULL;
	return line + length + strspn(line + length, blanks);
}

static void add_server(struct resolver *resolver, char *address)
{
	struct in6_addr parsed6;
	struct in_addr parsed;
	char plain[INET6_ADDRSTRLEN];
	size_t length;

	address[strcspn(address, ";# \t")] = '\0';
	length = strcspn(address, "%"); // an interface may follow
	if (resolver->n_servers == MAXNS || length >= sizeof(plain))
		return;
	memcpy(plain, address, length);
	plain[length] = '\0';
	if (inet_aton(address, &parsed) || inet_pton(AF_INET6, plain, &parsed6) == 1)
		resolver->servers[resolver->n_servers++] = address;
}

// The mask of the address' class (RFC 791).
static uint32_t class_mask(struct in_addr address)
{
	uint32_t bits = ntohl(address.s_addr);

	if (IN_CLASSA(bits))
		return htonl(IN_CLASSA_NET);
	return htonl(IN_CLASSB(bits) ? IN_CLASSB_NET : IN_CLASSC_NET);
}

// address[/mask or &mask]...
static void add_sort(struct resolver *resolver, char *rest)
{
	for (char *word; resolver->n_sort < SORT_LIMIT && (word = text_word(&rest, blanks));) {
		struct in_addr address, mask;
		char *slash = strpbrk(word, "/&");

		if (*word == ';' || *word == '#')
			break;
		word[strcspn(word, ";")] = '\0';
		if (slash)
			*slash++ = '\0';
		if (!inet_aton(word, &address))
			continue;
		if (!slash || !inet_aton(slash, &mask))
			mask.s_addr = class_mask(address);
		resolver->sort[resolver->n_sort].address = address;
		resolver->sort[resolver->n_sort++].mask = mask;
	}
}

static void add_options(struct resolver *resolver, char *rest)
{
	static const struct {
		const char *name;
		unsigned long set, clear;
	} options[] = {
		{ "rotate", RES_ROTATE, 0 },
		{ "edns0", RES_USE_EDNS0, 0 },
		{ "single-request-reopen", RES_SNGLKUPREOP, 0 },
		{ "single-request", RES_SNGLKUP, 0 },
		{ "no_tld_query", RES_NOTLDQUERY, 0 },
		{ "no-tld-query", RES_NOTLDQUERY, 0 },
		{ "no-reload", RES_NORELOAD, 0 },
		{ "use-vc", RES_USEVC, 0 },
		{ "trust-ad", RES_TRUSTAD, 0 },
#ifdef RES_NOAAAA
		{ "no-aaaa", RES_NOAAAA, 0 },
#endif
	};

	for (char *word; (word = text_word(&rest, blanks));)
		for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
			if (text_starts(word, options[i].name)) {
				resolver->options |= options[i].set;
				break;
			}
}

static void parse_line(struct resolver *resolver, char *line)
{
	char *rest;

	if (*line == '#' || *line == ';')
		return;
	if ((rest = match(line, "nameserver"))) {
		add_server(resolver, rest);
	} else if ((rest = match(line, "search"))) {
		if (*rest)
			resolver->search = rest;
	} else if ((rest = match(line, "domain"))) {
		if (*rest) {
			rest[strcspn(rest, blanks)] = '\0';
			resolver->search = rest;
		}
	} else if ((rest = match(line, "sortlist"))) {
		add_sort(resolver, rest);
	} else if ((rest = match(line, "options"))) {
		add_options(resolver, rest);
	}
}

// Without a list the domain of our own name is searched.
static char *default_search(struct scan *scan)
{
	char *name = scan_read(scan, "proc/sys/kernel/hostname", NULL);
	char *dot = name ? strchr(text_trim(name), '.') : NULL;

	return dot && dot[1] ? dot + 1 : NULL;
}

static int read_file(struct scan *scan, struct resolver *resolver, struct fault *why)
{
	char *rest = scan_read(scan, "etc/resolv.conf", NULL);

	resolver->options = RES_DEFAULT | RES_INIT;
	if (!rest && errno != ENOENT)
		return fail(why, -errno, "dns_resolvers: /etc/resolv.conf: %m");
	for (char *line; (line = text_line(&rest));)
		parse_line(resolver, line);
	if (resolver->n_servers == 0)
		resolver->servers[resolver->n_servers++] = "127.0.0.1";
	if (!resolver->search)
		resolver->search = default_search(scan);
	return 0;
}

static void give(struct scan *scan, const struct resolver *resolver, int id, const char *type,
	const char *address)
{
	scan_row(scan);
	scan_integer(scan, ID, id);
	scan_text(scan, TYPE, type);
	scan_text(scan, ADDRESS, address);
	scan_integer(scan, OPTIONS, (int64_t) resolver->options);
}

static int generate(struct scan *scan, struct fault *why)
{
	struct resolver resolver = { 0 };
	char text[INET_ADDRSTRLEN];
	int r = read_file(scan, &resolver, why), id = 0;

	if (r < 0)
		return r;
	for (int i = 0; i < resolver.n_servers; i++) {
		give(scan, &resolver, i, "nameserver", resolver.servers[i]);
		scan_text(scan, NETMASK, "32");
	}
	for (int i = 0; i < resolver.n_sort; i++) {
		give(scan, &resolver, i, "sortlist",
			inet_ntop(AF_INET, &resolver.sort[i].address, text, sizeof(text)));
		scan_integer(scan, NETMASK, resolver.sort[i].mask.s_addr);
	}
	for (char *word; (word = text_word(&resolver.search, blanks));) {
		if (*word == '#' || *word == ';')
			break;
		give(scan, &resolver, id++, "search", word);
	}
	return 0;
}

const struct table table_dns_resolvers = {
	.name = "dns_resolvers",
	.about = "Name servers and domains that the C library asks for names.",
	COLUMNS(columns),
	EXAMPLES("SELECT address FROM dns_resolvers WHERE type = 'nameserver'"),
	.estimate = { .rows = 5 },
	.generate = generate,
};
