// SPDX-License-Identifier: Apache-2.0
// Rules for the exits of system calls. Few, as each call of each process is compared with them; and
// failed calls, local sockets and folders that do not matter are sorted out by the kernel.
#include "events/audit_rules.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "events/audit_call.h"
#include "events/syscall_names.h"

enum { FOLDERS = 256, STRING_BYTES = 8192 };

static const char key[] = "hostql";

#ifdef __aarch64__
static const uint32_t archs[] = { AUDIT_ARCH_AARCH64 };
#else
static const uint32_t archs[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_I386 };
#endif

// A rule that is being made, with room for its strings.
union draft {
	struct audit_rule_data rule;
	char bytes[sizeof(struct audit_rule_data) + STRING_BYTES];
};

static void add_field(
	struct audit_rule_data *rule, uint32_t field, uint32_t compare, uint32_t value)
{
	rule->fields[rule->field_count] = field;
	rule->fieldflags[rule->field_count] = compare;
	rule->values[rule->field_count] = value;
	rule->field_count++;
}

static void add_string(struct audit_rule_data *rule, uint32_t field, const char *string)
{
	size_t length = strlen(string);

	if (length > STRING_BYTES - rule->buflen)
		return; // never: paths are shorter
	add_field(rule, field, AUDIT_EQUAL, (uint32_t) length);
	memcpy(rule->buf + rule->buflen, string, length);
	rule->buflen += (uint32_t) length;
}

static void begin(union draft *draft)
{
	memset(draft, 0, sizeof(draft->rule));
	draft->rule.flags = AUDIT_FILTER_EXIT;
	draft->rule.action = AUDIT_ALWAYS;
}

static bool set_call(struct audit_rule_data *rule, uint32_t arch, const char *name)
{
	int number = syscall_number(arch, name);

	if (number < 0 || number / 32 >= AUDIT_BITMASK_SIZE)
		return false;
	rule->mask[number / 32] |= 1U << (number % 32);
	return true;
}

typedef bool call_filter(const struct audit_call_kind *kind);

// One rule for each machine, of the calls for `kinds` that the filter lets through; `rest` are the
// fields that all have.
static void finish(
	struct audit_rules *rules, const union draft *rest, uint32_t kinds, call_filter *filter)
{
	for (size_t i = 0; i < sizeof(archs) / sizeof(archs[0]); i++) {
		union draft draft = *rest;
		bool any = false;

		for (size_t k = 0; k < n_audit_call_kinds; k++)
			if (audit_call_kinds[k].kinds & kinds && filter(&audit_call_kinds[k]))
				any |= set_call(&draft.rule, archs[i], audit_call_kinds[k].name);
		if (!any)
			continue;
		add_field(&draft.rule, AUDIT_ARCH, AUDIT_EQUAL, archs[i]);
		add_string(&draft.rule, AUDIT_FILTERKEY, key);
		audit_rules_add(rules, &draft.rule);
	}
}

static bool is_of_processes(const struct audit_call_kind *kind)
{
	return kind->class == CALL_EXEC || kind->class == CALL_FORK || kind->class == CALL_KILL;
}

static bool is_of_sockets(const struct audit_call_kind *kind)
{
	return kind->class == CALL_SOCKET;
}

static bool opens(const struct audit_call_kind *kind)
{
	return kind->class == CALL_OPEN;
}

static bool changes(const struct audit_call_kind *kind)
{
	return kind->class > CALL_OPEN && kind->class < CALL_CLOSE;
}

static bool moves(const struct audit_call_kind *kind)
{
	return kind->class == CALL_MKDIR || kind->class == CALL_RENAME ||
		kind->class == CALL_SYMLINK;
}

// ---- sockets ----

static void begin_socket(union draft *draft, const struct audit_wish *wish, bool has_address)
{
	begin(draft);
	if (!has_address)
		return; // of accept(2), where the caller need not ask for it
	if (!wish->unix_sockets)
		add_field(&draft->rule, AUDIT_SADDR_FAM, AUDIT_NOT_EQUAL, AF_UNIX);
	add_field(&draft->rule, AUDIT_SADDR_FAM, AUDIT_NOT_EQUAL, AF_NETLINK);
}

static void add_success(union draft *draft)
{
	add_field(&draft->rule, AUDIT_SUCCESS, AUDIT_EQUAL, 1);
}

static void add_exit(union draft *draft, uint32_t compare, int error)
{
	add_field(&draft->rule, AUDIT_EXIT, compare, (uint32_t) -error);
}

static void make_connects(const struct audit_wish *wish, struct audit_rules *rules)
{
	uint32_t connects = wish->kinds & EVENT_BIT(EVENT_CONNECT);
	uint32_t binds = wish->kinds & EVENT_BIT(EVENT_BIND);
	union draft draft;

	begin_socket(&draft, wish, true);
	if (!wish->failed_sockets)
		add_success(&draft);
	finish(rules, &draft, connects | binds, is_of_sockets);
	if (wish->failed_sockets)
		return;
	begin_socket(&draft, wish, true); // one that does not wait has not failed
	add_exit(&draft, AUDIT_EQUAL, EINPROGRESS);
	finish(rules, &draft, connects, is_of_sockets);
}

