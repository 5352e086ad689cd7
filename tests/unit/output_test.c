// SPDX-License-Identifier: Apache-2.0
// Delivery from the outbox to files: nothing is lost, repeated or torn.
#include "output/output.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/module.h"
#include "modules/zstd/zstd.h"
#include "test.h"

// A folder of a test with a store, and what is logged meanwhile.
struct place {
	char folder[64], logs[80];
	struct flags flags;
	struct store *store;
	struct outputs *outputs;
	struct text said;
	struct text expected; // of the results
};

static void hear(void *context, const struct log_entry *entry)
{
	struct place *place = context;

	text_printf(&place->said, "%d %s\n", entry->severity, entry->text);
}

static void set(struct place *place, const char *name, const char *value)
{
	struct fault why;

	if (flags_set(&place->flags, name, value, &why) < 0) {
		fprintf(stderr, "%s\n", why.text);
		exit(1);
	}
}

static void begin(struct place *place)
{
	struct fault why;
	const char *temporary = getenv("TMPDIR");

	*place = (struct place){ 0 };
	(void) snprintf(place->folder, sizeof(place->folder), "%.40s/hostql-output-XXXXXX",
		temporary ? temporary : "/tmp");
	CHECK(mkdtemp(place->folder));
	(void) snprintf(place->logs, sizeof(place->logs), "%s/logs", place->folder);
	set(place, "logger_path", place->logs);
	log_threshold(LOG_ERROR + 1);
	log_sink(hear, place);
	place->store = store_open(place->folder, STORE_WRITE, &why);
	CHECK(place->store);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
	(void) status;
	(void) kind;
	(void) walk;
	return remove(path);
}

