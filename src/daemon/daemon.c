// SPDX-License-Identifier: Apache-2.0
#include "daemon/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "base/base.h"
#include "base/clock.h"
#include "base/log.h"
#include "config/config.h"
#include "daemon/background.h"
#include "daemon/notify.h"
#include "daemon/pidfile.h"
#include "daemon/supervisor.h"
#include "daemon/system_log.h"
#include "daemon/title.h"
#include "store/dump.h"
#include "store/store.h"
#include "version.h"

enum {
	LEAST_FILES = 1024, // a process may have open
	NICENESS = 10, // with limits
	LOCK_WAIT_MS = 2000, // for the roles of a daemon that was killed
	LOCK_LOOK_MS = 50,
};

// What the supervisor's process has; its roles let go of it.
struct daemon {
	const struct flags *flags;
	struct notify notify;
	struct background background;
	struct pidfile pidfile;
	struct title title;
	int store_lock;
	struct relay relay;
	bool system_log; // there is no stderr
	char event_folder[PATH_MAX]; // of a store in memory: for this run alone
};

// ---- settings ----

static void set_default(struct flags *flags, const char *name, const char *value)
{
	if (!flags_is_set(flags, name))
		(void) flags_set(flags, name, value, NULL);
}

// Initial values that depend on what was set.
static void settle_flags(struct flags *flags)
{
	set_default(flags, "ignore_table_exceptions", "true");
	set_default(flags, "ignore_registry_exceptions", "true");
	if (flags_bool(flags, "ephemeral") && !flags_is_set(flags, "database_path"))
		set_default(flags, "disable_database", "true");
}

static void set_log(const struct flags *flags)
{
	int64_t lowest = flags_integer(flags, "logger_min_stderr");

	if (flags_bool(flags, "verbose"))
		log_threshold(LOG_VERBOSE);
	else if (!flags_bool(flags, "logger_stderr") || lowest > LOG_ERROR)
		log_threshold(LOG_ERROR + 1);
	else
		log_threshold(lowest < LOG_VERBOSE ? LOG_VERBOSE : (enum severity) lowest);
}

static void raise_files(void)
{
	struct rlimit limit, wanted = { LEAST_FILES, LEAST_FILES };

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= LEAST_FILES)
		return;
	if (limit.rlim_max > LEAST_FILES)
		wanted.rlim_max = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &wanted) == 0)
		return;
	log_warning("no more than %ju files may be open: %s", (uintmax_t) limit.rlim_max,
		strerror(errno));
	limit.rlim_cur = limit.rlim_max;
	(void) setrlimit(RLIMIT_NOFILE, &limit);
}

// Without stdin, stdout or stderr the next file that is opened would have their numbers, and what
// is meant for a person would be written to it: to the store.
static bool open_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	return true;
}

// The roles inherit it. It is not done to the process group, in which others may be: the script
// that started the daemon.
static void lower_priority(void)
{
	enum { WHO_PROCESS = 1, CLASS_IDLE = 3, CLASS_SHIFT = 13 }; // of ioprio_set(2)

	if (getpriority(PRIO_PROCESS, 0) < NICENESS)
		(void) setpriority(PRIO_PROCESS, 0, NICENESS);
	(void) syscall(SYS_ioprio_set, WHO_PROCESS, 0, CLASS_IDLE << CLASS_SHIFT);
}

// ---- being the only one ----

// Roles of a daemon that was killed are killed with it, but that takes a moment.
static int lock_store(struct daemon *daemon, struct fault *why)
{
	const char *folder = flags_string(daemon->flags, "database_path");
	int64_t until_ms = clock_ms() + LOCK_WAIT_MS;

	while ((daemon->store_lock = store_lock(folder, why)) == -EWOULDBLOCK &&
		clock_ms() < until_ms)
		(void) poll(NULL, 0, LOCK_LOOK_MS);
	if (daemon->store_lock == -EWOULDBLOCK)
		return -EWOULDBLOCK;
	if (daemon->store_lock < 0)
		log_warning("%s: nothing keeps another daemon from this store", why->text);
	return 0;
}

static int become_the_only_one(struct daemon *daemon, struct fault *why)
{
	const struct flags *flags = daemon->flags;
	const char *path = flags_string(flags, "pidfile");

	if (!flags_bool(flags, "ephemeral") && *path) {
		int r = pidfile_open(&daemon->pidfile, path, flags_bool(flags, "force"),
			clock_from_s(flags_integer(flags, "alarm_timeout")), why);

		if (r < 0)
			return r;
	}
	return flags_bool(flags, "disable_database") ? 0 : lock_store(daemon, why);
}

// ---- running ----

// What a role must not keep open: the pidfile's lock is that of the supervisor alone. The lock of
// the store stays with the roles until the last of them has ended.
static void in_role(void *context, const struct role *role)
{
	struct daemon *daemon = context;
	char title[64];

	background_leave(&daemon->background);
	notify_close(&daemon->notify);
	pidfile_leave(&daemon->pidfile);
	(void) snprintf(title, sizeof(title), "osqueryd: %s", role->name);
	title_set(&daemon->title, title);
}

