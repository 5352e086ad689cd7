// SPDX-License-Identifier: Apache-2.0
// Standard output, the system's log, and the files of status lines.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "output/output.h"
#include "output/status.h"
#include "output/status_files.h"
#include "test.h"

extern const struct output output_stdout, output_syslog;

static struct text said; // what was logged

static void hear(void *context, const struct log_entry *entry)
{
	(void) context;
	text_printf(&said, "%d %s\n", entry->severity, entry->text);
}

static struct log_entry status_line(enum severity severity, const char *text)
{
	return (struct log_entry){ .severity = severity,
		.time_us = 1700000000123456,
		.file = "some.c",
		.line = 7,
		.text = text };
}

static void make_folder(char folder[64])
{
	const char *temporary = getenv("TMPDIR");

	(void) snprintf(folder, 64, "%.40s/hostql-channel-XXXXXX", temporary ? temporary : "/tmp");
	CHECK(mkdtemp(folder));
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void) status;
	(void) kind;
	(void) walk;
	return remove(path);
}

static void remove_folder(const char *folder)
{
	CHECK(nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

// ---- standard output ----

struct standard {
	int back, ends[2];
	void *state;
};

enum kind { PIPE, SOCKETS, PIPE_OPENED_ONCE, N_KINDS };

// Standard output is a pipe, which perhaps can't be opened once more, or the end of a pair of
// sockets.
static void begin(struct standard *standard, enum kind kind)
{
	struct rlimit files, none;

	(void) signal(SIGPIPE, SIG_IGN);
	standard->back = dup(STDOUT_FILENO);
	if (kind == SOCKETS)
		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, standard->ends) == 0);
	else
		CHECK(pipe(standard->ends) == 0);
	CHECK(fcntl(standard->ends[0], F_SETFL, O_NONBLOCK) == 0);
	CHECK(dup2(standard->ends[1], STDOUT_FILENO) == STDOUT_FILENO);
	(void) close(standard->ends[1]);
	standard->state = calloc(1, output_stdout.state_bytes);
	CHECK(getrlimit(RLIMIT_NOFILE, &files) == 0);
	none = (struct rlimit){ kind == PIPE_OPENED_ONCE ? 0 : files.rlim_cur, files.rlim_max };
	CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
	CHECK(output_stdout.open(standard->state, &(struct flags){ 0 }, NULL) == 0);
	CHECK(setrlimit(RLIMIT_NOFILE, &files) == 0);
}

static void done(struct standard *standard)
{
	output_stdout.close(standard->state);
	free(standard->state);
	CHECK(dup2(standard->back, STDOUT_FILENO) == STDOUT_FILENO);
	(void) close(standard->ends[0]);
}

static ssize_t put(struct standard *standard, const char *bytes, size_t length)
{
	struct fault why;

	return output_stdout.write(standard->state, CHANNEL_RESULTS, bytes, length, &why);
}

// All that can be read now.
static void drain(struct standard *standard, struct text *text)
{
	char bytes[4096];
	ssize_t got;

	while ((got = read(standard->ends[0], bytes, sizeof(bytes))) > 0)
		text_add(text, bytes, (size_t) got);
	CHECK(got < 0 && errno == EAGAIN);
}

TEST(a_full_pipe_takes_some_and_is_not_waited_for)
{
	enum { LENGTH = 1 << 20 };
	auto_free char *bytes = must_alloc(LENGTH);

	for (size_t i = 0; i < LENGTH; i++)
		bytes[i] = (char) ('a' + i % 23);
	bytes[LENGTH - 1] = '\n';
	for (int kind = PIPE; kind < N_KINDS; kind++) {
		auto_text struct text got = { 0 };
		struct standard standard;
		size_t at = 0;

		begin(&standard, (enum kind) kind);
		while (at < LENGTH) {
			ssize_t taken = put(&standard, bytes + at, LENGTH - at);

			CHECK(taken >= 0);
			at += (size_t) taken;
			if (taken == 0)
				drain(&standard, &got);
		}
		drain(&standard, &got);
		done(&standard);
		CHECK(got.length == LENGTH && memcmp(got.bytes, bytes, LENGTH) == 0);
	}
}

TEST(a_pipe_that_nobody_reads_any_more_is_an_error)
{
	for (int kind = PIPE; kind < N_KINDS; kind++) {
		struct standard standard;

		begin(&standard, (enum kind) kind);
		(void) close(standard.ends[0]);
		CHECK(put(&standard, "{}\n", 3) == -EPIPE);
		standard.ends[0] = -1;
		done(&standard);
	}
}

