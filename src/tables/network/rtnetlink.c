// SPDX-License-Identifier: Apache-2.0
#include "tables/network/rtnetlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum {
	MESSAGE_BYTES = 64 << 10, // the kernel fills at most 32 KiB at once
	DUMP_LIMIT_BYTES = 512 << 20, // some million routes
	TRIES = 5,
	TIMEOUT_S = 5
};

// ---- asking ----

static int open_socket(struct fault *why)
{
	const struct timeval patience = { .tv_sec = TIMEOUT_S };
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return fail(why, -errno, "rtnetlink: %m");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return fail(why, -errno, "rtnetlink: time-out: %m");
	return take_fd(&fd);
}

static int send_request(int fd, unsigned short request, struct fault *why)
{
	// an rtmsg is as long as the longest header of the three requests
	struct {
		struct nlmsghdr header;
		struct rtmsg body;
	} message = {
		.header = { .nlmsg_len = sizeof(message),
			.nlmsg_type = request,
			.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
	};

	if (request == RTM_GETLINK)
		message.header.nlmsg_len = NLMSG_LENGTH(sizeof(struct rtgenmsg));
	if (send(fd, &message, message.header.nlmsg_len, 0) < 0)
		return fail(why, -errno, "rtnetlink: %m");
	return 0;
}

// Looks at one datagram: 1 when the dump is complete, -EINTR when it changed meanwhile.
static int check_end(const char *bytes, size_t length, bool *changed, struct fault *why)
{
	struct nlmsghdr header;

	for (size_t at = 0; at + sizeof(header) <= length;) {
		int code = 0;

		memcpy(&header, bytes + at, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > length - at)
			return fail(why, -EBADMSG, "rtnetlink: a message is cut");
		*changed |= (header.nlmsg_flags & NLM_F_DUMP_INTR) != 0;
		if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE) {
			if (header.nlmsg_len >= sizeof(header) + sizeof(code))
				memcpy(&code, bytes + at + sizeof(header), sizeof(code));
			if (code < 0) {
				errno = -code;
				return fail(why, code, "rtnetlink: %m");
			}
			return 1;
		}
		at += NLMSG_ALIGN(header.nlmsg_len);
	}
	return 0;
}

static int receive(int fd, struct text *answer, bool *changed, struct fault *why)
{
	auto_free char *message = must_alloc(MESSAGE_BYTES);

	for (;;) {
		ssize_t length = recv(fd, message, MESSAGE_BYTES, MSG_TRUNC);
		int r;

		if (length < 0 && errno == EINTR)
			continue;
		if (length < 0)
			return fail(why, -errno, "rtnetlink: %m");
		if (length > MESSAGE_BYTES || answer->length > DUMP_LIMIT_BYTES)
			return fail(why, -EMSGSIZE, "rtnetlink: an answer is too long");
		text_add(answer, message, (size_t) length);
		r = check_end(message, (size_t) length, changed, why);
		if (r != 0)
			return r < 0 ? r : 0;
	}
}

static int dump(unsigned short request, struct arena *arena, char **bytes, size_t *size_bytes,
	struct fault *why)
{
	auto_close int fd = open_socket(why);
	auto_text struct text answer = { 0 };
	bool changed = true;

	if (fd < 0)
		return fd;
	// one that changed while it was made may lack something; the last try has to do
	for (int i = 0; i < TRIES && changed; i++) {
		int r = send_request(fd, request, why);

		changed = false;
		text_clear(&answer);
		if (r == 0)
			r = receive(fd, &answer, &changed, why);
		if (r < 0)
			return r;
	}
	*bytes = arena_copy(arena, answer.bytes, answer.length);
	*size_bytes = answer.length;
	return 0;
}

static int fetch_links(struct arena *arena, char **bytes, size_t *size_bytes, struct fault *why)
{
	return dump(RTM_GETLINK, arena, bytes, size_bytes, why);
}

static int fetch_addresses(struct arena *arena, char **bytes, size_t *size_bytes, struct fault *why)
{
	return dump(RTM_GETADDR, arena, bytes, size_bytes, why);
}

static int fetch_routes(struct arena *arena, char **bytes, size_t *size_bytes, struct fault *why)
{
	return dump(RTM_GETROUTE, arena, bytes, size_bytes, why);
}

int rtnetlink_dump(
	struct scan *scan, unsigned short request, struct netlink_bytes *answer, struct fault *why)
{
	size_t length = 0;
	const char *bytes;

	switch (request) {
	case RTM_GETLINK:
		bytes = scan_answer(scan, "rtnetlink_links", fetch_links, &length, why);
		break;
	case RTM_GETADDR:
		bytes = scan_answer(scan, "rtnetlink_addresses", fetch_addresses, &length, why);
		break;
	default:
		bytes = scan_answer(scan, "rtnetlink_routes", fetch_routes, &length, why);
	}
	if (!bytes)
		return why->code;
	*answer = (struct netlink_bytes){ .at = bytes, .end = bytes + length };
	return 0;
}