static void done(struct place *place)
{
	outputs_close(place->outputs);
	store_close(place->store);
	log_sink(NULL, NULL);
	CHECK(nftw(place->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
	flags_done(&place->flags);
	text_done(&place->said);
	text_done(&place->expected);
}

static void open_outputs(struct place *place)
{
	struct fault why;

	place->outputs = outputs_open(&place->flags, place->store, &why);
	if (!place->outputs)
		fprintf(stderr, "%s\n", why.text);
	CHECK(place->outputs);
}

static void close_outputs(struct place *place)
{
	outputs_close(place->outputs);
	place->outputs = NULL;
}

static void append_to(struct place *place, enum channel channel, const char *bytes, bool ends)
{
	struct fault why;
	uint64_t n_lines = 0;

	for (const char *at = bytes; (at = strchr(at, '\n')); at++)
		n_lines++;
	CHECK(store_begin(place->store, &why) == 0);
	CHECK(outbox_append(place->store, channel, bytes, strlen(bytes), n_lines, ends, &why) == 0);
	CHECK(store_end(place->store, 0, &why) == 0);
	if (channel == CHANNEL_RESULTS)
		text_add_string(&place->expected, bytes);
}

static void append(struct place *place, const char *bytes)
{
	append_to(place, CHANNEL_RESULTS, bytes, true);
}

// As another program, in the file of the store.
static void run_foreign(struct place *place, const char *sql)
{
	char path[PATH_MAX];
	sqlite3 *db;

	(void) snprintf(path, sizeof(path), "%s/state.db", place->folder);
	CHECK(sqlite3_open(path, &db) == SQLITE_OK);
	CHECK(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK);
	CHECK(sqlite3_close(db) == SQLITE_OK);
}

static void deliver(struct place *place)
{
	struct fault why;
	int r = outputs_deliver(place->outputs, &why);

	if (r < 0)
		fprintf(stderr, "%s\n", why.text);
	CHECK(r == 0);
}

static const char *path_of(const struct place *place, const char *name)
{
	static char paths[4][PATH_MAX];
	static int next;
	char *path = paths[next++ % 4];

	(void) snprintf(path, PATH_MAX, "%s/%s", place->logs, name);
	return path;
}

// The content of a file of the logs, NULL if there is none; .zst is expanded.
static char *content(const struct place *place, const char *name)
{
	static struct arena arena;
	auto_close int fd = open(path_of(place, name), O_RDONLY | O_CLOEXEC);
	const struct zstd_library *zstd;
	size_t length = 0;
	char *bytes, *expanded;
	ssize_t size;

	if (fd < 0)
		return NULL;
	bytes = fd_read(fd, 64 << 20, &arena, &length);
	CHECK(bytes);
	if (!text_ends(name, ".zst"))
		return bytes;
	zstd = module_open("zstd", NULL);
	CHECK(zstd);
	expanded = arena_alloc(&arena, 1 << 20);
	size = zstd->expand(expanded, (1 << 20) - 1, bytes, length);
	CHECK(size >= 0);
	expanded[size] = '\0';
	return expanded;
}

static void write_file(const char *path, const char *bytes, size_t length)
{
	auto_close int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	CHECK(fd >= 0 && write(fd, bytes, length) == (ssize_t) length);
}

#define RESULTS "osqueryd.results.log"
#define SNAPSHOTS "osqueryd.snapshots.log"

static unsigned mode_of(const char *path)
{
	struct stat status;

	CHECK(lstat(path, &status) == 0);
	return status.st_mode & 07777;
}

static size_t times_said(const struct place *place, const char *part)
{
	size_t n = 0;

	for (const char *at = place->said.bytes; at && (at = strstr(at, part)); at++)
		n++;
	return n;
}

// ---- opening ----

TEST(results_have_their_file_from_the_start_and_snapshots_when_there_are_some)
{
	struct place place;

	begin(&place);
	open_outputs(&place);
	CHECK_TEXT(content(&place, RESULTS), "");
	CHECK(!content(&place, SNAPSHOTS));
	append(&place, "{\"a\":1}\n{\"a\":2}\n");
	append_to(&place, CHANNEL_SNAPSHOTS, "{\"s\":1}\n", true);
	append(&place, "{\"a\":3}\n");
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
	CHECK_TEXT(content(&place, SNAPSHOTS), "{\"s\":1}\n");
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
	done(&place);
}

TEST(files_have_the_mode_that_was_asked_for_whatever_the_umask)
{
	struct place place;

	(void) umask(0077);
	begin(&place);
	open_outputs(&place);
	CHECK(mode_of(path_of(&place, RESULTS)) == 0640);
	close_outputs(&place);
	set(&place, "logger_mode", "0604");
	open_outputs(&place);
	CHECK(mode_of(path_of(&place, RESULTS)) == 0604);
	done(&place);
}

TEST(a_wrong_mode_is_refused)
{
	static const char *const wrong[] = { "", "0", "8", "64o", "0x1", "-1", " 7", "10000",
		"000640", "+644" };

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct place place;
		struct fault why;

		begin(&place);
		set(&place, "logger_mode", wrong[i]);
		CHECK(!outputs_open(&place.flags, place.store, &why));
		CHECK(text_starts(
			why.text, "Cannot activate filesystem logger plugin: logger_mode is"));
		done(&place);
	}
}

TEST(an_unknown_output_is_refused_and_named)
{
	struct place place;
	struct fault why;

	begin(&place);
	set(&place, "logger_plugin", "filesystem,pigeon");
	CHECK(!outputs_open(&place.flags, place.store, &why));
	CHECK(text_starts(why.text, "Cannot activate pigeon logger plugin: "));
	CHECK(strstr(why.text, "filesystem, stdout, syslog"));
	done(&place);
}

TEST(outputs_that_were_refused_hold_no_lines)
{
	struct place place;
	struct fault why;

	begin(&place);
	open_outputs(&place);
	set(&place, "logger_plugin", "filesystem,stdout,pigeon");
	CHECK(!outputs_open(&place.flags, place.store, &why));
	append(&place, "{}\n");
	deliver(&place);
	CHECK(!outbox_waiting(place.store));
	done(&place);
}

TEST(nothing_is_kept_where_logging_is_disabled)
{
	struct place place;
	struct fault why;

	begin(&place);
	set(&place, "disable_logging", "true");
	open_outputs(&place);
	append(&place, "{}\n");
	deliver(&place);
	CHECK(outbox_n_lines(place.store, 0, &why) == 0);
	CHECK(access(place.logs, F_OK) < 0);
	done(&place);
}

TEST(an_output_may_be_named_twice)
{
	struct place place;

	begin(&place);
	set(&place, "logger_plugin", "filesystem, filesystem,");
	open_outputs(&place);
	append(&place, "{}\n");
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), "{}\n");
	done(&place);
}

