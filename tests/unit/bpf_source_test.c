// SPDX-License-Identifier: Apache-2.0
// The kernel programs and the source that reads them, with real processes: each does a known number
// of things, and each of these is told once. As root only.
#define source_give hear // events come here, and not to the collector
#define bpf_give tested_bpf_give
#define event_source_bpf tested_source_bpf
#include "events/bpf_give.c"
#include "events/sources/bpf.c"

#include "test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

enum { PATHS = 64, DEADLINE_MS = 20000 };

static struct {
	char folder[64]; // that is watched
	char store[80];
	struct flags flags;
	struct root root;
	struct rules *rules;
	struct processes *processes;
	struct event_settings settings;
	struct source source;

	pid_t child; // whose events are counted
	bool ended; // its end was told
	uint64_t kinds[N_EVENT_KINDS];
	uint64_t errors;
	struct event last[N_EVENT_KINDS]; // without what they point to
	char path[N_EVENT_KINDS][128], new_path[N_EVENT_KINDS][128];
	char executable[128], cmdline[128], cwd[128], cgroup[128];
	char syscall[N_EVENT_KINDS][32];
} test;

static void keep(char to[128], const char *text)
{
	(void) snprintf(to, 128, "%s", text ? text : "");
}

void hear(struct source *source, struct event *event)
{
	unsigned kind = event->kind;

	source->counts.received++;
	if (event->pid != (uint32_t) test.child)
		return;
	test.kinds[kind]++;
	test.errors += event->error != 0;
	test.ended |= kind == EVENT_EXIT;
	test.last[kind] = *event;
	if (event->syscall)
		(void) snprintf(test.syscall[kind], 32, "%s", event->syscall);
	if (EVENT_BIT(kind) & EVENTS_FILE) {
		keep(test.path[kind], event->file.path);
		keep(test.new_path[kind], event->file.new_path);
	}
	if (kind == EVENT_EXEC) {
		keep(test.executable, event->process->path);
		keep(test.cmdline, event->process->cmdline);
		keep(test.cwd, event->process->cwd);
		keep(test.cgroup, event->process->cgroup_path);
	}
}

// ---- opening and closing ----

// Pins are made in a file system of this test's own, which goes with it.
static bool hide_pins(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
		puts("skipped: the root here is no mount point");
		return false;
	}
	CHECK(mount("bpf", "/sys/fs/bpf", "bpf", 0, "mode=700") == 0);
	return true;
}

static bool open_tested(const char *position)
{
	struct fault why = { 0 };

	test.source = (struct source){ .source = &event_source_bpf,
		.settings = &test.settings,
		.kinds = event_source_bpf.kinds,
		.state = calloc(1, event_source_bpf.state_bytes) };
	if (event_source_bpf.open(&test.source, position, &why) == 0)
		return true;
	printf("skipped: %s\n", why.text);
	return false;
}

static void begin_rules(bool opens)
{
	static const char *const accesses[] = { "watched", NULL };
	char pattern[80];
	const char *const patterns[] = { pattern, NULL };
	const struct rule_list list = { "watched", patterns };
	const struct rules_given given = {
		.file_paths = &list, .n_file_paths = 1, .file_accesses = accesses, .opens = opens
	};

	(void) snprintf(pattern, sizeof(pattern), "%s/%%%%", test.folder);
	test.rules = rules_open(&test.root, &given);
}

static bool begin(bool opens, bool pinned, const char *ring_mb)
{
	struct fault why = { 0 };

	if (geteuid() != 0) {
		puts("skipped: only root loads kernel programs");
		return false;
	}
	(void) snprintf(test.folder, sizeof(test.folder), "/tmp/hostql-bpf.XXXXXX");
	CHECK(mkdtemp(test.folder));
	(void) snprintf(test.store, sizeof(test.store), "%s.store", test.folder);
	CHECK(root_open(&test.root, "/", &why) == 0);
	CHECK(flags_set(&test.flags, "events_ring_mb", ring_mb, &why) == 0);
	begin_rules(opens);
	test.processes = processes_open(&test.root);
	test.settings = (struct event_settings){ .flags = &test.flags,
		.root = &test.root,
		.rules = test.rules,
		.processes = test.processes,
		.store_folder = pinned ? test.store : NULL };
	if (pinned && !hide_pins())
		return false;
	return open_tested("");
}

static void close_tested(bool keep_pins)
{
	event_source_bpf.close(&test.source, keep_pins);
	free(test.source.state);
}

