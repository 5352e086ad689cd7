// SPDX-License-Identifier: Apache-2.0
// Events from recorded audit records.
#include <arpa/inet.h>
#include <errno.h>
#include <linux/audit.h>
#include <netinet/in.h>
#include <sys/sysmacros.h>

#include "base/text.h"
#include "events/audit_reader.h"
#include "events/audit_record.h"
#include "events/audit_rules.h"
#include "events/process.h"
#include "events/syscall_names.h"
#include "test.h"

#define CALL(number, success, result, arguments)                                                   \
	"1300 audit(1700000000.123:42): arch=c000003e syscall=" number " success=" success         \
	" exit=" result " " arguments " items=2 ppid=100 pid=200 auid=1000 uid=1 gid=2 euid=3 "    \
	"suid=4 fsuid=5 egid=6 sgid=7 fsgid=8 tty=pts0 ses=9 comm=\"sh\" exe=\"/usr/bin/dash\" "   \
	"subj=unconfined key=\"hostql\"\n"
#define NO_ARGUMENTS "a0=0 a1=0 a2=0 a3=0"
#define STAMP "audit(1700000000.123:42): "
#define CWD "1307 " STAMP "cwd=\"/home/alice\"\n"
#define END "1320 " STAMP "\n"

// What the reader gave, as text: one line for each event.
struct heard {
	struct text text;
	size_t n;
	struct event last;
};

static void add_file(struct text *text, const struct event_file *file)
{
	text_printf(text, " %s", file->path);
	if (file->new_path)
		text_printf(text, " -> %s", file->new_path);
}

static void add_address(struct text *text, const char *name, const struct event_address *address)
{
	char numbers[INET6_ADDRSTRLEN] = "";
	const struct sockaddr_in *four = (const struct sockaddr_in *) &address->storage;
	const struct sockaddr_in6 *six = (const struct sockaddr_in6 *) &address->storage;

	if (address->length == 0)
		return;
	if (address->any.sa_family == AF_INET)
		text_printf(text, " %s %s:%u", name,
			inet_ntop(AF_INET, &four->sin_addr, numbers, sizeof(numbers)),
			ntohs(four->sin_port));
	else if (address->any.sa_family == AF_INET6)
		text_printf(text, " %s %s:%u", name,
			inet_ntop(AF_INET6, &six->sin6_addr, numbers, sizeof(numbers)),
			ntohs(six->sin6_port));
	else
		text_printf(text, " %s family %d", name, address->any.sa_family);
}

static void hear(void *context, struct event *event)
{
	struct heard *heard = context;
	struct text *text = &heard->text;

	heard->n++;
	heard->last = *event;
	text_printf(text, "%d %u", event->kind, event->pid);
	if (event->error)
		text_printf(text, " error %d", event->error);
	if (event->cwd)
		text_printf(text, " in %s", event->cwd);
	if (EVENT_BIT(event->kind) & EVENTS_FILE)
		add_file(text, &event->file);
	if (event->kind == EVENT_FORK)
		text_printf(text, " child %u", event->fork.child);
	if (event->kind == EVENT_KILL)
		text_printf(text, " %d to %u", event->kill.signal, event->kill.target);
	if (EVENT_BIT(event->kind) & EVENTS_SOCKET) {
		text_printf(text, " fd %d", event->fd);
		add_address(text, "local", &event->socket.local);
		add_address(text, "remote", &event->socket.remote);
	}
	if (event->kind >= EVENT_USER)
		for (const struct event_field *field = event->record.fields; field->name; field++)
			text_printf(text, " %s=<%s>", field->name, field->value);
	text_add_char(text, '\n');
}

static struct audit_reader *open_reader(struct heard *heard, uint32_t kinds)
{
	struct audit_reader_settings settings = {
		.kinds = kinds,
		.own_pid = 77,
		.own_path = "/usr/bin/hostql",
		.give = hear,
		.context = heard,
	};

	memset(heard, 0, sizeof(*heard));
	return audit_reader_new(&settings);
}

// Lines of a type and a record.
static void feed(struct audit_reader *reader, const char *lines, int64_t now_ms)
{
	while (*lines) {
		const char *end = strchr(lines, '\n');
		char *record;
		int type = (int) strtol(lines, &record, 10);
		size_t length = (size_t) (end - record) - 1;
		// of its own size, so that a sanitizer sees a step too far
		char *copy = memcpy(malloc(length + 1), record + 1, length);

		audit_reader_take(reader, type, copy, length, now_ms);
		free(copy);
		lines = end + 1;
	}
}