TEST(standard_output_may_be_closed)
{
	struct standard standard;

	begin(&standard, PIPE);
	output_stdout.close(standard.state);
	(void) close(STDOUT_FILENO);
	memset(standard.state, 0, output_stdout.state_bytes);
	CHECK(output_stdout.open(standard.state, &(struct flags){ 0 }, NULL) == 0);
	CHECK(put(&standard, "{}\n", 3) == -EBADF);
	done(&standard);
}

TEST(a_status_line_does_not_tear_a_result)
{
	auto_text struct text got = { 0 };
	struct standard standard;
	struct log_entry entry = status_line(LOG_WARNING, "something happened");

	begin(&standard, PIPE);
	output_stdout.status(standard.state, &entry);
	CHECK(put(&standard, "{\"a\":", 5) == 5);
	output_stdout.status(standard.state, &entry);
	CHECK(put(&standard, "1}\n", 3) == 3);
	drain(&standard, &got);
	done(&standard);
	CHECK_TEXT(got.bytes,
		"severity=1 location=some.c:7 message=something happened\n"
		"{\"a\":1}\n"
		"severity=1 location=some.c:7 message=something happened\n");
}

TEST(a_long_status_line_is_cut)
{
	auto_text struct text got = { 0 }, message = { 0 };
	struct standard standard;
	struct log_entry entry;

	for (int i = 0; i < 9000; i++)
		text_add_char(&message, 'x');
	entry = status_line(LOG_VERBOSE, message.bytes);
	begin(&standard, PIPE);
	output_stdout.status(standard.state, &entry);
	drain(&standard, &got);
	done(&standard);
	CHECK(got.length == PIPE_BUF && got.bytes[PIPE_BUF - 1] == '\n');
	CHECK(text_starts(got.bytes, "severity=0 "));
}

// ---- the system's log ----

struct receiver {
	char folder[64];
	struct sockaddr_un address;
	int fd;
	struct flags flags;
	void *state;
	char datagram[300000];
};

static void listen_at(struct receiver *receiver)
{
	(void) unlink(receiver->address.sun_path);
	receiver->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	CHECK(bind(receiver->fd, (struct sockaddr *) &receiver->address,
		      sizeof(receiver->address)) == 0);
}

static struct receiver *open_receiver(const char *flag, const char *value)
{
	struct receiver *receiver = calloc(1, sizeof(*receiver));
	struct fault why;

	make_folder(receiver->folder);
	receiver->address.sun_family = AF_UNIX;
	(void) snprintf(receiver->address.sun_path, sizeof(receiver->address.sun_path), "%s/log",
		receiver->folder);
	CHECK(flags_set(&receiver->flags, "logger_syslog_socket", receiver->address.sun_path,
		      &why) == 0);
	if (flag)
		CHECK(flags_set(&receiver->flags, flag, value, &why) == 0);
	receiver->state = calloc(1, output_syslog.state_bytes);
	receiver->fd = -1;
	CHECK(output_syslog.open(receiver->state, &receiver->flags, &why) == 0);
	log_threshold(LOG_ERROR + 1);
	log_sink(hear, NULL);
	return receiver;
}

static void close_receiver(struct receiver *receiver)
{
	log_sink(NULL, NULL);
	output_syslog.close(receiver->state);
	(void) close(receiver->fd);
	remove_folder(receiver->folder);
	flags_done(&receiver->flags);
	free(receiver->state);
	free(receiver);
}

// The next datagram behind its header, which is looked at; "" when there is none.
static const char *receive(struct receiver *receiver, int priority)
{
	ssize_t length = recv(receiver->fd, receiver->datagram, sizeof(receiver->datagram) - 1, 0);
	char month[4], expected[32];
	int found, day, hour, minute, second, pid, at = 0;

	if (length < 0)
		return "";
	receiver->datagram[length] = '\0';
	CHECK(sscanf(receiver->datagram, "<%d>%3s %2d %2d:%2d:%2d osqueryd[%d]: %n", &found, month,
		      &day, &hour, &minute, &second, &pid, &at) == 7);
	CHECK(found == priority && pid == getpid() && day >= 1 && day <= 31);
	(void) snprintf(expected, sizeof(expected), "<%d>%s %2d %02d:%02d:%02d ", priority, month,
		day, hour, minute, second);
	CHECK(text_starts(receiver->datagram, expected));
	return receiver->datagram + at;
}

static ssize_t send_lines(struct receiver *receiver, const char *lines)
{
	struct fault why;

	return output_syslog.write(receiver->state, CHANNEL_RESULTS, lines, strlen(lines), &why);
}