static void end(void)
{
	close_tested(false);
	processes_close(test.processes);
	rules_close(test.rules);
	flags_done(&test.flags);
	(void) execlp("rm", "rm", "-rf", test.folder, (char *) NULL);
}

// ---- a process that does things ----

static void run(void (*act)(void))
{
	memset(test.kinds, 0, sizeof(test.kinds));
	test.errors = 0;
	test.ended = false;
	test.child = fork();
	CHECK(test.child >= 0);
	if (test.child == 0) {
		if (chdir(test.folder) == 0)
			act();
		_exit(7);
	}
}

static void read_once(void)
{
	struct fault why = { 0 };
	int r;

	while ((r = event_source_bpf.read(&test.source, &why)) == 1)
		event_source_bpf.stored(&test.source);
	if (r < 0)
		fprintf(stderr, "%s\n", why.text);
	CHECK(r == 0);
	event_source_bpf.stored(&test.source);
}

// Reads until the end of the process is told, which is the last of it.
static void watch(void)
{
	int64_t deadline_ms = clock_ms() + DEADLINE_MS;

	while (!test.ended && clock_ms() < deadline_ms) {
		struct pollfd wait = { test.source.fd, POLLIN, 0 };

		(void) poll(&wait, 1, test.source.period_ms);
		read_once();
	}
	CHECK(test.ended);
	CHECK(waitpid(test.child, NULL, 0) == test.child);
}

static void check_path(enum event_kind kind, const char *name)
{
	char path[128];

	(void) snprintf(path, sizeof(path), "%s/%s", test.folder, name);
	CHECK_TEXT(test.path[kind], path);
}

static void make_file(const char *path)
{
	(void) close(open(path, O_CREAT | O_RDWR, 0640));
}

// A call of which it does not matter here whether it succeeds.
static void tried(int result)
{
	(void) result;
}

// ---- files ----

static void open_and_write(void)
{
	make_file("new"); // one creation, one write
	for (int i = 0; i < 101; i++)
		(void) close(open("new", O_RDONLY)); // opens
	for (int i = 0; i < 13; i++) {
		int fd = open("new", O_WRONLY), other = dup(fd);

		(void) close(fd);
		(void) close(other); // the last one counts
	}
	for (int i = 0; i < 7; i++) {
		int fd = open("new", O_RDWR | O_CLOEXEC), null = open("/dev/null", O_RDONLY);

		(void) dup2(null, fd); // closes it
		(void) close(null);
		(void) close(fd);
	}
	for (int i = 0; i < 3; i++) {
		(void) open("new", O_WRONLY);
		(void) syscall(SYS_close_range, 3, ~0u, 0);
	}
	(void) open("missing", O_RDONLY); // nothing becomes of it
	(void) open("new", O_WRONLY); // closed by the end
}

TEST(each_open_creation_and_write_is_told_once)
{
	if (!begin(true, false, "8"))
		return;
	run(open_and_write);
	watch();
	CHECK(test.kinds[EVENT_CREATE] == 1);
	CHECK(test.kinds[EVENT_OPEN] == 101 + 13 + 7 + 1 + 3);
	CHECK(test.kinds[EVENT_WRITE] == 1 + 13 + 7 + 1 + 3);
	check_path(EVENT_OPEN, "new");
	CHECK(S_ISREG(test.last[EVENT_CREATE].file.mode));
	CHECK(test.last[EVENT_OPEN].file.inode == test.last[EVENT_WRITE].file.inode);
	CHECK((test.last[EVENT_CREATE].file.flags & O_ACCMODE) == O_RDWR);
	CHECK(test.last[EVENT_CREATE].file.mtime > 1000000000);
	CHECK(test.source.counts.dropped_kernel == 0 && test.source.counts.dropped_queue == 0);
	end();
}

static void change_names(void)
{
	int folder = open(".", O_RDONLY | O_DIRECTORY);

	(void) mkdir("sub", 0755);
	tried(symlink("sub", "link")); // both at once, so that the next goes through it
	make_file("link/a");
	for (int i = 0; i < 5; i++) {
		(void) rename("sub/a", "sub/../b");
		(void) renameat(folder, "./b", AT_FDCWD, "link/a");
	}
	for (int i = 0; i < 3; i++) {
		tried(link("sub/a", "c"));
		(void) unlinkat(folder, "c", 0);
	}
	for (int i = 0; i < 11; i++) {
		(void) mkdirat(folder, "d", 0755);
		(void) unlinkat(folder, "d", AT_REMOVEDIR);
	}
	(void) mkdir("e", 0755);
	(void) rmdir("e/");
	(void) mkfifo("fifo", 0600);
	(void) unlink("/tmp/hostql-not-there");
}

