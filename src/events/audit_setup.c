// SPDX-License-Identifier: Apache-2.0
// Changes of the audit system that can be taken back. The file audit.restore:
//
//	boot 0d1c…			the start of the host that it is about
//	was 0 1 64 15000		enabled, failure, backlog limit, wait time before
//	set 1 0 4096 0			the same as we set them
//	rule 0400…			a rule of others that we removed, as the kernel told it
//
// It is in the folder of the store, or where that is in memory in /run, where every later start
// looks for it.
#include "events/audit_setup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/log.h"
#include "events/audit_record.h"
#include "events/audit_rules.h"

enum { FILE_BYTES = 16 << 20 };

static const char folder_of_all[] = "/run";
static const char file_of_all[] = "/run/hostql-audit.restore";
static const char lock_of_all[] = "/run/hostql-audit.lock";

// ---- the file ----

static void read_boot(char boot[64])
{
	ssize_t length = read_small(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot, 64);

	if (length <= 0)
		length = 0;
	boot[length] = '\0';
	boot[strcspn(boot, "\n")] = '\0';
}

static void add_values(struct text *text, const char *name, const struct audit_values *values)
{
	text_printf(text, "%s %" PRIu32 " %" PRIu32 " %" PRIu32 " %" PRIu32 "\n", name,
		values->enabled, values->failure, values->backlog_limit, values->backlog_wait_time);
}

static bool read_values(const char *line, struct audit_values *values)
{
	return sscanf(line, "%*s %" SCNu32 " %" SCNu32 " %" SCNu32 " %" SCNu32, &values->enabled,
		       &values->failure, &values->backlog_limit, &values->backlog_wait_time) == 4;
}

static int write_file(const char *path, const struct text *text, struct fault *why)
{
	char fresh[4096];
	auto_close int fd = -1;

	(void) snprintf(fresh, sizeof(fresh), "%s.new", path);
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return fail(why, -errno, "audit: %s: %m", fresh);
	if (write(fd, text->bytes, text->length) != (ssize_t) text->length || fsync(fd) < 0 ||
		rename(fresh, path) < 0)
		return fail(why, errno ? -errno : -EIO, "audit: %s: %m", fresh);
	return 0;
}

// What was before is written before it is changed.
static int save(struct audit_setup *setup, struct fault *why)
{
	auto_text struct text text = { 0 };
	char boot[64];

	setup->changed = true;
	read_boot(boot);
	text_printf(&text, "boot %s\n", boot);
	add_values(&text, "was", &setup->was);
	add_values(&text, "set", &setup->set);
	for (size_t i = 0; i < setup->removed.n; i++) {
		const unsigned char *bytes = (const unsigned char *) setup->removed.list[i];

		text_add_string(&text, "rule ");
		for (size_t b = 0; b < audit_rule_bytes(setup->removed.list[i]); b++)
			text_printf(&text, "%02x", bytes[b]);
		text_add_char(&text, '\n');
	}
	return write_file(setup->path, &text, why);
}

static void forget(const struct audit_setup *setup)
{
	(void) unlink(setup->path);
	(void) unlink(file_of_all);
}

static void read_rule(struct audit_setup *setup, const char *digits)
{
	struct audit_text text = { digits, strlen(digits) };
	size_t size = text.length / 2;
	auto_free struct audit_rule_data *rule = NULL;

	if (size < sizeof(*rule))
		return;
	rule = must_alloc(size);
	if (audit_unhex(text, rule, size) == size && rule->buflen == size - sizeof(*rule) &&
		rule->field_count <= AUDIT_MAX_FIELDS)
		audit_rules_add(&setup->removed, rule);
}

// False when there is nothing of this start of the host.
static bool load(struct audit_setup *setup, const char *path)
{
	struct arena arena = { 0 };
	auto_close int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *rest = fd >= 0 ? fd_read(fd, FILE_BYTES, &arena, &(size_t){ 0 }) : NULL;
	char boot[64];
	bool same_boot = false, was = false, set = false;

	read_boot(boot);
	for (char *line; rest && (line = text_line(&rest));) {
		if (text_starts(line, "boot "))
			same_boot = strcmp(line + 5, boot) == 0;
		else if (text_starts(line, "was "))
			was = read_values(line, &setup->was);
		else if (text_starts(line, "set "))
			set = read_values(line, &setup->set);
		else if (text_starts(line, "rule "))
			read_rule(setup, line + 5);
	}
	arena_done(&arena);
	if (same_boot && was && set)
		return true;
	audit_rules_done(&setup->removed);
	return false;
}