// ---- crashes ----

// Lines of three entries, one of which is long.
static void append_three(struct place *place)
{
	char line[3001];

	append(place, "{\"n\":1}\n{\"n\":2}\n");
	memset(line, 'x', sizeof(line));
	memcpy(line, "{\"n\":3,\"", 8);
	memcpy(line + 2990, "\":\"\"}\n", 7);
	append(place, line);
	append(place, "{\"n\":4}\n");
}

TEST(after_a_crash_the_file_goes_on_where_it_ended)
{
	struct place place;
	size_t length;

	begin(&place);
	append_three(&place); // only to know how long they are
	length = place.expected.length;
	done(&place);
	for (size_t cut = 0; cut <= length; cut += cut < 40 || cut + 40 > length ? 1 : 97) {
		begin(&place);
		open_outputs(&place);
		append(&place, "{\"before\":1}\n");
		deliver(&place);
		append_three(&place);
		close_outputs(&place);
		// so much had been written when the program was killed
		write_file(path_of(&place, RESULTS), place.expected.bytes + 13, cut);
		open_outputs(&place);
		append(&place, "{\"after\":1}\n");
		deliver(&place);
		CHECK_TEXT(content(&place, RESULTS), place.expected.bytes);
		done(&place);
	}
}

TEST(after_a_crash_between_two_channels_both_go_on)
{
	for (size_t cut = 0; cut <= 16; cut++) {
		struct place place;

		begin(&place);
		open_outputs(&place);
		append_to(&place, CHANNEL_SNAPSHOTS, "{\"s\":0}\n", true);
		append(&place, "{\"r\":0}\n");
		deliver(&place);
		append(&place, "{\"r\":1}\n");
		append_to(&place, CHANNEL_SNAPSHOTS, "{\"s\":1}\n", true);
		append(&place, "{\"r\":2}\n");
		close_outputs(&place);
		write_file(path_of(&place, RESULTS), "{\"r\":1}\n", cut < 8 ? cut : 8);
		write_file(path_of(&place, SNAPSHOTS), "{\"s\":1}\n", cut < 8 ? 0 : cut - 8);
		open_outputs(&place);
		deliver(&place);
		CHECK_TEXT(content(&place, RESULTS), place.expected.bytes);
		CHECK_TEXT(content(&place, SNAPSHOTS), "{\"s\":0}\n{\"s\":1}\n");
		done(&place);
	}
}

TEST(after_a_crash_a_file_that_was_moved_away_counts)
{
	struct place place;

	begin(&place);
	open_outputs(&place);
	append(&place, "{\"r\":0}\n");
	deliver(&place);
	append(&place, "{\"r\":1}\n{\"r\":2}\n");
	close_outputs(&place);
	write_file(path_of(&place, RESULTS), "{\"r\":1}\n", 8);
	CHECK(rename(path_of(&place, RESULTS), path_of(&place, RESULTS ".1")) == 0);
	open_outputs(&place);
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), "{\"r\":2}\n");
	CHECK_TEXT(content(&place, RESULTS ".1"), "{\"r\":0}\n{\"r\":1}\n");
	done(&place);
}

TEST(what_others_have_written_is_not_taken_for_ours)
{
	struct place place;

	begin(&place);
	open_outputs(&place);
	append(&place, "{\"r\":0}\n");
	deliver(&place);
	append(&place, "{\"r\":1}\n{\"r\":2}\n");
	close_outputs(&place);
	write_file(path_of(&place, RESULTS), "{\"r\":1}\n{\"other\"}\n", 18);
	open_outputs(&place);
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS),
		"{\"r\":0}\n{\"r\":1}\n{\"other\"}\n{\"r\":1}\n{\"r\":2}\n");
	done(&place);
}