// ---- reading ----

void rtnetlink_attributes(
	struct netlink_bytes bytes, struct netlink_attribute *attributes, size_t n)
{
	struct rtattr header;

	for (size_t i = 0; i < n; i++)
		attributes[i] = (struct netlink_attribute){ 0 };
	while ((size_t) (bytes.end - bytes.at) >= sizeof(header)) {
		size_t left = (size_t) (bytes.end - bytes.at), type;

		memcpy(&header, bytes.at, sizeof(header));
		if (header.rta_len < sizeof(header) || header.rta_len > left)
			return;
		type = header.rta_type & NLA_TYPE_MASK;
		if (type < n)
			attributes[type] = (struct netlink_attribute){
				.bytes = bytes.at + sizeof(header),
				.length = header.rta_len - sizeof(header),
			};
		if (RTA_ALIGN(header.rta_len) >= left)
			return;
		bytes.at += RTA_ALIGN(header.rta_len);
	}
}

bool rtnetlink_next(struct netlink_bytes *answer, unsigned short type, void *body,
	size_t body_bytes, struct netlink_attribute *attributes, size_t n)
{
	struct nlmsghdr header;

	while ((size_t) (answer->end - answer->at) >= sizeof(header)) {
		size_t left = (size_t) (answer->end - answer->at);
		const char *message = answer->at;

		memcpy(&header, message, sizeof(header));
		if (header.nlmsg_len < sizeof(header) || header.nlmsg_len > left)
			return false;
		answer->at = NLMSG_ALIGN(header.nlmsg_len) >= left
			? answer->end
			: message + NLMSG_ALIGN(header.nlmsg_len);
		if (header.nlmsg_type != type ||
			header.nlmsg_len < NLMSG_LENGTH(NLMSG_ALIGN(body_bytes)))
			continue;
		memcpy(body, message + NLMSG_HDRLEN, body_bytes);
		rtnetlink_attributes(
			(struct netlink_bytes){ message + NLMSG_LENGTH(NLMSG_ALIGN(body_bytes)),
				message + header.nlmsg_len },
			attributes, n);
		return true;
	}
	return false;
}

uint32_t rtnetlink_u32(const struct netlink_attribute *attribute, uint32_t missing)
{
	uint32_t value = missing;

	if (attribute->bytes && attribute->length >= sizeof(value))
		memcpy(&value, attribute->bytes, sizeof(value));
	return value;
}

const char *rtnetlink_text(const struct netlink_attribute *attribute, struct arena *arena)
{
	if (!attribute->bytes)
		return NULL;
	return arena_copy(arena, attribute->bytes, strnlen(attribute->bytes, attribute->length));
}

const char *rtnetlink_address(
	const struct netlink_attribute *attribute, int family, char text[INET6_ADDRSTRLEN])
{
	size_t length = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;

	if (!attribute->bytes || length == 0 || attribute->length != length)
		return NULL;
	if (family == AF_INET) {
		text_ipv4((const unsigned char *) attribute->bytes, text);
		return text;
	}
	return inet_ntop(family, attribute->bytes, text, INET6_ADDRSTRLEN);
}

// ---- interfaces ----

static int compare_interfaces(const void *left, const void *right)
{
	const struct interface *a = left, *b = right;

	return a->index < b->index ? -1 : a->index > b->index;
}

int rtnetlink_interfaces(
	struct scan *scan, struct interface **interfaces, size_t *n, struct fault *why)
{
	struct netlink_bytes answer, again;
	struct interface one;
	struct ifinfomsg body;
	size_t room = 0;
	int r = rtnetlink_dump(scan, RTM_GETLINK, &answer, why);

	if (r < 0)
		return r;
	again = answer;
	while (rtnetlink_next(&again, RTM_NEWLINK, &body, sizeof(body), NULL, 0))
		room++;
	*interfaces = arena_alloc(scan_arena(scan), (room + 1) * sizeof(one));
	*n = 0;
	while (rtnetlink_next(&answer, RTM_NEWLINK, &body, sizeof(body), one.attributes,
		sizeof(one.attributes) / sizeof(one.attributes[0]))) {
		one.index = body.ifi_index;
		one.flags = body.ifi_flags;
		one.hardware = body.ifi_type;
		one.name = rtnetlink_text(&one.attributes[IFLA_IFNAME], scan_arena(scan));
		if (one.name && *one.name && !strchr(one.name, '/'))
			(*interfaces)[(*n)++] = one;
	}
	if (*n > 0)
		qsort(*interfaces, *n, sizeof(one), compare_interfaces);
	return 0;
}

const struct interface *rtnetlink_interface(const struct interface *interfaces, size_t n, int index)
{
	struct interface key = { .index = index };

	return n == 0 ? NULL : bsearch(&key, interfaces, n, sizeof(key), compare_interfaces);
}
