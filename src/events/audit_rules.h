// SPDX-License-Identifier: Apache-2.0
#pragma once
// Which rules the kernel needs for the events that are wanted, and which of its rules are ours.

#include <stdbool.h>
#include <stdint.h>

#include "events/audit_netlink.h"
#include "events/rules.h"

struct audit_wish {
	uint32_t kinds; // of events
	bool failed_sockets; // calls of sockets that failed, too
	bool empty_accepts; // also accept(2) that had nobody to accept
	bool unix_sockets;
	const struct rule_watch *watches;
	size_t n_watches;
};

// The rules for it; the caller's. How many folders were left out because there are too many.
size_t audit_rules_make(const struct audit_wish *wish, struct audit_rules *rules);

// Ours have our key.
bool audit_rule_is_ours(const struct audit_rule_data *rule);

bool audit_rule_equals(const struct audit_rule_data *a, const struct audit_rule_data *b);

// The same but for the key that only one of them has.
bool audit_rule_equals_without_key(
	const struct audit_rule_data *ours, const struct audit_rule_data *other);