TEST(killed_within_a_write_it_goes_on_behind_the_last_byte)
{
	// the store's own files must stay below the limit that kills
	enum { BEFORE = 4 << 20 };

	for (rlim_t cut = 1; cut < 3000; cut += cut < 20 ? 1 : 331) {
		struct rlimit limit = { BEFORE + cut, BEFORE + cut };
		struct place place;
		pid_t child;
		int status;

		begin(&place);
		CHECK(mkdir(place.logs, 0700) == 0);
		write_file(path_of(&place, RESULTS), "", 0);
		CHECK(truncate(path_of(&place, RESULTS), BEFORE - 1) == 0);
		write_file(path_of(&place, RESULTS), "\n", 1);
		open_outputs(&place);
		append_three(&place);
		close_outputs(&place);
		store_close(place.store);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			place.store = store_open(place.folder, STORE_WRITE, &(struct fault){ 0 });
			open_outputs(&place);
			CHECK(setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 }) == 0);
			CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
			deliver(&place);
			_exit(0);
		}
		CHECK(waitpid(child, &status, 0) == child);
		CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGXFSZ);
		place.store = store_open(place.folder, STORE_WRITE, &(struct fault){ 0 });
		open_outputs(&place);
		deliver(&place);
		CHECK_TEXT(content(&place, RESULTS) + BEFORE, place.expected.bytes);
		done(&place);
	}
}

TEST(a_line_that_someone_else_did_not_end_is_ended_first)
{
	struct place place;

	begin(&place);
	CHECK(mkdir(place.logs, 0700) == 0);
	write_file(path_of(&place, RESULTS), "{\"torn", 6);
	open_outputs(&place);
	append(&place, "{\"n\":1}\n");
	deliver(&place);
	append_to(&place, CHANNEL_RESULTS, "{\"n\":", false);
	deliver(&place);
	close_outputs(&place);
	// ours goes on
	open_outputs(&place);
	append(&place, "2}\n");
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), "{\"torn\n{\"n\":1}\n{\"n\":2}\n");
	done(&place);
}

// Appends and delivers until it is killed or has made `most` lines.
static void make_lines(struct place *place, int most)
{
	char *made = store_setting(place->store, "made");
	struct fault why;

	for (int i = made ? (int) strtol(made, NULL, 10) : 0; i < most; i++) {
		char line[600], number[16];

		(void) snprintf(number, sizeof(number), "%d", i + 1);
		(void) snprintf(line, sizeof(line), "{\"n\":%d,\"%0*d\":\"\"}\n", i,
			i % 7 == 0 ? 500 : 1, i);
		CHECK(store_begin(place->store, &why) == 0);
		CHECK(outbox_append(place->store, i % 5 ? CHANNEL_RESULTS : CHANNEL_SNAPSHOTS, line,
			      strlen(line), 1, true, &why) == 0);
		CHECK(store_set(place->store, "made", number, &why) == 0);
		CHECK(store_end(place->store, 0, &why) == 0);
		if (i % 3 == 0)
			deliver(place);
	}
	deliver(place);
	free(made);
}

static void run_until_killed(struct place *place, int most, useconds_t life_us)
{
	pid_t child = fork();

	CHECK(child >= 0);
	if (child == 0) {
		struct fault why;

		place->store = store_open(place->folder, STORE_WRITE, &why);
		open_outputs(place);
		make_lines(place, most);
		_exit(0);
	}
	(void) usleep(life_us);
	(void) kill(child, SIGKILL);
	CHECK(waitpid(child, NULL, 0) == child);
}