TEST(names_that_change_are_told_with_both_paths)
{
	if (!begin(false, false, "8"))
		return;
	run(change_names);
	watch();
	CHECK(test.kinds[EVENT_RENAME] == 10);
	CHECK(test.kinds[EVENT_LINK] == 3 && test.kinds[EVENT_UNLINK] == 3);
	CHECK(test.kinds[EVENT_SYMLINK] == 1);
	CHECK(test.kinds[EVENT_MKDIR] == 13 && test.kinds[EVENT_RMDIR] == 12);
	CHECK(test.kinds[EVENT_CREATE] == 2); // of open, of mknod
	check_path(EVENT_RENAME, "b");
	CHECK(strstr(test.new_path[EVENT_RENAME], "/sub/a")); // not /link/a
	CHECK(test.last[EVENT_RENAME].file.cookie != 0);
	check_path(EVENT_SYMLINK, "link");
	check_path(EVENT_CREATE, "fifo");
	CHECK(S_ISFIFO(test.last[EVENT_CREATE].file.mode));
	check_path(EVENT_RMDIR, "e");
	CHECK_TEXT(test.syscall[EVENT_RENAME], "renameat");
	CHECK(test.kinds[EVENT_OPEN] == 0); // not asked for
	end();
}

static void change_attributes(void)
{
	const struct timespec times[2] = { { 1, 0 }, { 2, 0 } };
	int fd = open("f", O_CREAT | O_RDWR, 0600);

	tried(symlink("f", "link"));
	(void) chmod("link", 0640); // of what it points to
	(void) fchmod(fd, 0600);
	tried(fchmodat(AT_FDCWD, "f", 0640, 0));
	tried(chown("f", 0, 0));
	tried(lchown("link", 0, 0));
	tried(fchown(fd, 0, 0));
	(void) futimens(fd, times);
	(void) utimensat(AT_FDCWD, "f", times, 0);
	(void) chmod("/dev/null", 0666); // elsewhere
	tried(truncate("f", 50));
	tried(ftruncate(fd, 10));
	tried(fchmodat(AT_FDCWD, "missing", 0600, 0));
	(void) chmod("link", 0600);
}

TEST(attributes_and_sizes_are_told_of_the_file_that_is_meant)
{
	if (!begin(false, false, "8"))
		return;
	run(change_attributes);
	watch();
	CHECK(test.kinds[EVENT_ATTRIBUTES] == 9);
	CHECK(test.kinds[EVENT_TRUNCATE] == 2);
	check_path(EVENT_ATTRIBUTES, "f");
	CHECK((test.last[EVENT_ATTRIBUTES].file.mode & 07777) == 0600);
	CHECK(test.last[EVENT_TRUNCATE].file.size == 10);
	end();
}

static void act_below_mount(void)
{
	make_file("mnt/deep/f");
	(void) unlink("mnt/deep/f");
}

TEST(a_file_system_that_is_mounted_below_a_watch_is_watched)
{
	char path[80];

	if (!begin(false, false, "8"))
		return;
	(void) snprintf(path, sizeof(path), "%s/mnt", test.folder);
	CHECK(mkdir(path, 0755) == 0);
	CHECK(mount("none", path, "tmpfs", 0, NULL) == 0);
	(void) snprintf(path, sizeof(path), "%s/mnt/deep", test.folder);
	CHECK(mkdir(path, 0755) == 0);
	read_once(); // hears of the mount
	run(act_below_mount);
	watch();
	(void) snprintf(path, sizeof(path), "%s/mnt", test.folder);
	CHECK(umount(path) == 0);
	CHECK(test.kinds[EVENT_CREATE] == 1 && test.kinds[EVENT_UNLINK] == 1);
	check_path(EVENT_CREATE, "mnt/deep/f");
	check_path(EVENT_UNLINK, "mnt/deep/f");
	end();
}

// In a root and mounts of its own, as in a container.
static void act_elsewhere(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
		mkdir("jail", 0755) < 0 || chroot("jail") < 0 || chdir("/") < 0)
		_exit(1);
	make_file("/f");
	(void) unlink("/f");
	(void) mkdir("g", 0755);
	(void) raise(SIGSTOP); // lives until it is heard
}

