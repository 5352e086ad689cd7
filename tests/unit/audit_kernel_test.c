// SPDX-License-Identifier: Apache-2.0
// The audit system of this kernel: what we change of it, and that we put it back. Where we may not
// (or somebody else works with it) there is nothing to be seen, and the test says so.
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "events/audit_reader.h"
#include "events/audit_rules.h"
#include "events/audit_setup.h"
#include "events/process.h"
#include "events/source.h"
#include "test.h"

extern const struct event_source event_source_audit;

enum { WAIT_MS = 10000 };

// The audit system as a whole, as it is: to be compared.
struct picture {
	struct audit_status status;
	struct audit_rules rules;
};

// One test at a time has the audit system of the host, which is set up by nobody else.
struct ground {
	int lock, control;
	struct picture before;
	char folder[64];
	struct flags flags;
	struct root root;
};

static struct picture take_picture(int control)
{
	struct picture picture;
	struct fault why;

	CHECK(audit_get_status(control, &picture.status, &why) == 0);
	CHECK(audit_list_rules(control, &picture.rules, &why) == 0);
	return picture;
}

static void set_flag(struct ground *ground, const char *name, const char *value)
{
	struct fault why;

	CHECK(flags_set(&ground->flags, name, value, &why) == 0);
}

static void skip(const char *reason)
{
	fprintf(stderr, "skipped: %s\n", reason);
	exit(0);
}