static void when_ready(void *context)
{
	struct daemon *daemon = context;

	log_verbose("osqueryd is ready");
	background_ready(&daemon->background);
}

static int supervise(struct daemon *daemon)
{
	static const struct role *const roles[] = { &role_runner, &role_collector };
	const struct flags *flags = daemon->flags;
	struct watch_limits limits;
	bool limited = watch_limits_read(&limits, flags);
	struct supervisor_settings settings = {
		.flags = flags,
		.roles = roles,
		.n_roles = sizeof(roles) / sizeof(roles[0]),
		.limits = limited ? &limits : NULL,
		.stop_ms = clock_from_s(flags_integer(flags, "alarm_timeout")),
		.most_delay_ms = clock_from_s(flags_integer(flags, "watchdog_max_delay")),
		.debug = flags_bool(flags, "enable_watchdog_debug"),
		.notify = &daemon->notify,
		.relay = &daemon->relay,
		.event_folder = *daemon->event_folder ? daemon->event_folder
						      : flags_string(flags, "database_path"),
		.in_role = in_role,
		.when_ready = when_ready,
		.context = daemon,
	};

	if (limited)
		lower_priority();
	title_open(&daemon->title);
	title_set(&daemon->title, "osqueryd: supervisor");
	log_info("osqueryd started [version=%s]", HOSTQL_VERSION);
	return supervisor_run(&settings);
}

// What the supervisor and the collector say: the runner puts in another sink.
static void take_entry(void *context, const struct log_entry *entry)
{
	const struct daemon *daemon = context;

	if (daemon->system_log)
		system_log_write(entry->severity, entry->text);
	relay_send(&daemon->relay, entry);
}

// Where nothing is to be remembered, the roles still need a place to meet at.
static void make_event_folder(struct daemon *daemon)
{
	static const char *const places[] = { "/run", "/tmp" };

	if (!flags_bool(daemon->flags, "disable_database") ||
		flags_bool(daemon->flags, "disable_events"))
		return;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		(void) snprintf(daemon->event_folder, sizeof(daemon->event_folder),
			"%s/osqueryd-events.XXXXXX", places[i]);
		if (mkdtemp(daemon->event_folder))
			return;
	}
	log_warning("events have no place to be stored: %s", strerror(errno));
	daemon->event_folder[0] = '\0';
}

static void remove_event_folder(const struct daemon *daemon)
{
	static const char *const names[] = { "events.db", "events.db-wal", "events.db-shm" };
	auto_close int folder = *daemon->event_folder
		? open(daemon->event_folder, O_PATH | O_DIRECTORY | O_CLOEXEC)
		: -1;

	if (folder < 0)
		return;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void) unlinkat(folder, names[i], 0);
	(void) rmdir(daemon->event_folder);
}

static int run_alone(struct daemon *daemon)
{
	struct fault why;

	if (become_the_only_one(daemon, &why) < 0 ||
		(daemon->background.ready >= 0 && background_detach(&why) < 0)) {
		fprintf(stderr, "%s\n", why.text);
		return 1;
	}
	daemon->system_log = daemon->background.ready >= 0;
	if (daemon->system_log)
		system_log_open();
	relay_open(&daemon->relay);
	log_sink(take_entry, daemon);
	make_event_folder(daemon);
	return supervise(daemon);
}

static void close_daemon(struct daemon *daemon)
{
	background_leave(&daemon->background);
	remove_event_folder(daemon);
	log_sink(NULL, NULL);
	relay_close(&daemon->relay);
	notify_close(&daemon->notify);
	pidfile_close(&daemon->pidfile);
	if (daemon->store_lock >= 0)
		(void) close(daemon->store_lock);
}

static int dump_store(const struct flags *flags)
{
	struct fault why;

	if (store_dump(flags_string(flags, "database_path"), stdout, &why) == 0)
		return 0;
	fprintf(stderr, "%s\n", why.text);
	return 1;
}

int daemon_run(struct flags *flags, int argc, char **argv)
{
	struct daemon daemon = {
		.flags = flags,
		.background.ready = -1,
		.pidfile.fd = -1,
		.store_lock = -1,
		.relay = { -1, -1 },
	};
	int code;

	if (!open_standard())
		return 1;
	if (argc > 1) {
		fprintf(stderr, "osqueryd takes flags only, and \"%s\" is none\n", argv[1]);
		return 1;
	}
	settle_flags(flags);
	set_log(flags);
	if (flags_bool(flags, "config_check"))
		return config_check(flags, HOSTQL_VERSION);
	if (flags_bool(flags, "config_dump"))
		return config_dump(flags);
	if (flags_bool(flags, "database_dump"))
		return dump_store(flags);
	raise_files();
	if (flags_bool(flags, "daemonize") &&
		!background_begin(&daemon.background,
			clock_from_s(flags_integer(flags, "alarm_timeout")), &code))
		return code;
	notify_open(&daemon.notify);
	code = run_alone(&daemon);
	close_daemon(&daemon);
	return code;
}