// All that was written to a file and those that it was rotated to.
static void add_all(struct text *all, const struct place *place, const char *file)
{
	char name[64], *part;

	for (int i = 200; i >= 0; i--) {
		(void) snprintf(name, sizeof(name),
			i > 1       ? "%s.%d.zst"
				: i ? "%s.%d"
				    : "%s",
			file, i);
		part = content(place, name);
		if (part)
			text_add_string(all, part);
	}
}

TEST(killed_at_any_time_it_neither_loses_nor_repeats_a_byte)
{
	enum { LINES = 3000 };
	static const char *const files[] = { RESULTS, SNAPSHOTS };
	struct place place, quiet;

	begin(&quiet);
	open_outputs(&quiet);
	make_lines(&quiet, LINES);
	begin(&place);
	set(&place, "logger_rotate", "true");
	set(&place, "logger_rotate_size", "3000");
	set(&place, "logger_rotate_max_files", "200");
	store_close(place.store);
	for (int i = 0; i < 30; i++)
		run_until_killed(&place, LINES, (useconds_t) (2000 + i * 1733 % 9000));
	place.store = store_open(place.folder, STORE_WRITE, &(struct fault){ 0 });
	open_outputs(&place);
	make_lines(&place, LINES);
	for (int i = 0; i < 2; i++) {
		auto_text struct text killed = { 0 };

		add_all(&killed, &place, files[i]);
		CHECK_TEXT(killed.bytes, content(&quiet, files[i]));
	}
	CHECK(content(&place, RESULTS ".9.zst"));
	done(&place);
	done(&quiet);
}

TEST(a_store_that_was_replaced_gives_all_its_lines)
{
	struct place place;

	begin(&place);
	open_outputs(&place);
	for (int i = 0; i < 5; i++)
		append(&place, "{\"old\":1}\n");
	deliver(&place);
	store_replace(place.store);
	append(&place, "{\"new\":1}\n");
	append(&place, "{\"new\":2}\n");
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), place.expected.bytes);
	done(&place);
}

// Outputs of before must not leave their place in a store that replaced theirs, where it is wrong.
TEST(outputs_that_end_leave_no_place_in_another_store)
{
	struct outbox_reader reader;
	struct place place;
	struct outputs *before;
	struct fault why;

	begin(&place);
	open_outputs(&place);
	for (int i = 0; i < 5; i++)
		append(&place, "{\"old\":1}\n");
	deliver(&place);
	append(&place, "{\"old\":2}\n");
	// the store is damaged where places are saved
	run_foreign(&place,
		"CREATE TRIGGER damaged BEFORE INSERT ON reader"
		" BEGIN SELECT raise(ABORT, ''); END");
	CHECK(outputs_deliver(place.outputs, &why) < 0);
	store_replace(place.store);
	before = place.outputs;
	open_outputs(&place);
	outputs_close(before);
	CHECK(outbox_reader_open(place.store, &reader, "filesystem", &why) == 0);
	CHECK(reader.entry == 1);
	done(&place);
}

// ---- rotation ----

static void use_rotation(struct place *place, const char *bytes, const char *files)
{
	set(place, "logger_rotate", "true");
	set(place, "logger_rotate_size", bytes);
	set(place, "logger_rotate_max_files", files);
}

TEST(rotated_files_hold_all_lines_in_their_order)
{
	struct place place;
	auto_text struct text all = { 0 };
	char name[64];

	begin(&place);
	use_rotation(&place, "100", "50");
	for (int i = 0; i < 60; i++) {
		char line[64];

		(void) snprintf(
			line, sizeof(line), "{\"n\":%d,\"text\":\"some twenty bytes\"}\n", i);
		open_outputs(&place);
		append(&place, line);
		deliver(&place);
		close_outputs(&place);
	}
	for (int i = 50; i > 1; i--) {
		(void) snprintf(name, sizeof(name), RESULTS ".%d.zst", i);
		if (access(path_of(&place, name), F_OK) == 0)
			text_add_string(&all, content(&place, name));
		(void) snprintf(name, sizeof(name), RESULTS ".%d", i);
		CHECK(!content(&place, name));
	}
	CHECK(content(&place, RESULTS ".10.zst"));
	CHECK(mode_of(path_of(&place, RESULTS ".2.zst")) == 0640);
	text_add_string(&all, content(&place, RESULTS ".1"));
	text_add_string(&all, content(&place, RESULTS));
	CHECK_TEXT(all.bytes, place.expected.bytes);
	done(&place);
}