static void begin(struct ground *ground)
{
	struct audit_status status;
	struct fault why;

	memset(ground, 0, sizeof(*ground));
	ground->control = audit_socket_open(AUDIT_REQUESTS, &why);
	if (geteuid() != 0 || ground->control < 0 ||
		audit_get_status(ground->control, &status, &why) < 0)
		skip("this needs root and a kernel with audit");
	ground->lock = open("/run/lock/hostql-audit-test", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHECK(ground->lock >= 0 && flock(ground->lock, LOCK_EX) == 0);
	ground->before = take_picture(ground->control);
	if (audit_is_taken(&ground->before.status) || ground->before.status.enabled == 2)
		skip("somebody else works with audit");
	(void) snprintf(ground->folder, sizeof(ground->folder), "/tmp/hostql-audit.XXXXXX");
	CHECK(mkdtemp(ground->folder));
	CHECK(root_open(&ground->root, "/", &why) == 0);
	set_flag(ground, "disable_audit", "false");
	set_flag(ground, "audit_allow_config", "true");
	set_flag(ground, "audit_backlog_limit", "8111");
}

static void check_unchanged(struct ground *ground)
{
	struct picture now = take_picture(ground->control);
	const struct picture *before = &ground->before;
	char path[100];

	CHECK(now.status.enabled == before->status.enabled);
	CHECK(now.status.failure == before->status.failure);
	CHECK(now.status.pid == before->status.pid);
	CHECK(now.status.backlog_limit == before->status.backlog_limit);
	CHECK(now.status.backlog_wait_time == before->status.backlog_wait_time);
	CHECK(now.rules.n == before->rules.n);
	for (size_t i = 0; i < now.rules.n; i++)
		CHECK(audit_rule_equals(now.rules.list[i], before->rules.list[i]));
	audit_rules_done(&now.rules);
	(void) snprintf(path, sizeof(path), "%s/audit.restore", ground->folder);
	CHECK(access(path, F_OK) < 0);
}

static void end(struct ground *ground)
{
	check_unchanged(ground);
	CHECK(rmdir(ground->folder) == 0);
	audit_rules_done(&ground->before.rules);
	flags_done(&ground->flags);
	root_close(&ground->root);
	(void) close(ground->control);
	(void) close(ground->lock);
}

static struct source open_audit(
	struct ground *ground, struct event_settings *settings, uint32_t kinds)
{
	struct source source = {
		.source = &event_source_audit,
		.settings = settings,
		.state = calloc(1, event_source_audit.state_bytes),
		.kinds = kinds,
	};
	struct fault why = { .text = "" };

	*settings = (struct event_settings){
		.flags = &ground->flags, .root = &ground->root, .store_folder = ground->folder
	};
	if (event_source_audit.open(&source, "", &why) != 0) {
		fprintf(stderr, "%s\n", why.text);
		exit(1);
	}
	return source;
}

static void close_audit(struct source *source, bool keep)
{
	event_source_audit.close(source, keep);
	free(source->state);
}

static size_t count_ours(int control)
{
	struct picture picture = take_picture(control);
	size_t n = 0;

	for (size_t i = 0; i < picture.rules.n; i++)
		n += audit_rule_is_ours(picture.rules.list[i]);
	audit_rules_done(&picture.rules);
	return n;
}

TEST(all_is_as_before_after_closing)
{
	struct ground ground;
	struct event_settings settings;
	struct audit_status status;
	struct source source;
	struct fault why;

	begin(&ground);
	source = open_audit(&ground, &settings, EVENTS_PROCESS | EVENTS_SOCKET);
	CHECK(audit_get_status(ground.control, &status, &why) == 0);
	CHECK(status.enabled == 1 && status.failure == AUDIT_FAIL_SILENT);
	CHECK(status.backlog_limit == 8111 && status.pid == (uint32_t) getpid());
	CHECK(count_ours(ground.control) > 0);
	CHECK(strncmp(source.choice, "unicast", 7) == 0);
	close_audit(&source, false);
	end(&ground);
}

TEST(all_is_as_before_after_a_kill_and_another_start)
{
	struct ground ground;
	struct event_settings settings;
	struct source source;
	int ready[2], status;
	char byte;
	pid_t child;

	begin(&ground);
	CHECK(pipe(ready) == 0);
	child = fork();
	if (child == 0) {
		(void) open_audit(&ground, &settings, EVENTS_PROCESS);
		(void) !write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	CHECK(read(ready[0], &byte, 1) == 1);
	CHECK(kill(child, SIGKILL) == 0 && waitpid(child, &status, 0) == child);
	CHECK(count_ours(ground.control) > 0); // it could not take them back
	set_flag(&ground, "audit_backlog_limit", "7000");
	source = open_audit(&ground, &settings, EVENTS_SOCKET);
	CHECK(strncmp(source.choice, "unicast", 7) == 0); // the dead one has no claim
	close_audit(&source, false);
	end(&ground);
}

TEST(what_was_left_is_put_back_also_when_we_may_no_longer_configure)
{
	struct ground ground;
	struct event_settings settings;
	struct source source;

	begin(&ground);
	source = open_audit(&ground, &settings, EVENTS_PROCESS);
	close_audit(&source, true); // all stays
	CHECK(count_ours(ground.control) > 0);
	set_flag(&ground, "audit_allow_config", "false");
	source = open_audit(&ground, &settings, EVENTS_PROCESS);
	CHECK(count_ours(ground.control) == 0);
	CHECK(strncmp(source.choice, "multicast, but auditing is off", 30) == 0);
	close_audit(&source, false);
	end(&ground);
}

// A process that stands for auditd. It gives its place up when `done` can be read.
static pid_t start_holder(int done[2])
{
	int ready[2];
	char byte;
	pid_t child;

	CHECK(pipe(ready) == 0 && pipe(done) == 0);
	child = fork();
	if (child == 0) {
		int own = audit_socket_open(AUDIT_UNICAST, NULL);

		(void) close(done[1]);
		(void) !write(ready[1], audit_set_own(own, true, NULL) == 0 ? "x" : "-", 1);
		(void) !read(done[0], &byte, 1);
		_exit(audit_set_own(own, false, NULL) != 0);
	}
	CHECK(read(ready[0], &byte, 1) == 1 && byte == 'x');
	return child;
}

static void end_holder(pid_t holder, const int done[2])
{
	int status;

	CHECK(write(done[1], "x", 1) == 1 && waitpid(holder, &status, 0) == holder && status == 0);
}

TEST(the_place_of_somebody_who_lives_is_not_taken)
{
	struct ground ground;
	struct event_settings settings;
	struct source source;
	struct picture picture;
	int done[2];
	pid_t holder;

	begin(&ground);
	holder = start_holder(done);
	source = open_audit(&ground, &settings, EVENTS_PROCESS);
	CHECK(strncmp(source.choice, "multicast beside process", 24) == 0);
	picture = take_picture(ground.control);
	CHECK(picture.status.pid == (uint32_t) holder);
	CHECK(picture.status.enabled == 1); // but what is its own is left alone
	CHECK(picture.status.backlog_limit == ground.before.status.backlog_limit);
	CHECK(picture.status.failure == ground.before.status.failure);
	audit_rules_done(&picture.rules);
	CHECK(count_ours(ground.control) > 0);
	close_audit(&source, false);
	end_holder(holder, done);
	end(&ground);
}

TEST(the_place_is_taken_when_it_becomes_free)
{
	struct ground ground;
	struct event_settings settings;
	struct source source;
	struct fault why;
	int64_t end_ms;
	int done[2];
	pid_t holder;

	begin(&ground);
	holder = start_holder(done);
	source = open_audit(&ground, &settings, EVENT_BIT(EVENT_SECCOMP));
	CHECK(strncmp(source.choice, "multicast", 9) == 0);
	end_holder(holder, done);
	end_ms = clock_ms() + WAIT_MS;
	while (strncmp(source.choice, "unicast", 7) != 0 && clock_ms() < end_ms) {
		struct pollfd ready = { .fd = source.fd, .events = POLLIN };

		(void) poll(&ready, 1, source.period_ms);
		CHECK(event_source_audit.read(&source, &why) >= 0);
	}
	CHECK(strncmp(source.choice, "unicast", 7) == 0);
	close_audit(&source, false);
	end(&ground);
}

TEST(one_process_at_a_time_changes_the_rules)
{
	struct ground ground;
	struct event_settings settings, others;
	struct source source, other;
	size_t n;

	begin(&ground);
	source = open_audit(&ground, &settings, EVENTS_PROCESS);
	n = count_ours(ground.control);
	other = open_audit(&ground, &others, EVENTS_SOCKET);
	CHECK(strncmp(other.choice, "multicast", 9) == 0 && count_ours(ground.control) == n);
	close_audit(&other, false);
	CHECK(count_ours(ground.control) == n);
	close_audit(&source, false);
	end(&ground);
}

static void add_foreign(int control)
{
	struct audit_rule_data rule = { .flags = AUDIT_FILTER_EXIT, .action = AUDIT_ALWAYS };
	struct fault why;

	rule.mask[5] = 1; // any call
	rule.field_count = 1;
	rule.fields[0] = AUDIT_UID;
	rule.fieldflags[0] = AUDIT_EQUAL;
	rule.values[0] = 54321;
	CHECK(audit_add_rule(control, &rule, &why) == 0);
}

static void delete_foreign(struct ground *ground)
{
	struct picture picture = take_picture(ground->control);
	struct fault why;

	CHECK(picture.rules.n > 0);
	CHECK(audit_delete_rule(ground->control, picture.rules.list[picture.rules.n - 1], &why) ==
		0);
	audit_rules_done(&picture.rules);
}

TEST(rules_of_others_stay_or_come_back)
{
	struct ground ground;
	struct event_settings settings;
	struct source source;
	struct picture picture;
	struct fault why;

	begin(&ground);
	add_foreign(ground.control);
	audit_rules_done(&ground.before.rules);
	ground.before = take_picture(ground.control);
	source = open_audit(&ground, &settings, EVENTS_PROCESS);
	picture = take_picture(ground.control);
	CHECK(picture.rules.n == ground.before.rules.n + count_ours(ground.control));
	audit_rules_done(&picture.rules);
	close_audit(&source, false);
	check_unchanged(&ground);

	set_flag(&ground, "audit_force_reconfigure", "true");
	source = open_audit(&ground, &settings, EVENTS_PROCESS);
	picture = take_picture(ground.control);
	CHECK(picture.rules.n == count_ours(ground.control)); // ours alone
	audit_rules_done(&picture.rules);
	source.kinds = EVENTS_SOCKET;
	CHECK(event_source_audit.configure(&source, &why) == 0);
	close_audit(&source, false);
	check_unchanged(&ground);

	delete_foreign(&ground);
	audit_rules_done(&ground.before.rules);
	ground.before = take_picture(ground.control);
	end(&ground);
}

// ---- events ----

struct heard {
	pid_t child;
	bool exec, bind, connect, user;
	uint16_t port;
};

static void hear(void *context, struct event *event)
{
	struct heard *heard = context;

	if (event->kind == EVENT_USER)
		heard->user |= strstr(event->record.message, "op=hostql-test") != NULL;
	if (event->pid != (uint32_t) heard->child)
		return;
	if (event->kind == EVENT_EXEC)
		heard->exec = event->process && event->ids.uid == 4321 &&
			strcmp(event->process->cmdline, "odd a \"b\"\n \x01") == 0 &&
			strcmp(event->cwd, "/usr") == 0 && event->ppid == (uint32_t) getpid();
	if (event->kind == EVENT_BIND)
		heard->bind = event->socket.local.any.sa_family == AF_INET;
	if (event->kind == EVENT_CONNECT)
		heard->connect =
			((const struct sockaddr_in *) &event->socket.remote.storage)->sin_port ==
			htons(9);
}

// Does what is to be seen.
static void act(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	(void) bind(fd, (struct sockaddr *) &address, sizeof(address));
	address.sin_port = htons(9);
	(void) connect(fd, (struct sockaddr *) &address, sizeof(address));
	if (chdir("/usr") == 0 && setuid(4321) == 0)
		execl("/bin/true", "odd", "a", "\"b\"\n", "\x01", NULL);
	_exit(1);
}

static void say(int control)
{
	static const char text[] = "op=hostql-test res=success";
	struct {
		struct nlmsghdr head;
		char text[sizeof(text)];
	} message = { .head = { .nlmsg_len = NLMSG_LENGTH(sizeof(text)),
			      .nlmsg_type = AUDIT_FIRST_USER_MSG,
			      .nlmsg_flags = NLM_F_REQUEST } };

	memcpy(message.text, text, sizeof(text));
	CHECK(send(control, &message, sizeof(message), 0) == sizeof(message));
}

static bool heard_all(const struct heard *heard)
{
	return heard->exec && heard->bind && heard->connect && heard->user;
}

static void listen_until_all(int fd, struct audit_reader *reader, const struct heard *heard)
{
	int64_t end_ms = clock_ms() + WAIT_MS;

	while (!heard_all(heard) && clock_ms() < end_ms) {
		struct pollfd ready = { .fd = fd, .events = POLLIN };
		char bytes[10000];
		ssize_t length;
		struct nlmsghdr head;

		if (poll(&ready, 1, 100) != 1)
			continue;
		length = recv(fd, bytes, sizeof(bytes), 0);
		CHECK(length >= (ssize_t) NLMSG_HDRLEN);
		memcpy(&head, bytes, sizeof(head));
		audit_reader_take(reader, head.nlmsg_type, bytes + NLMSG_HDRLEN,
			(size_t) length - NLMSG_HDRLEN, clock_ms());
	}
}

TEST(what_happens_is_told)
{
	struct ground ground;
	struct event_settings settings;
	struct heard heard = { 0 };
	struct source source;
	struct audit_reader_settings reading = { .kinds = UINT32_MAX & ~EVENTS_FILE,
		.tells_processes = true,
		.live = true,
		.give = hear,
		.context = &heard };
	struct audit_reader *reader;
	struct fault why;
	int listener, status;

	begin(&ground);
	// the source makes the rules, and we listen beside it
	source = open_audit(&ground, &settings, EVENTS_PROCESS | EVENTS_SOCKET);
	listener = audit_socket_open(AUDIT_MULTICAST, &why);
	CHECK(listener >= 0);
	reading.processes = processes_open(&ground.root);
	reader = audit_reader_new(&reading);
	heard.child = fork();
	if (heard.child == 0)
		act();
	CHECK(heard.child > 0 && waitpid(heard.child, &status, 0) == heard.child && status == 0);
	say(ground.control);
	listen_until_all(listener, reader, &heard);
	CHECK(heard.exec && heard.bind && heard.connect && heard.user);
	audit_reader_free(reader);
	processes_close(reading.processes);
	(void) close(listener);
	close_audit(&source, false);
	end(&ground);
}