static void expect(const char *lines, uint32_t kinds, const char *expected)
{
	struct heard heard;
	struct audit_reader *reader = open_reader(&heard, kinds);

	feed(reader, lines, 0);
	CHECK_TEXT(heard.text.bytes ? heard.text.bytes : "", expected);
	audit_reader_free(reader);
	text_done(&heard.text);
}

#define EXEC_BEGIN CALL("59", "yes", "0", NO_ARGUMENTS)
#define EXEC_PATHS                                                                                 \
	"1302 " STAMP "item=0 name=\"/bin/sh\" inode=247230 dev=fe:01 mode=0100755 ouid=11 "       \
	"ogid=12 rdev=00:00 nametype=NORMAL\n"                                                     \
	"1302 " STAMP "item=1 name=\"/lib64/ld-linux.so\" inode=5 dev=fe:01 mode=0100644 ouid=0 "  \
	"ogid=0 rdev=00:00 nametype=NORMAL\n"

TEST(an_execution_has_all_that_the_records_say)
{
	struct heard heard;
	struct audit_reader *reader = open_reader(&heard, UINT32_MAX);
	const struct event *event = &heard.last;

	feed(reader,
		EXEC_BEGIN "1309 " STAMP "argc=2 a0=\"sh\" a1=612062\n" CWD EXEC_PATHS "1327 " STAMP
			   "proctitle=7368\n" END,
		0);
	CHECK_TEXT(heard.text.bytes, "0 200 in /home/alice\n");
	CHECK(event->time_ns == 1700000000123000000 && event->ppid == 100 && event->error == 0);
	CHECK(event->ids.auid == 1000 && event->ids.uid == 1 && event->ids.gid == 2);
	CHECK(event->ids.euid == 3 && event->ids.suid == 4 && event->ids.fsuid == 5);
	CHECK(event->ids.egid == 6 && event->ids.sgid == 7 && event->ids.fsgid == 8);
	CHECK(event->ids.session == 9);
	CHECK_TEXT(event->syscall, "execve");
	CHECK(event->exec.mode == 0100755 && event->exec.inode == 247230);
	CHECK(event->exec.device == makedev(0xfe, 1));
	CHECK(event->exec.owner_uid == 11 && event->exec.owner_gid == 12);
	CHECK(event->exec.cmdline_bytes == 6); // sh a b
	CHECK(event->exec.env_count == -1);
	audit_reader_free(reader);
	text_done(&heard.text);
}

TEST(an_execution_tells_the_processes_what_it_became)
{
	struct fault why;
	struct root root;
	struct heard heard = { .n = 0 };
	struct processes *processes;
	struct audit_reader_settings settings = {
		.kinds = UINT32_MAX, .tells_processes = true, .give = hear, .context = &heard
	};
	struct audit_reader *reader;
	const struct process *process;

	CHECK(root_open(&root, "/proc/self/fdinfo", &why) == 0); // a root without processes
	processes = processes_open(&root);
	settings.processes = processes;
	reader = audit_reader_new(&settings);
	feed(reader,
		EXEC_BEGIN "1309 " STAMP "argc=4 a0=\"sh\" a1=\"\" a2_len=6 a2[0]=\"abc\"\n"
			   "1309 " STAMP "a2[1]=646566 a3=\"it's\"\n" CWD EXEC_PATHS END,
		0);
	process = heard.last.process;
	CHECK_TEXT(process->path, "/usr/bin/dash");
	CHECK_TEXT(process->cmdline, "sh  abcdef it's");
	CHECK_TEXT(process->cwd, "/home/alice");
	CHECK(process->pid == 200 && process->ppid == 100 && process->ids.uid == 1);
	audit_reader_free(reader);
	processes_close(processes);
	root_close(&root);
	text_done(&heard.text);
}

TEST(events_of_two_processors_do_not_mix)
{
	expect(EXEC_BEGIN
		"1300 audit(1700000000.124:43): arch=c000003e syscall=42 success=yes exit=0 a0=4 "
		"a1=0 a2=10 a3=0 items=0 ppid=1 pid=300 uid=0 exe=\"/bin/x\"\n" CWD
		"1306 audit(1700000000.124:43): saddr=020000507F0000010000000000000000\n" EXEC_PATHS
		"1320 audit(1700000000.124:43): \n" END,
		UINT32_MAX, "15 300 fd 4 remote 127.0.0.1:80\n0 200 in /home/alice\n");
}