TEST(what_a_crash_left_of_a_rotation_is_put_in_order_by_the_next)
{
	struct place place;

	begin(&place);
	use_rotation(&place, "1", "9");
	open_outputs(&place);
	for (int i = 0; i < 4; i++) {
		char line[16];

		(void) snprintf(line, sizeof(line), "{\"n\":%d}\n", i);
		append(&place, line);
	}
	deliver(&place);
	// compressed, but the plain one was not removed; and a file that was not compressed
	write_file(path_of(&place, RESULTS ".2"), "{\"n\":1}\n", 8);
	write_file(path_of(&place, RESULTS ".4"), "{\"before\":1}\n", 13);
	append(&place, "{\"n\":4}\n");
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS ".1"), "{\"n\":3}\n");
	CHECK_TEXT(content(&place, RESULTS ".2.zst"), "{\"n\":2}\n");
	CHECK_TEXT(content(&place, RESULTS ".3.zst"), "{\"n\":1}\n");
	CHECK(!content(&place, RESULTS ".2") && !content(&place, RESULTS ".3"));
	CHECK_TEXT(content(&place, RESULTS ".4.zst"), "{\"n\":0}\n");
	CHECK_TEXT(content(&place, RESULTS ".5.zst"), "{\"before\":1}\n");
	done(&place);
}

TEST(only_so_many_rotated_files_stay)
{
	struct place place;

	begin(&place);
	use_rotation(&place, "1", "3");
	open_outputs(&place);
	for (int i = 0; i < 10; i++) {
		char line[16];

		(void) snprintf(line, sizeof(line), "{\"n\":%d}\n", i);
		append(&place, line);
	}
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), "{\"n\":9}\n");
	CHECK_TEXT(content(&place, RESULTS ".1"), "{\"n\":8}\n");
	CHECK_TEXT(content(&place, RESULTS ".2.zst"), "{\"n\":7}\n");
	CHECK_TEXT(content(&place, RESULTS ".3.zst"), "{\"n\":6}\n");
	CHECK(!content(&place, RESULTS ".4.zst"));
	CHECK(!content(&place, RESULTS ".4"));
	done(&place);
}

TEST(fewer_files_stay_when_fewer_are_asked_for)
{
	struct place place;

	begin(&place);
	use_rotation(&place, "1", "6");
	open_outputs(&place);
	for (int i = 0; i < 10; i++)
		append(&place, "{}\n");
	deliver(&place);
	CHECK(content(&place, RESULTS ".6.zst"));
	close_outputs(&place);
	set(&place, "logger_rotate_max_files", "1");
	open_outputs(&place);
	append(&place, "{}\n");
	deliver(&place);
	CHECK(content(&place, RESULTS ".1"));
	for (int i = 2; i < 8; i++) {
		char name[64];

		(void) snprintf(name, sizeof(name), RESULTS ".%d.zst", i);
		CHECK(!content(&place, name));
	}
	done(&place);
}

TEST(a_long_line_is_not_torn_by_rotation)
{
	struct place place;

	begin(&place);
	use_rotation(&place, "4", "5");
	open_outputs(&place);
	append_to(&place, CHANNEL_RESULTS, "{\"long\":\"", false);
	append_to(&place, CHANNEL_RESULTS, "xxxxxxxxxxxx", false);
	append_to(&place, CHANNEL_RESULTS, "\"}\n{}\n", true);
	append(&place, "{\"next\":1}\n");
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS ".1"), "{\"long\":\"xxxxxxxxxxxx\"}\n{}\n");
	CHECK_TEXT(content(&place, RESULTS), "{\"next\":1}\n");
	done(&place);
}