TEST(each_line_is_a_datagram)
{
	struct receiver *receiver = open_receiver(NULL, NULL);
	struct log_entry entry = status_line(LOG_ERROR, "bad");

	listen_at(receiver);
	CHECK(send_lines(receiver, "{\"n\":1}\n{\"n\":2}\n") == 16);
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "{\"n\":1}");
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "{\"n\":2}");
	output_syslog.status(receiver->state, &entry);
	CHECK_TEXT(receive(receiver, 19 * 8 + 3), "severity=2 location=some.c:7 message=bad");
	entry.severity = LOG_WARNING;
	output_syslog.status(receiver->state, &entry);
	CHECK_TEXT(receive(receiver, 19 * 8 + 4), "severity=1 location=some.c:7 message=bad");
	entry.severity = LOG_VERBOSE;
	output_syslog.status(receiver->state, &entry);
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "severity=0 location=some.c:7 message=bad");
	CHECK_TEXT(receive(receiver, 0), "");
	close_receiver(receiver);
}

TEST(facility_and_prefix_are_flags)
{
	struct receiver *receiver = open_receiver("logger_syslog_prepend_cee", "true");
	auto_free void *refused = calloc(1, output_syslog.state_bytes);
	struct fault why;

	CHECK(flags_set(&receiver->flags, "logger_syslog_facility", "3", &why) == 0);
	output_syslog.close(receiver->state);
	memset(receiver->state, 0, output_syslog.state_bytes);
	CHECK(output_syslog.open(receiver->state, &receiver->flags, &why) == 0);
	listen_at(receiver);
	CHECK(send_lines(receiver, "{}\n") == 3);
	CHECK_TEXT(receive(receiver, 3 * 8 + 6), "@cee: {}");
	CHECK(flags_set(&receiver->flags, "logger_syslog_facility", "24", &why) == 0);
	CHECK(output_syslog.open(refused, &receiver->flags, &why) == -EINVAL);
	close_receiver(receiver);
}

TEST(a_log_that_is_not_there_takes_no_line_until_it_is)
{
	struct receiver *receiver = open_receiver(NULL, NULL);

	CHECK(send_lines(receiver, "{\"n\":1}\n") == -ENOENT);
	listen_at(receiver);
	CHECK(send_lines(receiver, "{\"n\":1}\n") == 8);
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "{\"n\":1}");
	(void) close(receiver->fd);
	CHECK(send_lines(receiver, "{\"n\":2}\n") == -ECONNREFUSED);
	listen_at(receiver); // started anew: another socket
	CHECK(send_lines(receiver, "{\"n\":2}\n") == 8);
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "{\"n\":2}");
	(void) close(receiver->fd);
	listen_at(receiver); // the same, unnoticed
	CHECK(send_lines(receiver, "{\"n\":3}\n") == 8);
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "{\"n\":3}");
	close_receiver(receiver);
}

TEST(a_log_that_does_not_keep_up_takes_what_it_can)
{
	struct receiver *receiver = open_receiver(NULL, NULL);
	auto_text struct text lines = { 0 };
	size_t at = 0;
	int n = 0;

	for (int i = 0; i < 5000; i++)
		text_printf(&lines, "{\"n\":%d}\n", i);
	listen_at(receiver);
	while (at < lines.length) {
		ssize_t taken = send_lines(receiver, lines.bytes + at);
		const char *got;

		CHECK(taken >= 0);
		at += (size_t) taken;
		while (*(got = receive(receiver, 19 * 8 + 6))) {
			char expected[32];

			(void) snprintf(expected, sizeof(expected), "{\"n\":%d}", n++);
			CHECK_TEXT(got, expected);
		}
	}
	CHECK(n == 5000);
	close_receiver(receiver);
}

TEST(a_line_that_no_datagram_holds_is_left_out_and_said)
{
	struct receiver *receiver = open_receiver(NULL, NULL);
	auto_text struct text line = { 0 };
	size_t half;

	text_add_string(&line, "{\"n\":1}\n{\"long\":\"");
	for (int i = 0; i < 1200000; i++)
		text_add_char(&line, 'x');
	half = line.length;
	text_add_string(&line, "\"}\n{\"n\":2}\n");
	listen_at(receiver);
	CHECK(send_lines(receiver, line.bytes) == (ssize_t) line.length);
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "{\"n\":1}");
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "{\"n\":2}");
	CHECK_TEXT(said.bytes,
		"1 output syslog: 1 lines were left out, as they are too long for a datagram; the "
		"longest has 1200011 bytes\n");

	// one over several entries
	line.bytes[half] = '\0';
	CHECK(send_lines(receiver, line.bytes) == (ssize_t) half);
	CHECK(send_lines(receiver, "xxx{") == 4);
	CHECK(send_lines(receiver, "{\"x\":\"}\n{\"n\":4}\n") == 16);
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "{\"n\":1}");
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "{\"n\":4}");
	CHECK_TEXT(receive(receiver, 0), "");
	close_receiver(receiver);
}

