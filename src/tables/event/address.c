// SPDX-License-Identifier: Apache-2.0
#include "tables/event/address.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/text.h"

static void ipv6_text(const struct in6_addr *address, char text[ADDRESS_TEXT])
{
	for (size_t i = 0; i < 8; i++)
		(void) snprintf(text + i * 5, 6, "%02x%02x%s", address->s6_addr[i * 2],
			address->s6_addr[i * 2 + 1], i < 7 ? ":" : "");
}

static bool unix_text(const struct event_address *address, char text[ADDRESS_TEXT])
{
	const struct sockaddr_un *name = (const struct sockaddr_un *) &address->storage;
	size_t head = offsetof(struct sockaddr_un, sun_path), length;

	if (address->length <= head)
		return false;
	length = address->length - head;
	if (length > sizeof(name->sun_path))
		length = sizeof(name->sun_path);
	if (name->sun_path[0] != '\0')
		length = strnlen(name->sun_path, length);
	memcpy(text, name->sun_path, length);
	text[length] = '\0';
	if (length > 0 && text[0] == '\0')
		text[0] = '@';
	return length > 0;
}

bool address_text(const struct event_address *address, char text[ADDRESS_TEXT])
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *) &address->storage;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *) &address->storage;

	if (address->length < sizeof(address->any.sa_family))
		return false;
	switch (address->any.sa_family) {
	case AF_INET:
		if (address->length < sizeof(*v4))
			return false;
		text_ipv4((const unsigned char *) &v4->sin_addr, text);
		return true;
	case AF_INET6:
		if (address->length < offsetof(struct sockaddr_in6, sin6_scope_id))
			return false;
		ipv6_text(&v6->sin6_addr, text);
		return true;
	case AF_UNIX:
		return unix_text(address, text);
	default:
		return false;
	}
}

int address_port(const struct event_address *address)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *) &address->storage;

	// both kinds have it at the same place
	if (address->length < sizeof(*v4) ||
		(address->any.sa_family != AF_INET && address->any.sa_family != AF_INET6))
		return -1;
	return ntohs(v4->sin_port);
}