// Two that change it would take back what the other one does. Without /run nobody is asked.
static void lock(struct audit_setup *setup)
{
	setup->lock = open(lock_of_all, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	setup->mine = setup->lock < 0 || flock(setup->lock, LOCK_EX | LOCK_NB) == 0;
}

void audit_setup_open(struct audit_setup *setup, int control, const char *folder)
{
	const char *name = folder ? "audit.restore" : "hostql-audit.restore";
	size_t size;

	*setup = (struct audit_setup){ .control = control };
	lock(setup);
	if (!folder)
		folder = folder_of_all;
	size = strlen(folder) + strlen(name) + 2;
	setup->path = must_alloc(size);
	(void) snprintf(setup->path, size, "%s/%s", folder, name);
	setup->changed = setup->mine && (load(setup, setup->path) || load(setup, file_of_all));
	if (setup->changed)
		log_info("audit: finds what a process that was killed had set");
}

void audit_setup_close(struct audit_setup *setup)
{
	audit_rules_done(&setup->removed);
	audit_rules_done(&setup->made);
	if (setup->path && setup->lock >= 0) // it was opened
		(void) close(setup->lock);
	free(setup->path);
	setup->path = NULL;
}

// ---- status ----

static struct audit_values values_of(const struct audit_status *status)
{
	return (struct audit_values){
		.enabled = status->enabled,
		.failure = status->failure,
		.backlog_limit = status->backlog_limit,
		.backlog_wait_time = status->backlog_wait_time,
	};
}

// Sets those values that differ, each by itself: a kernel that refuses one takes the others.
static int set_values(int control, const struct audit_values *now,
	const struct audit_values *wanted, struct fault *why)
{
	struct audit_status status = {
		.enabled = wanted->enabled,
		.failure = wanted->failure,
		.backlog_limit = wanted->backlog_limit,
		.backlog_wait_time = wanted->backlog_wait_time,
	};
	const struct {
		uint32_t mask;
		bool differs;
	} steps[] = {
		{ AUDIT_STATUS_BACKLOG_LIMIT, now->backlog_limit != wanted->backlog_limit },
		{ AUDIT_STATUS_BACKLOG_WAIT_TIME,
			now->backlog_wait_time != wanted->backlog_wait_time },
		{ AUDIT_STATUS_FAILURE, now->failure != wanted->failure },
		{ AUDIT_STATUS_ENABLED, now->enabled != wanted->enabled },
	};
	int result = 0;

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		int r = 0;

		status.mask = steps[i].mask;
		if (steps[i].differs)
			r = audit_set_status(control, &status, why);
		if (r < 0)
			result = r;
	}
	return result;
}

// Takes the rules of others out of the kernel, to be put back.
static int remove_others(struct audit_setup *setup, struct fault *why)
{
	struct audit_rules rules;
	size_t before = setup->removed.n;
	int r = audit_list_rules(setup->control, &rules, why);

	if (r < 0)
		return r;
	for (size_t i = 0; i < rules.n; i++)
		if (!audit_rule_is_ours(rules.list[i]))
			audit_rules_add(&setup->removed, rules.list[i]);
	audit_rules_done(&rules);
	if (setup->removed.n == before)
		return 0;
	r = save(setup, why);
	for (size_t i = before; r == 0 && i < setup->removed.n; i++)
		r = audit_delete_rule(setup->control, setup->removed.list[i], why);
	return r;
}

int audit_setup_status(
	struct audit_setup *setup, const struct audit_wanted_status *wanted, struct fault *why)
{
	struct audit_values now, set;
	struct audit_status status;
	int r = audit_get_status(setup->control, &status, why);

	if (r < 0)
		return r;
	if (status.enabled == 2)
		return fail(why, -EPERM, "audit: its configuration is locked until the next boot");
	now = set = values_of(&status);
	if (!setup->changed)
		setup->was = now;
	set.enabled = 1;
	if (wanted->alone) {
		set.failure = AUDIT_FAIL_SILENT;
		set.backlog_limit = wanted->backlog_limit;
		set.backlog_wait_time = wanted->backlog_wait_time;
	}
	setup->set = set;
	r = save(setup, why);
	if (r == 0)
		r = set_values(setup->control, &now, &set, why);
	if (r == 0 && wanted->remove_others)
		r = remove_others(setup, why);
	return r;
}