TEST(the_kernels_own_limit_of_a_datagram_counts_too)
{
	struct receiver *receiver = open_receiver(NULL, NULL);
	auto_text struct text line = { 0 };

	text_add_string(&line, "{\"long\":\"");
	for (int i = 0; i < 500000; i++)
		text_add_char(&line, 'x');
	text_add_string(&line, "\"}\n{\"n\":2}\n");
	listen_at(receiver);
	CHECK(send_lines(receiver, line.bytes) == (ssize_t) line.length);
	CHECK_TEXT(receive(receiver, 19 * 8 + 6), "{\"n\":2}");
	CHECK(strstr(said.bytes, "1 lines were left out"));
	close_receiver(receiver);
}

// ---- files of status lines ----

static void write_status(struct status_files *files, enum severity severity, const char *text)
{
	struct log_entry entry = status_line(severity, text);

	status_files_write(files, &entry);
}

// How many lines the file has.
static int count_lines(const char *folder, const char *name)
{
	auto_fclose FILE *file = NULL;
	char path[128];
	int n = 0, c;

	(void) snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "re");
	if (!file)
		return -1;
	while ((c = getc(file)) != EOF)
		n += c == '\n';
	return n;
}

static int count_files(const char *folder, const char *prefix)
{
	auto_closedir DIR *list = opendir(folder);
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(list)))
		n += text_starts(entry->d_name, prefix);
	return n;
}

TEST(a_status_line_stands_in_the_files_of_its_severity_and_lower_ones)
{
	struct status_files files;
	char folder[64], path[128], target[128];
	ssize_t length;

	make_folder(folder);
	status_files_init(&files, folder, "osqueryd", 0640, 1 << 20);
	write_status(&files, LOG_VERBOSE, "a");
	write_status(&files, LOG_INFO, "b");
	write_status(&files, LOG_WARNING, "c");
	write_status(&files, LOG_ERROR, "d");
	CHECK(count_lines(folder, "osqueryd.INFO") == 4);
	CHECK(count_lines(folder, "osqueryd.WARNING") == 2);
	CHECK(count_lines(folder, "osqueryd.ERROR") == 1);
	(void) snprintf(path, sizeof(path), "%s/osqueryd.ERROR", folder);
	length = readlink(path, target, sizeof(target) - 1);
	CHECK(length > 0);
	target[length] = '\0';
	(void) snprintf(path, sizeof(path), ".%d", getpid());
	CHECK(text_starts(target, "osqueryd.ERROR.20") && text_ends(target, path));
	status_files_done(&files);
	remove_folder(folder);
}

TEST(processes_share_status_files)
{
	struct status_files one, other;
	char folder[64];

	make_folder(folder);
	status_files_init(&one, folder, "osqueryd", 0640, 1000);
	status_files_init(&other, folder, "osqueryd", 0640, 1000);
	for (int i = 0; i < 8; i++) {
		write_status(&one, LOG_INFO, "one");
		write_status(&other, LOG_INFO, "other");
	}
	CHECK(count_files(folder, "osqueryd.INFO.") == 1);
	CHECK(count_lines(folder, "osqueryd.INFO") == 16);
	// one of them begins a new file, the other goes there too
	for (int i = 0; i < 40 && count_files(folder, "osqueryd.INFO.") == 1; i++)
		write_status(&one, LOG_INFO, "one");
	CHECK(count_lines(folder, "osqueryd.INFO") == 1);
	write_status(&other, LOG_INFO, "other");
	CHECK(count_lines(folder, "osqueryd.INFO") == 2);
	CHECK(count_files(folder, "osqueryd.INFO.") == 2);
	status_files_done(&one);
	status_files_done(&other);
	remove_folder(folder);
}

TEST(old_status_files_go_and_files_of_others_stay)
{
	static const char *const others[] = { "osqueryd.INFO.keep", "osqueryd.INFO.2024-01-01",
		"osqueryd.INFO.20240101-000000.1.gz", "osqueryd.WARNING.20240101-000000.1" };
	struct status_files files;
	char folder[64];

	make_folder(folder);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		char path[128];

		(void) snprintf(path, sizeof(path), "%s/%s", folder, others[i]);
		CHECK(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) == 0);
	}
	status_files_init(&files, folder, "osqueryd", 0640, 1);
	for (int i = 0; i < 30; i++)
		write_status(&files, LOG_INFO, "a line is a file");
	CHECK(count_files(folder, "osqueryd.INFO.") == 11 + 3);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		CHECK(count_lines(folder, others[i]) == 0);
	status_files_done(&files);
	remove_folder(folder);
}