TEST(a_process_is_forked_and_a_thread_is_not)
{
	expect(CALL("57", "yes", "201", NO_ARGUMENTS) END, UINT32_MAX, "1 200 child 201\n");
	expect(CALL("56", "yes", "201", "a0=1200011 a1=0 a2=0 a3=0") END, UINT32_MAX,
		"1 200 child 201\n");
	expect(CALL("56", "yes", "201", "a0=3d0f00 a1=0 a2=0 a3=0") END, UINT32_MAX, "");
	expect(CALL("57", "no", "-11", NO_ARGUMENTS) END, UINT32_MAX, "");
}

TEST(signals_have_the_target_that_the_kernel_names)
{
	expect(CALL("62", "yes", "0", "a0=1f5c a1=f a2=0 a3=0") END, UINT32_MAX,
		"3 200 15 to 8028\n");
	// a group, by the caller's own numbers
	expect(CALL("62", "yes", "0",
		       "a0=ffffffffffffffff a1=9 a2=0 a3=0") "1318 " STAMP
							     "opid=8028 oauid=-1 ouid=0 oses=-1 "
							     "ocomm=\"a\"\n"
							     "1318 " STAMP
							     "opid=8029 oauid=-1 ouid=0 oses=-1 "
							     "ocomm=\"b\"\n" END,
		UINT32_MAX, "3 200 9 to 8028\n3 200 9 to 8029\n");
	expect(CALL("234", "yes", "0", "a0=5 a1=6 a2=2 a3=0") END, UINT32_MAX, "3 200 2 to 5\n");
}

TEST(sockets_have_their_addresses)
{
	expect(CALL("49", "yes", "0",
		       "a0=3 a1=0 a2=10 a3=0") "1306 " STAMP
					       "saddr=020000507F0000010000000000000000\n" END,
		UINT32_MAX, "17 200 fd 3 local 127.0.0.1:80\n");
	expect(CALL("42", "no", "-111", "a0=6 a1=0 a2=1c a3=0") "1306 " STAMP "saddr="
								"0A00000900000000000000000000000000"
								"0000000000000100000000\n" END,
		UINT32_MAX, "15 200 error 111 fd 6 remote ::1:9\n");
	expect(CALL("288", "yes", "5", "a0=3 a1=0 a2=0 a3=0") END, UINT32_MAX, "16 200 fd 3\n");
	expect(CALL("42", "yes", "0", "a0=6 a1=0 a2=1c a3=0") "1306 " STAMP
							      "saddr=01002F746D702F7300\n" END,
		UINT32_MAX, "15 200 fd 6 remote family 1\n");
}

#define PATH(item, name, type)                                                                     \
	"1302 " STAMP "item=" item " name=" name " inode=9 dev=fe:00 mode=0100644 ouid=0 ogid=0 "  \
	"rdev=00:00 nametype=" type " cap_fp=0\n"
#define AT "a0=ffffff9c a1=7f00 a2=241 a3=1b6"

TEST(files_have_whole_paths)
{
	expect(CALL("257", "yes", "3", AT) CWD PATH("0", "\"/home/alice\"", "PARENT")
			PATH("1", "\"../bob//./x\"", "CREATE") END,
		UINT32_MAX, "5 200 in /home/alice /home/bob/x\n");
	expect(CALL("257", "yes", "3", AT) CWD PATH("0", "2F6120622F63", "NORMAL") END, UINT32_MAX,
		"4 200 in /home/alice /a b/c\n");
	expect(CALL("316", "yes", "0", "a0=ffffff9c a1=0 a2=ffffff9c a3=0")
			CWD PATH("0", "\"/home/alice\"", "PARENT") PATH("1", "\"/etc\"", "PARENT")
				PATH("2", "\"f\"", "DELETE") PATH("3", "\"/etc/f\"", "DELETE")
					PATH("4", "\"/etc/f\"", "CREATE") END,
		UINT32_MAX, "8 200 in /home/alice /home/alice/f -> /etc/f\n");
	expect(CALL("266", "yes", "0", "a0=1 a1=ffffff9c a2=2 a3=0")
			CWD PATH("0", "\"/home/alice\"", "PARENT") PATH("1", "\"to\"", "UNKNOWN")
				PATH("2", "\"sl\"", "CREATE") END,
		UINT32_MAX, "11 200 in /home/alice to -> /home/alice/sl\n");
	expect(CALL("263", "yes", "0", "a0=ffffff9c a1=0 a2=200 a3=0")
			CWD PATH("0", "\"/home/alice\"", "PARENT") PATH("1", "\"d\"", "DELETE") END,
		UINT32_MAX, "13 200 in /home/alice /home/alice/d\n");
	expect(CALL("90", "yes", "0", NO_ARGUMENTS) CWD PATH("0", "\"/\"", "NORMAL") END,
		UINT32_MAX, "14 200 in /home/alice /\n");
}