TEST(what_happens_under_another_root_is_told_by_our_path)
{
	int status;

	if (!begin(false, false, "8"))
		return;
	run(act_elsewhere);
	CHECK(waitpid(test.child, &status, WUNTRACED) == test.child);
	if (WIFEXITED(status)) {
		puts("skipped: the root here is no mount point");
		end();
		return;
	}
	read_once();
	CHECK(kill(test.child, SIGCONT) == 0);
	watch();
	CHECK(test.kinds[EVENT_CREATE] == 1);
	CHECK(test.kinds[EVENT_UNLINK] == 1);
	check_path(EVENT_CREATE, "jail/f");
	check_path(EVENT_UNLINK, "jail/f");
	check_path(EVENT_MKDIR, "jail/g");
	end();
}

// ---- processes ----

static void act_process(void)
{
	pid_t self = getpid();

	for (int i = 0; i < 17; i++) {
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		(void) waitpid(child, NULL, 0);
	}
	for (int i = 0; i < 5; i++)
		(void) kill(self, 0);
	(void) kill(4194305, SIGTERM); // there is none
	(void) syscall(SYS_tgkill, self, self, 0);
	(void) execl("/bin/sh", "sh", "-c", "exit 3", "two words", (char *) NULL);
}

TEST(processes_are_told_with_what_they_run)
{
	if (!begin(false, false, "8"))
		return;
	run(act_process);
	watch();
	CHECK(test.kinds[EVENT_FORK] == 17);
	CHECK(test.kinds[EVENT_EXEC] == 1);
	CHECK(test.kinds[EVENT_EXIT] == 1);
	CHECK(test.kinds[EVENT_KILL] == 7 && test.errors == 1);
	CHECK_TEXT(test.cmdline, "sh -c exit 3 two words");
	CHECK_TEXT(test.cwd, test.folder);
	CHECK(strstr(test.executable, "/bin/")); // sh is a link to it
	CHECK(test.cgroup[0] == '/');
	CHECK_TEXT(test.syscall[EVENT_EXEC], "execve");
	CHECK(WEXITSTATUS(test.last[EVENT_EXIT].exit.status) == 3);
	CHECK(test.last[EVENT_EXEC].ppid == (uint32_t) getpid());
	CHECK(test.last[EVENT_EXEC].ids.uid == 0 && test.last[EVENT_EXEC].exec.inode != 0);
	CHECK(S_ISREG(test.last[EVENT_EXEC].exec.mode));
	CHECK(test.last[EVENT_EXEC].exec.cmdline_bytes == 23);
	CHECK(llabs(test.last[EVENT_EXEC].time_ns / 1000000000 - time(NULL)) < 30);
	end();
}

// ---- sockets ----

static void act_socket(void)
{
	struct sockaddr_in local = { .sin_family = AF_INET };
	struct sockaddr_un path = { .sun_family = AF_UNIX, .sun_path = "socket" };
	socklen_t size = sizeof(local);
	int server = socket(AF_INET, SOCK_STREAM, 0);

	local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	(void) bind(server, (struct sockaddr *) &local, size);
	(void) listen(server, 8);
	(void) getsockname(server, (struct sockaddr *) &local, &size);
	for (int i = 0; i < 3; i++) {
		int client = socket(AF_INET, SOCK_STREAM, 0), accepted;

		(void) connect(client, (struct sockaddr *) &local, size);
		accepted = accept(server, NULL, NULL);
		(void) close(accepted);
		(void) close(client);
	}
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	(void) bind(server, (struct sockaddr *) &path, sizeof(path));
	(void) connect(99, (struct sockaddr *) &path, sizeof(path)); // is no socket
	local.sin_port = htons(1);
	(void) connect(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), (struct sockaddr *) &local,
		sizeof(local));
}

static const struct sockaddr_in *inet_of(const struct event_address *address)
{
	CHECK(address->length == sizeof(struct sockaddr_in));
	CHECK(address->any.sa_family == AF_INET);
	return (const void *) &address->storage;
}