TEST(a_link_that_leads_elsewhere_is_not_followed)
{
	struct status_files files;
	char folder[64], link[128], victim[128];

	make_folder(folder);
	(void) snprintf(victim, sizeof(victim), "%s/victim", folder);
	(void) snprintf(link, sizeof(link), "%s/osqueryd.INFO", folder);
	CHECK(close(open(victim, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) == 0);
	CHECK(symlink(victim, link) == 0);
	status_files_init(&files, folder, "osqueryd", 0640, 1 << 20);
	write_status(&files, LOG_INFO, "a");
	write_status(&files, LOG_INFO, "b");
	CHECK(count_lines(folder, "victim") == 0);
	CHECK(count_lines(folder, "osqueryd.INFO") == 2);
	// a folder in the place of the link does not make a file of each line
	CHECK(unlink(link) == 0 && mkdir(link, 0700) == 0);
	for (int i = 0; i < 5; i++)
		write_status(&files, LOG_INFO, "c");
	CHECK(count_files(folder, "osqueryd.INFO.") == 1);
	status_files_done(&files);
	remove_folder(folder);
}

TEST(removed_status_files_are_made_again)
{
	struct status_files files;
	char folder[64];

	make_folder(folder);
	status_files_init(&files, folder, "osqueryd", 0640, 1 << 20);
	write_status(&files, LOG_WARNING, "a");
	remove_folder(folder);
	write_status(&files, LOG_WARNING, "b");
	CHECK(count_lines(folder, "osqueryd.INFO") == 1);
	CHECK(count_lines(folder, "osqueryd.WARNING") == 1);
	status_files_done(&files);
	remove_folder(folder);
}

TEST(status_lines_that_cannot_be_written_go_to_standard_error)
{
	struct status_files files;
	char folder[64], path[128], said_there[1000] = "";
	int back = dup(STDERR_FILENO), ends[2];
	const char *at;

	make_folder(folder);
	(void) snprintf(path, sizeof(path), "%s/file", folder);
	CHECK(close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)) == 0);
	(void) snprintf(path, sizeof(path), "%s/file/logs", folder);
	status_files_init(&files, path, "osqueryd", 0640, 1 << 20);
	log_threshold(LOG_WARNING);
	CHECK(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
	write_status(&files, LOG_INFO, "first");
	write_status(&files, LOG_INFO, "second");
	write_status(&files, LOG_WARNING, "printed by the log itself");
	(void) fflush(stderr);
	CHECK(dup2(back, STDERR_FILENO) == STDERR_FILENO);
	CHECK(read(ends[0], said_there, sizeof(said_there) - 1) > 0);
	at = strstr(said_there, "status lines go to standard error: ");
	CHECK(at && !strstr(at + 1, "status lines go"));
	CHECK(strstr(said_there, "some.c:7] first\n") && strstr(said_there, "second\n"));
	CHECK(!strstr(said_there, "printed by the log itself"));
	status_files_done(&files);
	remove_folder(folder);
}

TEST(what_is_logged_before_the_outputs_are_open_is_handed_on)
{
	struct status *status = status_open();
	struct standard standard;
	struct outputs *outputs;
	struct flags flags = { 0 };
	struct fault why;
	auto_text struct text got = { 0 };

	log_threshold(LOG_ERROR + 1);
	log_info("below the limit");
	log_warning("first \x1b");
	for (int i = 0; i < 600; i++)
		log_error("number %d", i);
	CHECK(flags_set(&flags, "logger_plugin", "stdout", &why) == 0);
	CHECK(flags_set(&flags, "logger_min_status", "1", &why) == 0);
	begin(&standard, PIPE);
	outputs = outputs_open(&flags, NULL, &why);
	CHECK(outputs);
	status_pass_on(status, outputs);
	log_warning("last");
	log_info("not wanted");
	drain(&standard, &got);
	outputs_close(outputs);
	done(&standard);
	status_close(status);
	log_error("nobody hears this");
	flags_done(&flags);
	CHECK(!strstr(got.bytes, "number 87\n") && strstr(got.bytes, "number 88\n"));
	CHECK(strstr(got.bytes, "number 599\nseverity=1 "));
	CHECK(strstr(got.bytes,
		"message=90 status lines from before the outputs were open are "
		"lost\n"));
	CHECK(text_ends(got.bytes, " message=last\n"));
	CHECK(!strstr(got.bytes, "limit"));
}