TEST(a_file_below_a_folder_that_is_not_known_is_left_out)
{
	expect(CALL("257", "yes", "3", "a0=5 a1=7f00 a2=0 a3=0") CWD PATH("0", "\"x\"", "NORMAL")
			END,
		UINT32_MAX, "");
	expect(CALL("257", "no", "-2", AT) CWD PATH("0", "\"x\"", "NORMAL") END, UINT32_MAX, "");
	expect(CALL("91", "yes", "0", "a0=4 a1=0 a2=0 a3=0") CWD PATH("0", "(null)", "NORMAL") END,
		UINT32_MAX, "");
}

#define LATER "audit(1700000000.223:43): "

TEST(closing_what_was_open_for_writing_is_a_write)
{
	struct heard heard;
	struct audit_reader *reader = open_reader(&heard, UINT32_MAX & ~EVENT_BIT(EVENT_OPEN));

	feed(reader, CALL("257", "yes", "3", AT) CWD PATH("0", "\"x\"", "NORMAL") END, 0);
	CHECK(heard.n == 0 && audit_reader_waits(reader));
	feed(reader,
		"1300 " LATER "arch=c000003e syscall=3 success=yes exit=0 a0=3 a1=0 a2=0 a3=0 "
		"items=0 ppid=100 pid=200 uid=1 exe=\"/bin/x\"\n1320 " LATER "\n",
		0);
	CHECK_TEXT(heard.text.bytes, "6 200 /home/alice/x\n");
	CHECK(heard.last.ids.uid == 1 && heard.last.time_ns == 1700000000223000000);
	CHECK(!audit_reader_waits(reader));
	audit_reader_free(reader);
	text_done(&heard.text);
}

TEST(what_users_are_told_of_is_cut_into_fields)
{
	expect("1100 audit(1700000000.001:7): pid=8030 uid=0 auid=1000 ses=3 "
	       "msg='op=PAM:authentication acct=\"root\" exe=\"/usr/bin/su\" hostname=? addr=? "
	       "terminal=/dev/pts/0 res=success'\n",
		UINT32_MAX,
		"19 8030 pid=<8030> uid=<0> auid=<1000> ses=<3> msg=<op=PAM:authentication "
		"acct=\"root\" exe=\"/usr/bin/su\" hostname=? addr=? terminal=/dev/pts/0 "
		"res=success> op=<PAM:authentication> acct=<root> exe=</usr/bin/su> hostname=<?> "
		"addr=<?> terminal=</dev/pts/0> res=<success>\n");
}

TEST(a_program_cannot_say_what_the_kernel_says)
{
	expect("1112 audit(1700000000.001:7): pid=5 uid=1000 auid=1000 ses=3 msg='op=login pid=1 "
	       "uid=0 auid=0 exe=2F62696E2F6C6F67696E'\n",
		UINT32_MAX,
		"19 5 pid=<5> uid=<1000> auid=<1000> ses=<3> msg=<op=login pid=1 uid=0 auid=0 "
		"exe=2F62696E2F6C6F67696E> op=<login> exe=</bin/login>\n");
}

TEST(an_access_that_was_denied_is_of_apparmor_or_of_selinux)
{
	expect("1400 audit(1700000000.001:8): apparmor=\"DENIED\" operation=\"open\" "
	       "profile=\"/usr/sbin/x\" name=2F612062 pid=44 comm=\"x\" requested_mask=\"r\" "
	       "denied_mask=\"r\" fsuid=0 ouid=1000\n",
		EVENT_BIT(EVENT_APPARMOR),
		"21 44 apparmor=<DENIED> operation=<open> profile=</usr/sbin/x> name=</a b> "
		"pid=<44> comm=<x> requested_mask=<r> denied_mask=<r> fsuid=<0> ouid=<1000>\n");
	expect("1400 audit(1700000000.001:8): avc:  denied  { read } for  pid=44 comm=\"x\" "
	       "name=\"y\" dev=\"sda1\" ino=3 scontext=u:r:t tcontext=u:r:t tclass=file "
	       "permissive=0\n",
		EVENT_BIT(EVENT_SELINUX),
		"20 44 pid=<44> comm=<x> name=<y> dev=<sda1> ino=<3> scontext=<u:r:t> "
		"tcontext=<u:r:t> tclass=<file> permissive=<0>\n");
	expect("1326 audit(1700000000.001:9): auid=1 uid=2 gid=3 ses=4 pid=55 comm=\"c\" "
	       "exe=\"/bin/c\" sig=31 arch=c000003e syscall=41 compat=0 ip=0x7f code=0x80000000\n",
		EVENT_BIT(EVENT_SECCOMP),
		"22 55 auid=<1> uid=<2> gid=<3> ses=<4> pid=<55> comm=<c> exe=</bin/c> sig=<31> "
		"arch=<c000003e> syscall=<41> compat=<0> ip=<0x7f> code=<0x80000000>\n");
}