TEST(sockets_are_told_with_both_ends)
{
	const struct sockaddr_in *local, *remote;

	if (!begin(false, false, "8"))
		return;
	run(act_socket);
	watch();
	CHECK(test.kinds[EVENT_LISTEN] == 1 && test.kinds[EVENT_BIND] == 2);
	CHECK(test.kinds[EVENT_ACCEPT] == 3 && test.kinds[EVENT_CONNECT] == 4);
	CHECK(test.errors == 1); // nobody listens at port 1
	CHECK(test.last[EVENT_CONNECT].error == ECONNREFUSED ||
		test.last[EVENT_CONNECT].error == EINPROGRESS);
	CHECK(ntohs(inet_of(&test.last[EVENT_CONNECT].socket.remote)->sin_port) == 1);
	local = inet_of(&test.last[EVENT_ACCEPT].socket.local);
	remote = inet_of(&test.last[EVENT_ACCEPT].socket.remote);
	CHECK(local->sin_port == inet_of(&test.last[EVENT_LISTEN].socket.local)->sin_port);
	CHECK(remote->sin_addr.s_addr == htonl(INADDR_LOOPBACK) && remote->sin_port != 0);
	CHECK(test.last[EVENT_BIND].socket.family == AF_UNIX);
	CHECK_TEXT(((const struct sockaddr_un *) &test.last[EVENT_BIND].socket.local.storage)
			   ->sun_path,
		"socket");
	CHECK(test.last[EVENT_ACCEPT].socket.type == SOCK_STREAM);
	CHECK(test.last[EVENT_ACCEPT].fd >= 0);
	end();
}

// ---- the ring ----

static void open_often(void)
{
	make_file("f");
	for (int i = 0; i < 20011; i++)
		(void) close(open("f", O_RDONLY));
}

TEST(what_does_not_fit_into_the_ring_is_counted_and_processes_are_told_all_the_same)
{
	if (!begin(true, false, "1"))
		return;
	run(open_often);
	CHECK(waitid(P_PID, (id_t) test.child, NULL, WEXITED | WNOWAIT) == 0);
	watch(); // nobody has read before
	((struct bpf_state *) test.source.state)->ticked_ms = 0;
	read_once(); // looks at the counters
	CHECK(test.kinds[EVENT_OPEN] > 1000);
	CHECK(test.source.counts.dropped_kernel > 0);
	CHECK(test.kinds[EVENT_OPEN] + test.source.counts.dropped_kernel == 20011);
	CHECK(test.kinds[EVENT_CREATE] == 1 && test.kinds[EVENT_WRITE] == 1);
	end();
}

static void open_some(void)
{
	make_file("f");
	for (int i = 0; i < 997; i++)
		(void) close(open("f", O_RDONLY));
}

static void open_none(void)
{
}

TEST(pins_keep_what_happens_while_nobody_reads_and_go_in_the_end)
{
	char position[128], pins[BPF_PIN_PATH];
	uint64_t before;

	if (!begin(true, true, "8"))
		return;
	(void) snprintf(pins, sizeof(pins), "%s", ((struct bpf_state *) test.source.state)->pins);
	CHECK(access(pins, F_OK) == 0);
	run(open_none);
	watch();
	(void) snprintf(position, sizeof(position), "%s", test.source.position);
	close_tested(true);
	run(open_some);
	CHECK(waitid(P_PID, (id_t) test.child, NULL, WEXITED | WNOWAIT) == 0);
	CHECK(open_tested(position));
	CHECK(strstr(test.source.choice, "continued"));
	watch();
	CHECK(test.kinds[EVENT_OPEN] == 997 && test.kinds[EVENT_WRITE] == 1);
	// what was stored is not told again, though it was not given back
	(void) snprintf(position, sizeof(position), "%s", test.source.position);
	before = test.kinds[EVENT_OPEN];
	close_tested(true);
	CHECK(open_tested(position));
	read_once();
	CHECK(test.kinds[EVENT_OPEN] == before);
	CHECK(access(pins, F_OK) == 0);
	close_tested(false);
	CHECK(access(pins, F_OK) < 0);
	CHECK(open_tested(position)); // a new ring: the position means nothing to it
	CHECK(!strstr(test.source.choice, "continued"));
	end();
}

TEST(pins_of_other_programs_for_the_same_store_are_removed)
{
	char stale[BPF_PIN_PATH + 8], *version;

	if (!begin(false, true, "1"))
		return;
	(void) snprintf(stale, sizeof(stale), "%s", ((struct bpf_state *) test.source.state)->pins);
	version = strchr(strrchr(stale, '/'), '-');
	(void) snprintf(version, 8, "-0-0");
	CHECK(mkdir(stale, 0700) == 0);
	close_tested(true);
	CHECK(open_tested(""));
	CHECK(access(stale, F_OK) < 0);
	end();
}
