// SPDX-License-Identifier: Apache-2.0
#pragma once
// The audit system of the kernel, asked and told over netlink(7). Requests need CAP_AUDIT_CONTROL
// in the first user namespace; listening beside others CAP_AUDIT_READ.

#include <linux/audit.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/base.h"

// A socket for requests; for the records that the kernel sends to one alone (audit_set_own); for
// those that it sends to everybody. The latter have as much room for them as we can have. -errno
// with the reason.
enum audit_use { AUDIT_REQUESTS, AUDIT_UNICAST, AUDIT_MULTICAST };
int audit_socket_open(enum audit_use use, struct fault *why);

int audit_get_status(int fd, struct audit_status *status, struct fault *why);

// Sets what `mask` names (AUDIT_STATUS_…).
int audit_set_status(int fd, const struct audit_status *status, struct fault *why);

// Makes the socket the one to which the kernel sends records alone. -EEXIST: another has it, and
// lives. `own` false: gives that up, by any socket of the same process.
int audit_set_own(int fd, bool own, struct fault *why);

// Whether another process has it, and lives.
bool audit_is_taken(const struct audit_status *status);

int audit_add_rule(int fd, const struct audit_rule_data *rule, struct fault *why);
int audit_delete_rule(int fd, const struct audit_rule_data *rule, struct fault *why);

// Rules in the kernel's order.
struct audit_rules {
	struct audit_rule_data **list;
	size_t n;
};
int audit_list_rules(int fd, struct audit_rules *rules, struct fault *why);
void audit_rules_done(struct audit_rules *rules);
void audit_rules_add(struct audit_rules *rules, const struct audit_rule_data *rule);

size_t audit_rule_bytes(const struct audit_rule_data *rule);