TEST(our_own_calls_and_what_nobody_wants_are_counted_only)
{
	struct heard heard;
	struct audit_reader *reader = open_reader(&heard, EVENTS_SOCKET | EVENTS_PROCESS);

	feed(reader,
		"1300 audit(1700000000.124:1): arch=c000003e syscall=42 success=yes exit=0 a0=4 "
		"a1=0 a2=10 a3=0 items=0 ppid=1 pid=77 uid=0 exe=\"/bin/x\"\n"
		"1320 audit(1700000000.124:1): \n"
		"1300 audit(1700000000.124:2): arch=c000003e syscall=42 success=yes exit=0 a0=4 "
		"a1=0 a2=10 a3=0 items=0 ppid=1 pid=78 uid=0 exe=\"/usr/bin/hostql\"\n"
		"1320 audit(1700000000.124:2): \n"
		"1300 audit(1700000000.124:3): arch=c000003e syscall=0 success=yes exit=0 a0=4 "
		"a1=0 a2=10 a3=0 items=0 ppid=1 pid=78 uid=0 exe=\"/bin/x\"\n",
		0);
	CHECK(heard.n == 0 && audit_reader_counts(reader)->filtered == 3);
	audit_reader_free(reader);
}

TEST(what_has_no_end_is_given_after_a_while)
{
	struct heard heard;
	struct audit_reader *reader = open_reader(&heard, UINT32_MAX);

	feed(reader, EXEC_BEGIN CWD EXEC_PATHS, 1000);
	audit_reader_tick(reader, 2000, 0);
	CHECK(heard.n == 0 && audit_reader_waits(reader));
	audit_reader_tick(reader, 5000, 0);
	CHECK(heard.n == 1 && !audit_reader_waits(reader));
	audit_reader_free(reader);
	text_done(&heard.text);
}

TEST(many_that_have_no_end_push_the_oldest_out)
{
	struct heard heard;
	struct audit_reader *reader = open_reader(&heard, UINT32_MAX);
	char line[400];

	for (unsigned i = 0; i < 1000; i++) {
		(void) snprintf(line, sizeof(line),
			"1300 audit(1700000000.000:%u): arch=c000003e syscall=42 success=yes "
			"exit=0 a0=4 a1=0 a2=0 a3=0 ppid=1 pid=%u uid=0 exe=\"/bin/x\"\n",
			i, 1000 + i);
		feed(reader, line, 0);
	}
	CHECK(heard.n == 1000 - 64);
	audit_reader_free(reader);
	text_done(&heard.text);
}