// ---- rules ----

static bool has_rule(const struct audit_rules *rules, const struct audit_rule_data *rule)
{
	for (size_t i = 0; i < rules->n; i++)
		if (audit_rule_equals(rules->list[i], rule))
			return true;
	return false;
}

int audit_setup_rules(struct audit_setup *setup, struct audit_rules *rules, struct fault *why)
{
	struct audit_rules present;
	int refused = 0, r;

	audit_rules_done(&setup->made);
	setup->made = *rules;
	*rules = (struct audit_rules){ 0 };
	r = audit_list_rules(setup->control, &present, why);
	if (r < 0)
		return r;
	for (size_t i = 0; i < setup->made.n; i++)
		if (!has_rule(&present, setup->made.list[i])) {
			r = audit_add_rule(setup->control, setup->made.list[i], why);
			if (r == -EPERM)
				break;
			refused += r < 0 && r != -EEXIST;
		}
	for (size_t i = 0; i < present.n; i++)
		if (audit_rule_is_ours(present.list[i]) && !has_rule(&setup->made, present.list[i]))
			(void) audit_delete_rule(setup->control, present.list[i], why);
	audit_rules_done(&present);
	return r == -EPERM ? r : refused;
}

// ---- putting back ----

static bool equals_ours(const struct audit_setup *setup, const struct audit_rule_data *other)
{
	for (size_t i = 0; i < setup->made.n; i++)
		if (audit_rule_equals_without_key(setup->made.list[i], other))
			return true;
	return false;
}

static int restore_rules(struct audit_setup *setup, struct fault *why)
{
	struct audit_rules present;
	int r = audit_list_rules(setup->control, &present, why), result = 0;

	if (r < 0)
		return r;
	for (size_t i = 0; i < present.n; i++)
		if (audit_rule_is_ours(present.list[i]) ||
			(setup->unconfigure && equals_ours(setup, present.list[i]))) {
			r = audit_delete_rule(setup->control, present.list[i], why);
			result = r < 0 ? r : result;
		}
	for (size_t i = 0; i < setup->removed.n; i++)
		if (!has_rule(&present, setup->removed.list[i])) {
			r = audit_add_rule(setup->control, setup->removed.list[i], why);
			result = r < 0 && r != -EEXIST ? r : result;
		}
	audit_rules_done(&present);
	return result;
}

// What it was where it still is what we set: others may have changed it since.
static uint32_t put_back(uint32_t now, uint32_t set, uint32_t was)
{
	return now == set ? was : now;
}

static int restore_status(struct audit_setup *setup, struct fault *why)
{
	const struct audit_values *was = &setup->was, *set = &setup->set;
	struct audit_values now, wanted;
	struct audit_status status;
	int r = audit_get_status(setup->control, &status, why);

	if (r < 0)
		return r;
	now = values_of(&status);
	wanted = (struct audit_values){
		.enabled = put_back(now.enabled, set->enabled, was->enabled),
		.failure = put_back(now.failure, set->failure, was->failure),
		.backlog_limit = put_back(
			now.backlog_limit, set->backlog_limit, was->backlog_limit),
		.backlog_wait_time = put_back(
			now.backlog_wait_time, set->backlog_wait_time, was->backlog_wait_time),
	};
	return set_values(setup->control, &now, &wanted, why);
}

void audit_setup_restore(struct audit_setup *setup)
{
	struct fault why = { 0 };
	int rules, status;

	if (!setup->changed)
		return;
	rules = restore_rules(setup, &why);
	status = restore_status(setup, &why);
	if (rules < 0 || status < 0)
		log_warning("%s: not all of the kernel's audit settings were put back", why.text);
	else
		forget(setup);
	setup->changed = false;
}

void audit_setup_forget(const char *folder)
{
	auto_text struct text path = { 0 };
	struct audit_setup setup;
	auto_close int control = -1;

	text_printf(&path, "%s/audit.restore", folder ? folder : folder_of_all);
	if ((!folder || access(path.bytes, F_OK) < 0) && access(file_of_all, F_OK) < 0)
		return;
	control = audit_socket_open(AUDIT_REQUESTS, NULL);
	if (control < 0)
		return;
	audit_setup_open(&setup, control, folder);
	audit_setup_restore(&setup);
	audit_setup_close(&setup);
}
