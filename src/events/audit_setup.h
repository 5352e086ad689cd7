// SPDX-License-Identifier: Apache-2.0
#pragma once
// What we change of the kernel's audit system, and putting it back: at the end, and after a process
// of ours that was killed. What was before is written to a file before anything is changed. One
// process at a time may change it.

#include "events/audit_netlink.h"

struct audit_wish;

struct audit_setup {
	int control; // socket for requests; borrowed
	int lock;
	bool mine; // we are the one that may change it
	char *path; // of the file
	struct audit_values {
		uint32_t enabled, failure, backlog_limit, backlog_wait_time;
	} was, set;
	struct audit_rules removed; // rules of others
	struct audit_rules made; // ours
	bool changed;
	bool unconfigure; // rules of others that equal ours go at the end, too
};

// `folder`: where the file is kept; NULL: in /run. Reads what a process that was killed has left
// behind, there or in /run.
void audit_setup_open(struct audit_setup *setup, int control, const char *folder);

// Sets auditing on and, where the records are for us alone, the size of the backlog, no waiting
// for it, and no words of the kernel about losses.
struct audit_wanted_status {
	bool alone;
	uint32_t backlog_limit, backlog_wait_time;
	bool remove_others; // their rules go until the end
};
int audit_setup_status(
	struct audit_setup *setup, const struct audit_wanted_status *wanted, struct fault *why);

// Makes our rules those of the wish: new ones first, so that nothing is missed. Takes the rules.
// How many of them the kernel did not take, or a negative errno.
int audit_setup_rules(struct audit_setup *setup, struct audit_rules *rules, struct fault *why);

// Puts everything back that is still as we set it.
void audit_setup_restore(struct audit_setup *setup);

// Undoes what a process that was killed has left behind, if there is something.
void audit_setup_forget(const char *folder);

void audit_setup_close(struct audit_setup *setup);