TEST(what_cannot_be_rotated_is_still_written)
{
	struct place place;

	begin(&place);
	use_rotation(&place, "1", "1");
	open_outputs(&place);
	CHECK(mkdir(path_of(&place, RESULTS ".1"), 0700) == 0);
	write_file(path_of(&place, RESULTS ".1/file"), "x", 1);
	append(&place, "{\"n\":1}\n");
	append(&place, "{\"n\":2}\n");
	append(&place, "{\"n\":3}\n");
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), place.expected.bytes);
	CHECK(times_said(&place, "was not rotated") == 1);
	done(&place);
}

TEST(a_file_that_logrotate_moves_is_followed_by_a_new_one)
{
	struct place place;

	begin(&place);
	open_outputs(&place);
	append(&place, "{\"n\":1}\n");
	deliver(&place);
	CHECK(rename(path_of(&place, RESULTS), path_of(&place, "moved")) == 0);
	append(&place, "{\"n\":2}\n");
	deliver(&place);
	CHECK_TEXT(content(&place, "moved"), "{\"n\":1}\n");
	CHECK_TEXT(content(&place, RESULTS), "{\"n\":2}\n");
	CHECK(unlink(path_of(&place, RESULTS)) == 0);
	append(&place, "{\"n\":3}\n");
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), "{\"n\":3}\n");
	// the same, with a crash behind it
	append(&place, "{\"n\":4}\n");
	close_outputs(&place);
	CHECK(truncate(path_of(&place, RESULTS), 0) == 0); // copytruncate
	open_outputs(&place);
	deliver(&place);
	append(&place, "{\"n\":5}\n");
	CHECK(truncate(path_of(&place, RESULTS), 0) == 0);
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), "{\"n\":5}\n");
	done(&place);
}

// ---- what goes wrong ----

TEST(links_and_fifos_in_the_place_of_a_file_are_refused_without_waiting)
{
	for (int kind = 0; kind < 3; kind++) {
		struct place place;

		begin(&place);
		CHECK(mkdir(place.logs, 0700) == 0);
		write_file(path_of(&place, "victim"), "", 0);
		if (kind == 0)
			CHECK(symlink("victim", path_of(&place, RESULTS)) == 0);
		else if (kind == 1)
			CHECK(mkfifo(path_of(&place, RESULTS), 0600) == 0);
		else
			CHECK(mkdir(path_of(&place, RESULTS), 0700) == 0);
		open_outputs(&place);
		append(&place, "{\"n\":1}\n");
		for (int i = 0; i < 3; i++)
			deliver(&place);
		CHECK(times_said(&place, "1 output filesystem: ") == 1);
		CHECK_TEXT(content(&place, "victim"), "");
		CHECK(remove(path_of(&place, RESULTS)) == 0);
		deliver(&place);
		CHECK(times_said(&place, "0 output filesystem: writes again; 0 lines wait") == 1);
		CHECK_TEXT(content(&place, RESULTS), "{\"n\":1}\n");
		done(&place);
	}
}

static bool enter_mount_namespace(void)
{
	if (unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		return true;
	fprintf(stderr, "skipped: no mount namespace of its own: %s\n", strerror(errno));
	return false;
}

TEST(a_full_disk_tears_no_line_and_loses_none)
{
	struct place place;
	char line[1001];

	if (!enter_mount_namespace())
		return;
	begin(&place);
	CHECK(mkdir(place.logs, 0700) == 0);
	CHECK(mount("tmpfs", place.logs, "tmpfs", 0, "size=64k") == 0);
	open_outputs(&place);
	write_file(path_of(&place, "filler"), (char[30000]){ 0 }, 30000);
	for (int i = 0; i < 60; i++) {
		memset(line, 'x', sizeof(line));
		line[snprintf(line, sizeof(line), "{\"n\":%d,\"", i)] = 'x';
		memcpy(line + 993, "\":\"\"}\n", 7);
		append(&place, line);
	}
	for (int i = 0; i < 3; i++)
		deliver(&place);
	CHECK(times_said(&place, "No space left on device") == 1);
	CHECK(times_said(&place, "lines wait") == 1);
	CHECK(strlen(content(&place, RESULTS)) % 4096 == 0); // as much as there was room for
	CHECK(unlink(path_of(&place, "filler")) == 0);
	deliver(&place); // a part of what is left
	close_outputs(&place); // with a crash's worth of doubt
	CHECK(mount(NULL, place.logs, NULL, MS_REMOUNT, "size=1m") == 0);
	open_outputs(&place);
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), place.expected.bytes);
	CHECK(umount2(place.logs, MNT_DETACH) == 0);
	done(&place);
}