static void make_accepts(const struct audit_wish *wish, struct audit_rules *rules)
{
	uint32_t accepts = wish->kinds & EVENT_BIT(EVENT_ACCEPT);
	union draft draft;

	begin_socket(&draft, wish, false);
	if (!wish->failed_sockets)
		add_success(&draft);
	else if (!wish->empty_accepts)
		add_exit(&draft, AUDIT_NOT_EQUAL, EAGAIN);
	finish(rules, &draft, accepts, is_of_sockets);
	if (wish->failed_sockets || !wish->empty_accepts)
		return;
	begin_socket(&draft, wish, false);
	add_exit(&draft, AUDIT_EQUAL, EAGAIN);
	finish(rules, &draft, accepts, is_of_sockets);
}

// ---- files ----

static void begin_folder(union draft *draft, const struct rule_watch *watch)
{
	begin(draft);
	add_success(draft);
	add_string(&draft->rule, AUDIT_DIR, watch->path);
}

static void make_folder(
	const struct audit_wish *wish, const struct rule_watch *watch, struct audit_rules *rules)
{
	const uint32_t writes = EVENT_BIT(EVENT_CREATE) | EVENT_BIT(EVENT_WRITE);
	bool reads = watch->opens && wish->kinds & EVENT_BIT(EVENT_OPEN);
	union draft draft;

	begin_folder(&draft, watch);
	if (watch->missing) { // until it comes only that is of interest
		finish(rules, &draft, EVENTS_FILE, moves);
		return;
	}
	add_field(&draft.rule, AUDIT_PERM, AUDIT_EQUAL,
		AUDIT_PERM_WRITE | (reads ? AUDIT_PERM_READ : 0));
	finish(rules, &draft, wish->kinds & (writes | (reads ? EVENT_BIT(EVENT_OPEN) : 0)), opens);
	begin_folder(&draft, watch);
	finish(rules, &draft, wish->kinds & EVENTS_FILE, changes);
}

size_t audit_rules_make(const struct audit_wish *wish, struct audit_rules *rules)
{
	size_t folders = 0;
	union draft draft;

	*rules = (struct audit_rules){ 0 };
	begin(&draft);
	add_success(&draft);
	finish(rules, &draft, wish->kinds & EVENTS_PROCESS, is_of_processes);
	make_connects(wish, rules);
	make_accepts(wish, rules);
	if (!(wish->kinds & EVENTS_FILE))
		return 0;
	for (; folders < wish->n_watches && folders < FOLDERS; folders++)
		make_folder(wish, &wish->watches[folders], rules);
	return wish->n_watches - folders;
}

// ---- comparing ----

static bool is_string(uint32_t field)
{
	return (field >= AUDIT_SUBJ_USER && field <= AUDIT_OBJ_LEV_HIGH) || field == AUDIT_WATCH ||
		field == AUDIT_DIR || field == AUDIT_FILTERKEY || field == AUDIT_EXE;
}

// Where a field's string begins in the buffer; SIZE_MAX when the rule is not well made.
static size_t string_at(const struct audit_rule_data *rule, uint32_t position)
{
	size_t at = 0;

	for (uint32_t i = 0; i < position; i++)
		if (is_string(rule->fields[i]))
			at += rule->values[i];
	return rule->values[position] <= rule->buflen && at <= rule->buflen - rule->values[position]
		? at
		: SIZE_MAX;
}

bool audit_rule_is_ours(const struct audit_rule_data *rule)
{
	for (uint32_t i = 0; i < rule->field_count && i < AUDIT_MAX_FIELDS; i++) {
		size_t at;

		if (rule->fields[i] != AUDIT_FILTERKEY || rule->values[i] != sizeof(key) - 1)
			continue;
		at = string_at(rule, i);
		return at != SIZE_MAX && memcmp(rule->buf + at, key, sizeof(key) - 1) == 0;
	}
	return false;
}

static bool same_fields(
	const struct audit_rule_data *a, const struct audit_rule_data *b, uint32_t n)
{
	return a->flags == b->flags && a->action == b->action &&
		memcmp(a->mask, b->mask, sizeof(a->mask)) == 0 &&
		memcmp(a->fields, b->fields, n * sizeof(a->fields[0])) == 0 &&
		memcmp(a->values, b->values, n * sizeof(a->values[0])) == 0 &&
		memcmp(a->fieldflags, b->fieldflags, n * sizeof(a->fieldflags[0])) == 0;
}

bool audit_rule_equals(const struct audit_rule_data *a, const struct audit_rule_data *b)
{
	return a->field_count == b->field_count && a->buflen == b->buflen &&
		same_fields(a, b, a->field_count) && memcmp(a->buf, b->buf, a->buflen) == 0;
}

bool audit_rule_equals_without_key(
	const struct audit_rule_data *ours, const struct audit_rule_data *other)
{
	uint32_t n = ours->field_count - 1; // the key is our last field

	return audit_rule_is_ours(ours) && !audit_rule_is_ours(other) &&
		(other->field_count == n ||
			(other->field_count == n + 1 && other->fields[n] == AUDIT_FILTERKEY)) &&
		same_fields(ours, other, n) && other->buflen >= ours->buflen - (sizeof(key) - 1) &&
		memcmp(ours->buf, other->buf, ours->buflen - (sizeof(key) - 1)) == 0;
}