TEST(an_event_of_endless_records_is_cut_and_counted)
{
	struct heard heard;
	struct audit_reader *reader = open_reader(&heard, UINT32_MAX);

	feed(reader, EXEC_BEGIN, 0);
	for (int i = 0; i < 10000; i++)
		feed(reader,
			"1309 " STAMP "argc=1 a0=\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"\n", 0);
	feed(reader, END, 0);
	CHECK(heard.n == 1 && audit_reader_counts(reader)->dropped == 1);
	audit_reader_free(reader);
	text_done(&heard.text);
}

TEST(records_of_an_attacker_are_read_to_their_end_only)
{
	static const char *const hostile[] = {
		"1300 audit(\n",
		"1300 audit(1.1:\n",
		"1300 audit(99999999999999999999.9999:99999999999999999999999): arch=c000003e\n",
		"1300 " STAMP "\n",
		"1300 " STAMP "arch= syscall= pid=\n",
		"1300 " STAMP "arch=c000003e syscall=-5 pid=1\n",
		"1300 " STAMP "arch=c000003e syscall=99999999999 pid=1\n",
		"1300 " STAMP "arch=c000003e syscall=59 pid=1 exe=\"\n",
		"1309 " STAMP "argc=99999999999 a99999999999=\"x\" a=1 a1[=\" a2_len=\"\n",
		"1302 " STAMP "item=0 name= inode=-1 dev=: mode=99999999999999999 nametype=\n",
		"1302 " STAMP "item=0 name=\"/../../..\" dev=fe: nametype=CREATE\n",
		"1306 " STAMP "saddr=0\n",
		"1306 " STAMP "saddr=zz\n",
		"1100 " STAMP "msg='\n",
		"1100 " STAMP "msg='msg='msg='x=\"''''\n",
		"1400 " STAMP "apparmor\n",
		"1320 " STAMP "\n",
	};
	static const char *const calls[] = { "59", "257", "42", "62", "316", "56" };

	for (size_t c = 0; c < sizeof(calls) / sizeof(calls[0]); c++) {
		struct heard heard;
		struct audit_reader *reader = open_reader(&heard, UINT32_MAX);
		char line[300];

		(void) snprintf(line, sizeof(line),
			"1300 " STAMP "arch=c000003e syscall=%s success=yes exit=0 pid=1\n",
			calls[c]);
		feed(reader, line, 0);
		for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
			feed(reader, hostile[i], 0);
		audit_reader_free(reader);
		text_done(&heard.text);
	}
}

TEST(calls_have_the_numbers_of_their_machine)
{
	CHECK(syscall_number(AUDIT_ARCH_X86_64, "execve") == 59);
	CHECK(syscall_number(AUDIT_ARCH_I386, "execve") == 11);
	CHECK(syscall_number(AUDIT_ARCH_AARCH64, "execve") == 221);
	CHECK(syscall_number(AUDIT_ARCH_AARCH64, "open") == -1);
	CHECK_TEXT(syscall_name(AUDIT_ARCH_X86_64, 41), "socket");
	CHECK(!syscall_name(AUDIT_ARCH_X86_64, 100000) && !syscall_name(AUDIT_ARCH_X86_64, -1));
}

// ---- rules ----

TEST(rules_are_those_of_the_kinds_and_have_our_key)
{
	static const struct rule_watch watches[] = { { .path = "/etc", .depth = UINT32_MAX },
		{ .path = "/srv", .depth = 1, .missing = true } };
	struct audit_wish wish = { .kinds = EVENT_BIT(EVENT_EXEC) };
	struct audit_rules rules;

	CHECK(audit_rules_make(&wish, &rules) == 0);
	CHECK(rules.n >= 1 && rules.list[0]->flags == AUDIT_FILTER_EXIT);
	for (size_t i = 0; i < rules.n; i++)
		CHECK(audit_rule_is_ours(rules.list[i]));
	audit_rules_done(&rules);

	wish = (struct audit_wish){ .kinds = EVENTS_FILE, .watches = watches, .n_watches = 2 };
	CHECK(audit_rules_make(&wish, &rules) == 0 && rules.n > 0);
	CHECK(memcmp(rules.list[0]->buf, "/etchostql", 10) == 0);
	audit_rules_done(&rules);

	wish.kinds = EVENT_BIT(EVENT_USER); // comes without
	CHECK(audit_rules_make(&wish, &rules) == 0 && rules.n == 0);
	audit_rules_done(&rules);
}

TEST(too_many_folders_are_left_out_and_told)
{
	static struct rule_watch watches[1000];
	struct audit_wish wish = { .kinds = EVENTS_FILE, .watches = watches, .n_watches = 1000 };
	struct audit_rules rules;

	for (size_t i = 0; i < 1000; i++)
		watches[i].path = "/etc";
	CHECK(audit_rules_make(&wish, &rules) == 1000 - 256);
	audit_rules_done(&rules);
}

TEST(rules_of_others_are_not_ours)
{
	union {
		struct audit_rule_data rule;
		char bytes[sizeof(struct audit_rule_data) + 16];
	} other;

	memset(&other, 0, sizeof(other));
	other.rule.field_count = 1;
	other.rule.fields[0] = AUDIT_FILTERKEY;
	other.rule.values[0] = other.rule.buflen = 7;
	memcpy(other.rule.buf, "hostqlx", 7);
	CHECK(!audit_rule_is_ours(&other.rule));
	other.rule.values[0] = 6; // beyond the end of its buffer
	other.rule.buflen = 3;
	CHECK(!audit_rule_is_ours(&other.rule));
	other.rule.buflen = 6;
	CHECK(audit_rule_is_ours(&other.rule));
}
