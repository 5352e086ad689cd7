// SPDX-License-Identifier: Apache-2.0
// Requests to the audit system. Their answers are made by threads of the kernel, so that they may
// come after the acknowledgement: both are waited for.
#include "events/audit_netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum {
	ANSWER_BYTES = 16 << 10,
	ROOM_BYTES = 32 << 20, // of the socket that listens: some ten thousand records
	MOST_RULES = 8192,
	TIMEOUT_S = 3,
};

static int bind_socket(int fd, enum audit_use use, struct fault *why)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	struct timeval timeout = { .tv_sec = TIMEOUT_S };
	int room_bytes = ROOM_BYTES;

	if (use == AUDIT_MULTICAST)
		address.nl_groups = 1U << (AUDIT_NLGRP_READLOG - 1);
	if (use != AUDIT_REQUESTS) {
		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room_bytes, sizeof(room_bytes)) < 0)
			(void) setsockopt(
				fd, SOL_SOCKET, SO_RCVBUF, &room_bytes, sizeof(room_bytes));
	}
	(void) setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (bind(fd, (struct sockaddr *) &address, sizeof(address)) < 0)
		return fail(why, -errno, "audit: the kernel does not let us listen: %m");
	return 0;
}

int audit_socket_open(enum audit_use use, struct fault *why)
{
	auto_close int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_AUDIT);
	int r;

	if (fd < 0)
		return fail(why, -errno, "audit: the kernel has none: %m");
	r = bind_socket(fd, use, why);
	return r < 0 ? r : take_fd(&fd);
}

// ---- requests ----

// What comes on the way to the acknowledgement. False to end with a fault.
typedef bool answer_taker(void *context, int type, const char *bytes, size_t length);

static int send_request(int fd, int type, const void *bytes, size_t length, struct fault *why)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr head = {
		.nlmsg_len = (uint32_t) NLMSG_LENGTH(length),
		.nlmsg_type = (uint16_t) type,
		.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK,
		.nlmsg_seq = 1,
	};
	struct iovec parts[] = { { &head, sizeof(head) }, { (void *) bytes, length } };
	struct msghdr message = { .msg_name = &kernel,
		.msg_namelen = sizeof(kernel),
		.msg_iov = parts,
		.msg_iovlen = 2 };

	if (sendmsg(fd, &message, 0) < 0)
		return fail(why, -errno, "audit: the kernel does not take a request: %m");
	return 0;
}

// One message: its length is that of the datagram, as what the head says is not true of all.
static ssize_t receive(int fd, char *answer, struct fault *why)
{
	struct sockaddr_nl from;
	struct iovec part = { answer, ANSWER_BYTES };
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1
	};
	ssize_t length;

	do {
		length = recvmsg(fd, &message, 0);
		if (length < 0 && errno != EINTR)
			return fail(why, -errno, "audit: no answer of the kernel: %m");
	} while (length < (ssize_t) sizeof(struct nlmsghdr) || from.nl_pid != 0);
	return length;
}

static int request(int fd, int type, const void *bytes, size_t length, bool answers,
	answer_taker *hear, void *context, struct fault *why)
{
	_Alignas(struct nlmsghdr) char answer[ANSWER_BYTES];
	const struct nlmsghdr *head = (const struct nlmsghdr *) answer;
	bool acknowledged = false, answered = !answers;
	int r = send_request(fd, type, bytes, length, why);

	while (r == 0 && !(acknowledged && answered)) {
		ssize_t got = receive(fd, answer, why);
		const char *body = answer + NLMSG_HDRLEN;

		if (got < 0)
			return (int) got;
		if (head->nlmsg_type == NLMSG_ERROR) {
			const struct nlmsgerr *error = (const struct nlmsgerr *) body;

			if (got < (ssize_t) NLMSG_LENGTH(sizeof(error->error)))
				continue;
			errno = -error->error;
			if (error->error < 0)
				return fail(why, error->error,
					"audit: the kernel refuses a request: %m");
			acknowledged = true;
		} else if (hear) {
			answered |= hear(
				context, head->nlmsg_type, body, (size_t) got - NLMSG_HDRLEN);
		}
	}
	return r;
}

// ---- status ----

static bool take_status(void *context, int type, const char *bytes, size_t length)
{
	struct audit_status *status = context;

	if (type != AUDIT_GET)
		return false;
	memset(status, 0, sizeof(*status)); // older kernels send less
	memcpy(status, bytes, length < sizeof(*status) ? length : sizeof(*status));
	return true;
}

int audit_get_status(int fd, struct audit_status *status, struct fault *why)
{
	return request(fd, AUDIT_GET, NULL, 0, true, take_status, status, why);
}

int audit_set_status(int fd, const struct audit_status *status, struct fault *why)
{
	return request(fd, AUDIT_SET, status, sizeof(*status), false, NULL, NULL, why);
}

int audit_set_own(int fd, bool own, struct fault *why)
{
	struct audit_status status = {
		.mask = AUDIT_STATUS_PID,
		.pid = own ? (uint32_t) getpid() : 0,
	};

	return audit_set_status(fd, &status, why);
}

bool audit_is_taken(const struct audit_status *status)
{
	return status->pid && status->pid != (uint32_t) getpid() &&
		(kill((pid_t) status->pid, 0) == 0 || errno != ESRCH);
}

// ---- rules ----

size_t audit_rule_bytes(const struct audit_rule_data *rule)
{
	return sizeof(*rule) + rule->buflen;
}

void audit_rules_add(struct audit_rules *rules, const struct audit_rule_data *rule)
{
	struct audit_rule_data *copy = must_alloc(audit_rule_bytes(rule));

	memcpy(copy, rule, audit_rule_bytes(rule));
	rules->list = must_resize(rules->list, (rules->n + 1) * sizeof(*rules->list));
	rules->list[rules->n++] = copy;
}

void audit_rules_done(struct audit_rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		free(rules->list[i]);
	free(rules->list);
	*rules = (struct audit_rules){ 0 };
}

static bool take_rule(void *context, int type, const char *bytes, size_t length)
{
	struct audit_rules *rules = context;
	struct audit_rule_data rule;

	if (type == NLMSG_DONE)
		return true;
	if (type != AUDIT_LIST_RULES || length < sizeof(rule) || rules->n == MOST_RULES)
		return false;
	memcpy(&rule, bytes, sizeof(rule));
	if (rule.buflen <= length - sizeof(rule) && rule.field_count <= AUDIT_MAX_FIELDS)
		audit_rules_add(rules, (const struct audit_rule_data *) bytes);
	return false;
}

int audit_list_rules(int fd, struct audit_rules *rules, struct fault *why)
{
	int r;

	*rules = (struct audit_rules){ 0 };
	r = request(fd, AUDIT_LIST_RULES, NULL, 0, true, take_rule, rules, why);
	if (r < 0)
		audit_rules_done(rules);
	return r;
}

int audit_add_rule(int fd, const struct audit_rule_data *rule, struct fault *why)
{
	return request(fd, AUDIT_ADD_RULE, rule, audit_rule_bytes(rule), false, NULL, NULL, why);
}

int audit_delete_rule(int fd, const struct audit_rule_data *rule, struct fault *why)
{
	return request(fd, AUDIT_DEL_RULE, rule, audit_rule_bytes(rule), false, NULL, NULL, why);
}