TEST(a_box_that_runs_over_drops_the_oldest_lines_and_says_how_many)
{
	struct place place;

	begin(&place);
	set(&place, "buffered_log_max", "3");
	CHECK(mkdir(place.logs, 0700) == 0);
	CHECK(mkfifo(path_of(&place, RESULTS), 0600) == 0);
	open_outputs(&place);
	for (int i = 0; i < 8; i++) {
		char line[16];

		(void) snprintf(line, sizeof(line), "{\"n\":%d}\n", i);
		append(&place, line);
		deliver(&place);
	}
	// the first warning is of the first line, the others within a minute wait
	CHECK(times_said(&place, "1 outbox: 1 lines that an output had not taken") == 1);
	CHECK(times_said(&place, "outbox: ") == 1);
	CHECK(unlink(path_of(&place, RESULTS)) == 0);
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS), "{\"n\":5}\n{\"n\":6}\n{\"n\":7}\n");
	done(&place);
}

TEST(a_line_whose_rest_was_dropped_does_not_spoil_the_next)
{
	struct place place;
	struct fault why;

	if (!enter_mount_namespace())
		return;
	begin(&place);
	set(&place, "buffered_log_max", "1");
	CHECK(mkdir(place.logs, 0700) == 0);
	CHECK(mount("tmpfs", place.logs, "tmpfs", 0, "size=4k,nr_inodes=9") == 0);
	open_outputs(&place);
	{
		auto_free char *line = must_alloc(6002);

		memset(line, 'x', 6000);
		memcpy(line + 6000, "\n", 2);
		append(&place, line);
	}
	deliver(&place);
	CHECK(strlen(content(&place, RESULTS)) == 4096);
	append(&place, "{\"n\":1}\n");
	deliver(&place);
	CHECK(outbox_n_lines(place.store, 0, &why) == 1);
	CHECK(mount(NULL, place.logs, NULL, MS_REMOUNT, "size=1m") == 0);
	deliver(&place);
	CHECK_TEXT(content(&place, RESULTS) + 4095, "x\n{\"n\":1}\n");
	CHECK(umount2(place.logs, MNT_DETACH) == 0);
	done(&place);
}

TEST(each_output_has_its_own_place)
{
	struct place place;
	int back = dup(STDOUT_FILENO), ends[2];
	char bytes[64] = "";

	begin(&place);
	set(&place, "logger_plugin", "stdout,filesystem");
	CHECK(mkdir(place.logs, 0700) == 0);
	CHECK(mkfifo(path_of(&place, RESULTS), 0600) == 0);
	CHECK(pipe(ends) == 0 && dup2(ends[1], STDOUT_FILENO) == STDOUT_FILENO);
	open_outputs(&place);
	append(&place, "{\"n\":1}\n");
	deliver(&place);
	deliver(&place);
	CHECK(read(ends[0], bytes, sizeof(bytes)) == 8);
	CHECK(unlink(path_of(&place, RESULTS)) == 0);
	append(&place, "{\"n\":2}\n");
	deliver(&place);
	CHECK(read(ends[0], bytes + 8, sizeof(bytes) - 8) == 8);
	CHECK(dup2(back, STDOUT_FILENO) == STDOUT_FILENO);
	CHECK_TEXT(bytes, place.expected.bytes);
	CHECK_TEXT(content(&place, RESULTS), place.expected.bytes);
	done(&place);
}
