// SPDX-License-Identifier: Apache-2.0
// The event store: rows come back, whoever reads and dies meanwhile; it stays within its limits;
// damage and a full disk lose as little as can be.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/base.h"
#include "base/log.h"
#include "events/event_store.h"
#include "store/store.h"
#include "test.h"

static const char *const columns[] = { "number", "text", "sometimes" };
static const struct event_schema schema = { "file_events", columns, 3 };
static const struct event_range everything = { INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX };

static void make_folder(char folder[64])
{
	(void) snprintf(folder, 64, "/tmp/hostql-events-XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	log_threshold(LOG_ERROR + 1);
}

static void remove_folder(const char *folder)
{
	DIR *list = opendir(folder);
	struct dirent *entry;

	while ((entry = readdir(list)))
		if (entry->d_name[0] != '.')
			CHECK(unlinkat(dirfd(list), entry->d_name, 0) == 0);
	(void) closedir(list);
	CHECK(rmdir(folder) == 0);
}

static struct event_store *open_store(const char *folder)
{
	struct fault why;
	struct event_store *store = event_store_open(folder, STORE_WRITE, &why);

	CHECK(store != NULL);
	return store;
}

static struct event_writer *open_writer(struct event_store *store)
{
	struct fault why;
	struct event_writer *writer = event_store_writer(store, &schema, &why);

	CHECK(writer != NULL);
	return writer;
}

// Rows whose values follow from their ids.
static void add_rows(struct event_writer *writer, int n, int64_t time)
{
	for (int i = 0; i < n; i++) {
		int64_t id = event_row_begin(writer, time);
		char text[32];

		(void) snprintf(text, sizeof(text), "row %lld", (long long) id);
		event_row_integer(writer, 0, id * 3);
		event_row_string(writer, 1, text);
		if (id % 5 == 0)
			event_row_integer(writer, 2, -id);
	}
}

static void commit(struct event_store *store)
{
	struct fault why;

	CHECK(event_store_commit(store, NULL, 0, NULL, 0, &why) == 0);
}

static void check_row(const struct event_cursor *cursor)
{
	const struct event_value *values = event_cursor_values(cursor);
	int64_t id = event_cursor_id(cursor);
	char text[32];

	(void) snprintf(text, sizeof(text), "row %lld", (long long) id);
	CHECK(values[0].kind == EVENT_INTEGER && values[0].integer == id * 3);
	CHECK(values[1].kind == EVENT_TEXT && values[1].length == strlen(text));
	CHECK(memcmp(values[1].text, text, values[1].length) == 0);
	CHECK(values[2].kind == (id % 5 == 0 ? EVENT_INTEGER : EVENT_MISSING));
}

// Reads all rows, whose ids must follow one another: how many there are, and the first id.
static int64_t read_rows(struct event_store *store, const struct event_range *range, int64_t *first)
{
	struct fault why;
	struct event_cursor *cursor = event_cursor_open(
		store, "file_events", columns, 3, range, &why);
	int64_t n = 0, last = 0;
	int r;

	CHECK(cursor);
	while ((r = event_cursor_next(cursor, &why)) > 0) {
		int64_t id = event_cursor_id(cursor);

		if (n++ == 0 && first)
			*first = id;
		CHECK(last == 0 || id == last + 1);
		last = id;
		check_row(cursor);
	}
	CHECK(r == 0);
	event_cursor_close(cursor);
	return n;
}

static int64_t ask(const char *folder, const char *sql)
{
	char path[96];
	sqlite3 *db;
	sqlite3_stmt *statement;
	int64_t answer = -1;

	(void) snprintf(path, sizeof(path), "%s/events.db", folder);
	CHECK(sqlite3_open(path, &db) == SQLITE_OK);
	CHECK(sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK);
	while (sqlite3_step(statement) == SQLITE_ROW)
		answer = sqlite3_column_int64(statement, 0);
	(void) sqlite3_finalize(statement);
	(void) sqlite3_close(db);
	return answer;
}

static off_t size_on_disk(const char *folder)
{
	char path[96];
	struct stat file = { 0 }, log = { 0 };

	(void) snprintf(path, sizeof(path), "%s/events.db", folder);
	(void) stat(path, &file);
	(void) snprintf(path, sizeof(path), "%s/events.db-wal", folder);
	(void) stat(path, &log);
	return file.st_size + log.st_size;
}

// ---- rows ----

TEST(rows_come_back_and_ids_go_on_after_the_store_was_closed)
{
	char folder[64];
	struct event_store *store;
	int64_t first, generation;

	make_folder(folder);
	store = open_store(folder);
	generation = event_store_generation(store);
	CHECK(generation > 0);
	for (int i = 0; i < 30; i++) {
		add_rows(open_writer(store), 7, 1000 + i);
		commit(store);
	}
	CHECK(read_rows(store, &everything, &first) == 210 && first == 1);
	event_store_close(store);
	store = open_store(folder);
	CHECK(event_store_generation(store) == generation);
	CHECK(event_row_begin(open_writer(store), 5) == 211);
	CHECK(event_store_last_id(store, "file_events") == 210);
	CHECK(event_store_last_id(store, "other_events") == 0);
	event_store_close(store);
	remove_folder(folder);
}

TEST(ranges_of_ids_and_times_are_held)
{
	char folder[64];
	struct event_store *store;
	int64_t first;

	make_folder(folder);
	store = open_store(folder);
	for (int i = 0; i < 100; i++) {
		add_rows(open_writer(store), 100, 1000 + i);
		commit(store);
	}
	for (int64_t from = 1; from < 10000; from += 999) {
		const struct event_range ids = { from, from + 40, INT64_MIN, INT64_MAX };
		const struct event_range times = { INT64_MIN, INT64_MAX, 1000 + from / 100,
			1000 + from / 100 };
		const struct event_range both = { from, INT64_MAX, 0, 1000 + (from - 1) / 100 };

		CHECK(read_rows(store, &ids, &first) == (from < 9960 ? 41 : 10001 - from));
		CHECK(first == from);
		CHECK(read_rows(store, &times, &first) == 100 && first == from / 100 * 100 + 1);
		CHECK(read_rows(store, &both, &first) == 100 - (from - 1) % 100 && first == from);
	}
	CHECK(read_rows(store, &(struct event_range){ 5, 4, 0, INT64_MAX }, NULL) == 0);
	event_store_close(store);
	remove_folder(folder);
}

TEST(many_small_commits_become_few_blocks)
{
	char folder[64];
	struct event_store *store;

	make_folder(folder);
	store = open_store(folder);
	for (int i = 0; i < 6000; i++) {
		add_rows(open_writer(store), i % 4, 1000 + i);
		commit(store);
	}
	CHECK(read_rows(store, &everything, NULL) == 9000);
	CHECK(ask(folder, "SELECT count(*) FROM block") <= 12);
	event_store_close(store);
	// restarts leave small blocks, too
	for (int i = 0; i < 60; i++) {
		store = open_store(folder);
		add_rows(open_writer(store), 600, 10000);
		commit(store);
		add_rows(open_writer(store), 3, 10000);
		commit(store);
		event_store_close(store);
	}
	CHECK(ask(folder, "SELECT count(*) FROM block") <= 40);
	store = open_store(folder);
	CHECK(read_rows(store, &everything, NULL) == 9000 + 60 * 603);
	event_store_close(store);
	remove_folder(folder);
}

TEST(a_large_commit_becomes_several_blocks)
{
	char folder[64];
	struct event_store *store;

	make_folder(folder);
	store = open_store(folder);
	add_rows(open_writer(store), 50000, 1000);
	CHECK(event_store_pending_bytes(store) > 0);
	commit(store);
	CHECK(event_store_pending_bytes(store) == 0);
	CHECK(read_rows(store, &everything, NULL) == 50000);
	event_store_close(store);
	remove_folder(folder);
}

TEST(columns_are_found_by_name_when_they_have_changed)
{
	static const char *const others[] = { "new", "text", "number" };
	char folder[64];
	struct fault why;
	struct event_store *store;
	struct event_cursor *cursor;
	struct event_writer *writer;

	make_folder(folder);
	store = open_store(folder);
	add_rows(open_writer(store), 10, 1000);
	commit(store);
	event_store_close(store);
	store = open_store(folder);
	writer = event_store_writer(
		store, &(struct event_schema){ "file_events", others, 3 }, &why);
	CHECK(event_row_begin(writer, 1001) == 11);
	event_row_string(writer, 0, "new");
	event_row_integer(writer, 2, 33);
	event_row_string(writer, 1, NULL);
	commit(store);
	cursor = event_cursor_open(store, "file_events", (const char *const[]){ "number", "new" },
		2, &everything, &why);
	for (int64_t id = 1; id <= 11; id++) {
		CHECK(event_cursor_next(cursor, &why) == 1 && event_cursor_id(cursor) == id);
		CHECK(event_cursor_values(cursor)[0].integer == id * 3);
		CHECK(event_cursor_values(cursor)[1].kind ==
			(id == 11 ? EVENT_TEXT : EVENT_MISSING));
	}
	CHECK(event_cursor_time(cursor) == 1001);
	CHECK(event_cursor_next(cursor, &why) == 0 && event_cursor_next(cursor, &why) == 0);
	event_cursor_close(cursor);
	event_store_close(store);
	remove_folder(folder);
}

TEST(positions_and_counts_are_those_of_the_last_commit)
{
	char folder[64];
	struct fault why;
	struct arena arena = { 0 };
	struct event_store *store;
	struct event_counts *read;
	struct event_counts counts[] = {
		{ "b", "bpf", "publisher", "chosen", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 },
		{ "a", "bpf", "subscriber", "", .received = UINT64_MAX >> 1 },
	};
	char *position;
	size_t n;

	make_folder(folder);
	store = open_store(folder);
	CHECK(event_store_position(store, "bpf") == NULL);
	for (int i = 0; i < 3; i++) {
		char text[8];

		(void) snprintf(text, sizeof(text), "at %d", i);
		counts[0].events = i;
		CHECK(event_store_commit(store, &(struct event_position){ "bpf", text }, 1, counts,
			      i < 2 ? 2 : 1, &why) == 0);
		position = event_store_position(store, "bpf");
		CHECK_TEXT(position, text);
		free(position);
	}
	CHECK(event_store_counts(store, &read, &n, &arena, &why) == 0 && n == 1);
	CHECK_TEXT(read[0].name, "b");
	CHECK_TEXT(read[0].choice, "chosen");
	CHECK(read[0].events == 2 && read[0].active == 1 && read[0].expired_unread == 10);
	arena_done(&arena);
	event_store_close(store);
	remove_folder(folder);
}

// ---- others at the same time ----

struct shared {
	struct event_store *store;
	bool done; // atomic
	int64_t rounds, rows;
};

// Reads all rows again and again: those that were there at the start of a round all come, once.
static void *read_meanwhile(void *context)
{
	struct shared *shared = context;

	while (!__atomic_load_n(&shared->done, __ATOMIC_ACQUIRE)) {
		int64_t least = event_store_last_id(shared->store, "file_events"), first = 1;
		int64_t n = read_rows(shared->store, &everything, &first);

		CHECK(first == 1 && n >= least && n >= shared->rows);
		shared->rows = n;
		shared->rounds++;
	}
	return NULL;
}

static void write_while_threads_read(struct event_store *store, int commits)
{
	struct shared shared[3] = { { 0 } };
	pthread_t threads[3];
	struct fault why;

	add_rows(open_writer(store), 1, 1000);
	commit(store);
	for (int i = 0; i < 3; i++) {
		shared[i].store = event_store_share(store, &why);
		CHECK(shared[i].store);
		CHECK(pthread_create(&threads[i], NULL, read_meanwhile, &shared[i]) == 0);
	}
	for (int i = 0; i < commits; i++) {
		add_rows(open_writer(store), 1 + i % 97, 1000 + i);
		commit(store);
		if (i % 100 == 0)
			event_store_checkpoint(store);
	}
	for (int i = 0; i < 3; i++) {
		__atomic_store_n(&shared[i].done, true, __ATOMIC_RELEASE);
		CHECK(pthread_join(threads[i], NULL) == 0);
		event_store_close(shared[i].store);
		CHECK(shared[i].rounds > 0);
	}
}

TEST(threads_read_while_the_writer_merges)
{
	char folder[64];
	struct event_store *store;

	make_folder(folder);
	store = open_store(folder);
	write_while_threads_read(store, 1000);
	event_store_close(store);
	remove_folder(folder);
}

TEST(a_store_in_memory_is_shared_by_threads)
{
	struct fault why;
	struct event_store *store = event_store_open("", STORE_MEMORY, &why);

	write_while_threads_read(store, 300);
	CHECK(event_store_expire(store, &(struct event_limits){ "file_events", .expiry_s = 1 }, 1,
		      1 << 20, INT64_MAX / 2, &why) == 0);
	CHECK(read_rows(store, &everything, NULL) == 0);
	event_store_close(store);
}

static void *write_back_meanwhile(void *context)
{
	struct shared *shared = context;

	while (!__atomic_load_n(&shared->done, __ATOMIC_ACQUIRE))
		event_store_checkpoint(shared->store);
	return NULL;
}

TEST(the_log_stays_short_while_others_read_and_write_it_back)
{
	static void *(*const work[])(void *) = { write_back_meanwhile, read_meanwhile };
	struct shared shared[2] = { { 0 } };
	pthread_t threads[2];
	char folder[64];
	struct fault why;
	struct event_store *store;
	off_t longest = 0;

	make_folder(folder);
	store = open_store(folder);
	add_rows(open_writer(store), 1, 1000);
	commit(store);
	for (int i = 0; i < 2; i++) {
		shared[i].store = event_store_share(store, &why);
		CHECK(pthread_create(&threads[i], NULL, work[i], &shared[i]) == 0);
	}
	for (int i = 0; i < 4000; i++) {
		off_t size;

		add_rows(open_writer(store), 20, 1000);
		commit(store);
		size = size_on_disk(folder);
		longest = size > longest ? size : longest;
	}
	for (int i = 0; i < 2; i++) {
		__atomic_store_n(&shared[i].done, true, __ATOMIC_RELEASE);
		CHECK(pthread_join(threads[i], NULL) == 0);
		event_store_close(shared[i].store);
	}
	// all that was written is some 150 MB
	CHECK(longest < 32 << 20);
	event_store_close(store);
	remove_folder(folder);
}

TEST(a_cursor_goes_on_where_blocks_were_removed)
{
	char folder[64];
	struct fault why;
	struct event_store *store, *other;
	struct event_cursor *cursor;
	int64_t last = 0;
	const struct event_limits limits = { "file_events", .most_seconds = 9 };

	make_folder(folder);
	store = open_store(folder);
	for (int i = 0; i < 40; i++) {
		add_rows(open_writer(store), 1000, 1000 + i);
		commit(store);
	}
	other = event_store_share(store, &why);
	cursor = event_cursor_open(other, "file_events", columns, 3, &everything, &why);
	for (int i = 0; i < 10; i++)
		CHECK(event_cursor_next(cursor, &why) == 1);
	CHECK(event_store_expire(store, &limits, 1, 0, 2000, &why) == 0);
	while (event_cursor_next(cursor, &why) > 0) {
		CHECK(event_cursor_id(cursor) > last);
		last = event_cursor_id(cursor);
		check_row(cursor);
	}
	CHECK(last == 40000);
	event_cursor_close(cursor);
	event_store_close(other);
	event_store_close(store);
	remove_folder(folder);
}

// Tells each id that was committed.
static __attribute__((noreturn)) void write_until_killed(const char *folder, int fd)
{
	struct event_store *store = open_store(folder);
	struct event_writer *writer = open_writer(store);

	for (int i = 0;; i++) {
		char text[32];
		struct event_position position = { "bpf", text };
		struct fault why;
		int64_t last;

		add_rows(writer, 1 + i % 50, 1000);
		last = event_row_begin(writer, 1000);
		event_row_integer(writer, 0, last * 3);
		(void) snprintf(text, sizeof(text), "row %lld", (long long) last);
		event_row_string(writer, 1, text);
		if (last % 5 == 0)
			event_row_integer(writer, 2, -last);
		(void) snprintf(text, sizeof(text), "%lld", (long long) last);
		if (event_store_commit(store, &position, 1, NULL, 0, &why) < 0 ||
			write(fd, &last, sizeof(last)) != (ssize_t) sizeof(last))
			_exit(1);
	}
}

TEST(what_was_committed_survives_the_kill_of_the_writer)
{
	char folder[64];
	int64_t told = 0, first;

	make_folder(folder);
	for (int round = 0; round < 8; round++) {
		struct event_store *store;
		char *position;
		int pipes[2];
		int64_t last = told;
		pid_t child;

		CHECK(pipe2(pipes, O_CLOEXEC) == 0);
		child = fork();
		if (child == 0)
			write_until_killed(folder, pipes[1]);
		(void) close(pipes[1]);
		for (int i = 0; i < 30 + round * 17; i++)
			CHECK(read(pipes[0], &last, sizeof(last)) == (ssize_t) sizeof(last));
		CHECK(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
		while (read(pipes[0], &last, sizeof(last)) > 0)
			;
		(void) close(pipes[0]);
		CHECK(last > told);

		store = open_store(folder);
		// one commit may not have been told any more; rows and position go together
		told = event_store_last_id(store, "file_events");
		CHECK(told >= last && told <= last + 52);
		position = event_store_position(store, "bpf");
		CHECK(position && strtoll(position, NULL, 10) == told);
		free(position);
		CHECK(read_rows(store, &everything, &first) == told && first == 1);
		event_store_close(store);
	}
	remove_folder(folder);
}

TEST(two_processes_may_make_the_file_at_once)
{
	for (int round = 0; round < 10; round++) {
		char folder[64];
		struct event_store *store;
		pid_t child;
		int status;

		make_folder(folder);
		child = fork();
		if (child == 0) {
			struct fault why;

			store = open_store(folder);
			_exit(event_store_set_readers(store, "q",
				      &(struct event_reader){ "q", "file_events", 0, 60 }, 1,
				      &why) != 0);
		}
		store = open_store(folder);
		add_rows(open_writer(store), 5, 1000);
		commit(store);
		CHECK(waitpid(child, &status, 0) == child && status == 0);
		event_store_close(store);
		CHECK(ask(folder, "SELECT count(*) FROM reader") == 1);
		remove_folder(folder);
	}
}

// ---- expiry ----

TEST(old_rows_expire_and_ids_go_on)
{
	char folder[64];
	struct fault why;
	struct event_store *store;
	const struct event_limits limits = { "file_events", .expiry_s = 100 };
	int64_t first;

	make_folder(folder);
	store = open_store(folder);
	for (int i = 0; i < 1000; i++) {
		add_rows(open_writer(store), 20, 1000 + i);
		commit(store);
		if (i % 100 == 0)
			CHECK(event_store_expire(store, &limits, 1, 0, 1000 + i, &why) == 0);
	}
	CHECK(event_store_expire(store, &limits, 1, 0, 1999, &why) == 0);
	CHECK(read_rows(store, &everything, &first) >= 2000 && first > 20000 - 2000 - 1500);
	CHECK(event_store_expire(store, &limits, 1, 0, 3000, &why) == 0);
	CHECK(read_rows(store, &everything, NULL) == 0);
	CHECK(event_store_last_id(store, "file_events") == 20000);
	CHECK(event_row_begin(open_writer(store), 3000) == 20001);
	event_store_close(store);
	store = open_store(folder);
	CHECK(event_row_begin(open_writer(store), 3000) == 20001);
	event_store_close(store);
	remove_folder(folder);
}

TEST(a_limit_of_seconds_with_rows_is_held)
{
	char folder[64];
	struct fault why;
	struct event_store *store;
	const struct event_limits limits = { "file_events", .most_seconds = 7 };

	make_folder(folder);
	store = open_store(folder);
	for (int i = 0; i < 50; i++) {
		// two commits have rows of one second, and nothing happens for half a minute
		add_rows(open_writer(store), 600, 1000 + i / 2 * 30);
		commit(store);
		CHECK(event_store_expire(store, &limits, 1, 0, 3000, &why) == 0);
	}
	CHECK(read_rows(store, &everything, NULL) == 14 * 600);
	CHECK(event_store_last_id(store, "file_events") == 30000);
	event_store_close(store);
	remove_folder(folder);
}

// Rows that do not get shorter by compression.
static void add_noise(struct event_writer *writer, int n, int64_t time, uint64_t *random)
{
	for (int i = 0; i < n; i++) {
		uint64_t noise[32];

		for (size_t k = 0; k < 32; k++)
			noise[k] = *random = *random * UINT64_C(6364136223846793005) + 12345677;
		(void) event_row_begin(writer, time);
		event_row_text(writer, 1, (const char *) noise, sizeof(noise));
	}
}

TEST(the_file_and_its_log_never_exceed_the_budget)
{
	enum { BUDGET = 6 << 20 };
	char folder[64];
	struct fault why;
	struct event_store *store;
	uint64_t random = 1;
	off_t largest = 0;

	make_folder(folder);
	store = open_store(folder);
	CHECK(event_store_expire(store, NULL, 0, BUDGET, 1000, &why) == 0);
	for (int i = 0; i < 400; i++) {
		off_t size;

		add_noise(open_writer(store), i % 7 == 0 ? 1000 : 150, 1000 + i, &random);
		commit(store);
		if (i % 10 == 0)
			CHECK(event_store_expire(store, NULL, 0, BUDGET, 1000 + i, &why) == 0);
		size = size_on_disk(folder);
		CHECK(size <= BUDGET);
		largest = size > largest ? size : largest;
	}
	// most of it is used
	CHECK(largest > BUDGET / 2);
	CHECK(event_writer_dropped(open_writer(store)) == 0);
	event_store_close(store);
	remove_folder(folder);
}

TEST(a_file_that_is_too_long_becomes_shorter)
{
	char folder[64];
	struct fault why;
	struct event_store *store;
	uint64_t random = 1;
	const struct event_limits limits = { "file_events", .expiry_s = 10 };

	make_folder(folder);
	store = open_store(folder);
	for (int i = 0; i < 60; i++) {
		add_noise(open_writer(store), 2000, 1000, &random);
		commit(store);
	}
	CHECK(size_on_disk(folder) > 20 << 20);
	CHECK(event_store_expire(store, NULL, 0, 8 << 20, 1000, &why) == 0);
	CHECK(size_on_disk(folder) <= 8 << 20);
	// what is old goes, and the file with it, in portions
	for (int i = 0; i < 20; i++)
		CHECK(event_store_expire(store, &limits, 1, 0, 5000, &why) == 0);
	event_store_checkpoint(store);
	event_store_close(store);
	CHECK(size_on_disk(folder) <= 2 << 20);
	remove_folder(folder);
}

TEST(rows_that_were_not_read_are_counted_when_they_go)
{
	char folder[64];
	struct fault why;
	struct event_store *store, *runner;
	struct event_writer *writer;
	struct event_reader readers[] = { { "q", "file_events", 30000, 10 },
		{ "q", "other_events", 0, 10 } };
	const struct event_limits limits = { "file_events", .expiry_s = 100 };

	make_folder(folder);
	store = open_store(folder);
	runner = open_store(folder);
	writer = open_writer(store);
	add_rows(writer, 40000, 1000);
	commit(store);
	CHECK(event_store_set_readers(runner, "q", readers, 2, &why) == 0);
	readers[0] = (struct event_reader){ "slow", "file_events", 35000, 1000 };
	CHECK(event_store_set_readers(runner, "slow", readers, 1, &why) == 0);

	// those that are awaited stay: three times the longest interval
	CHECK(event_store_expire(store, &limits, 1, 0, 2000, &why) == 0);
	CHECK(event_writer_expired_unread(writer) == 0);
	CHECK(read_rows(store, &everything, NULL) < 16000);
	CHECK(read_rows(store, &everything, NULL) >= 10000);
	CHECK(event_store_expire(store, &limits, 1, 0, 5000, &why) == 0);
	CHECK(read_rows(store, &everything, NULL) == 0);
	CHECK(event_writer_expired_unread(writer) == 10000);

	// whom nobody reads, nobody misses
	CHECK(event_store_set_readers(runner, "q", NULL, 0, &why) == 0);
	CHECK(event_store_set_readers(runner, "slow", NULL, 0, &why) == 0);
	add_rows(writer, 1000, 1000);
	commit(store);
	CHECK(event_store_expire(store, &limits, 1, 0, 5000, &why) == 0);
	CHECK(read_rows(store, &everything, NULL) == 0);
	CHECK(event_writer_expired_unread(writer) == 10000);
	event_store_close(runner);
	event_store_close(store);
	remove_folder(folder);
}

TEST(what_was_read_goes_before_what_was_not)
{
	static const char *const names[] = { "text" };
	char folder[64];
	struct fault why;
	struct event_store *store;
	struct event_writer *unread, *read;
	uint64_t random = 1;
	const struct event_reader reader = { "q", "a_events", 0, 10 };

	make_folder(folder);
	store = open_store(folder);
	unread = event_store_writer(store, &(struct event_schema){ "a_events", names, 1 }, &why);
	read = event_store_writer(store, &(struct event_schema){ "b_events", names, 1 }, &why);
	CHECK(event_store_set_readers(store, "q", &reader, 1, &why) == 0);
	for (int i = 0; i < 6000; i++) {
		uint64_t noise[64];

		for (size_t k = 0; k < 64; k++)
			noise[k] = random = random * UINT64_C(6364136223846793005) + 12345677;
		(void) event_row_begin(i < 3000 ? unread : read, 1000 + i);
		event_row_text(i < 3000 ? unread : read, 0, (const char *) noise, sizeof(noise));
	}
	commit(store);
	CHECK(event_store_expire(store, NULL, 0, 4 << 20, 9000, &why) == 0);
	CHECK(event_writer_expired_unread(unread) == 0);
	CHECK(ask(folder,
		      "SELECT sum(block.last_id - first_id + 1) FROM block JOIN stream ON "
		      "stream.id = stream WHERE name = 'a_events'") == 3000);
	event_store_close(store);
	remove_folder(folder);
}

// ---- faults ----

TEST(a_damaged_file_is_replaced_and_rows_that_wait_are_stored)
{
	char folder[64], path[96];
	struct fault why;
	struct event_store *store, *runner;
	char garbage[4096];
	int64_t generation, first;
	int fd;

	make_folder(folder);
	store = open_store(folder);
	runner = event_store_share(store, &why);
	generation = event_store_generation(store);
	add_rows(open_writer(store), 100, 1000);
	commit(store);
	// the log is written back, and every page of the file is damaged
	event_store_checkpoint(store);
	memset(garbage, 0xa5, sizeof(garbage));
	(void) snprintf(path, sizeof(path), "%s/events.db", folder);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	for (int i = 1; i < 40; i++)
		CHECK(pwrite(fd, garbage, sizeof(garbage), i * 4096) == sizeof(garbage));
	// the descriptor stays open: closing it would release SQLite's locks
	for (int i = 0; i < 20 && event_store_generation(store) == generation; i++) {
		event_store_close(store);
		store = open_store(folder);
		add_rows(open_writer(store), 10, 1000);
		commit(store);
	}
	CHECK(event_store_generation(store) != generation);
	add_rows(open_writer(store), 10, 1000);
	commit(store);
	CHECK(read_rows(store, &everything, &first) >= 10);
	// the other one follows
	CHECK(read_rows(runner, &everything, &first) >= 10);
	CHECK(event_store_generation(runner) == event_store_generation(store));
	event_store_close(runner);
	event_store_close(store);
	(void) close(fd);
	remove_folder(folder);
}

TEST(garbage_in_the_place_of_the_file_is_set_aside)
{
	char folder[64], path[96];
	struct event_store *store;
	FILE *file;

	make_folder(folder);
	(void) snprintf(path, sizeof(path), "%s/events.db", folder);
	file = fopen(path, "we");
	for (int i = 0; i < 10000; i++)
		(void) fprintf(file, "this is no database %d", i);
	(void) fclose(file);
	store = open_store(folder);
	add_rows(open_writer(store), 10, 1000);
	commit(store);
	CHECK(read_rows(store, &everything, NULL) == 10);
	event_store_close(store);
	remove_folder(folder);
}

TEST(rows_go_to_a_new_file_when_the_file_was_removed)
{
	char folder[64], path[96];
	struct event_store *store;
	int64_t generation, first;

	make_folder(folder);
	store = open_store(folder);
	generation = event_store_generation(store);
	add_rows(open_writer(store), 30, 1000);
	commit(store);
	(void) snprintf(path, sizeof(path), "%s/events.db", folder);
	CHECK(unlink(path) == 0);
	add_rows(open_writer(store), 20, 1000);
	commit(store);
	CHECK(event_store_generation(store) != generation);
	CHECK(read_rows(store, &everything, &first) == 20 && first == 31);
	event_store_close(store);
	remove_folder(folder);
}

TEST(a_damaged_block_is_passed_over)
{
	char folder[64];
	struct fault why;
	struct event_store *store;
	struct event_cursor *cursor;
	int64_t n = 0;
	int r, faults = 0;

	make_folder(folder);
	store = open_store(folder);
	add_rows(open_writer(store), 4096 * 5, 1000);
	commit(store);
	event_store_close(store);
	(void) ask(folder, "UPDATE block SET bytes = zeroblob(200) WHERE first_id = 4097");
	(void) ask(folder, "UPDATE block SET first_id = first_id + 1 WHERE first_id = 12289");
	store = open_store(folder);
	cursor = event_cursor_open(store, "file_events", columns, 3, &everything, &why);
	while ((r = event_cursor_next(cursor, &why)) != 0) {
		if (r > 0) {
			check_row(cursor);
			n++;
			continue;
		}
		CHECK(r == -EUCLEAN && why.code == -EUCLEAN);
		faults++;
	}
	CHECK(faults == 2 && n == 4096 * 3);
	event_cursor_close(cursor);
	event_store_close(store);
	remove_folder(folder);
}

TEST(on_a_full_disk_rows_wait_until_there_is_room)
{
	char folder[64], path[96];
	struct fault why;
	struct event_store *store;
	struct event_writer *writer;
	uint64_t random = 1;
	int r = 0;
	int64_t n;

	make_folder(folder);
	if (mount("none", folder, "tmpfs", 0, "size=2m") < 0) {
		printf("not root: no file system that can be full\n");
		CHECK(rmdir(folder) == 0);
		return;
	}
	(void) snprintf(path, sizeof(path), "%s/ballast", folder);
	store = open_store(folder);
	writer = open_writer(store);
	CHECK(truncate(path, 0) < 0);
	{
		auto_close int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

		CHECK(fd >= 0 && posix_fallocate(fd, 0, 1 << 20) == 0);
	}
	for (int i = 0; i < 40 && r == 0; i++) {
		add_noise(writer, 200, 1000, &random);
		r = event_store_commit(store, NULL, 0, NULL, 0, &why);
	}
	CHECK(r == -ENOSPC && event_store_pending_bytes(store) > 0);
	n = (int64_t) event_writer_rows(writer);
	add_noise(writer, 10, 1000, &random);
	CHECK(event_store_commit(store, NULL, 0, NULL, 0, &why) == -ENOSPC);
	CHECK(unlink(path) == 0);
	commit(store);
	CHECK(event_store_last_id(store, "file_events") == n + 10);
	CHECK(event_store_pending_bytes(store) == 0 && event_writer_dropped(writer) == 0);
	event_store_close(store);
	CHECK(umount(folder) == 0 && rmdir(folder) == 0);
}

TEST(rows_are_dropped_and_counted_when_too_many_wait)
{
	char folder[64];
	struct fault why;
	struct event_store *store;
	struct event_writer *writer;
	uint64_t random = 1;
	const struct rlimit none = { 0, RLIM_INFINITY };

	make_folder(folder);
	store = open_store(folder);
	writer = open_writer(store);
	(void) signal(SIGXFSZ, SIG_IGN);
	(void) fflush(NULL);
	CHECK(setrlimit(RLIMIT_FSIZE, &none) == 0);
	while (event_writer_dropped(writer) < 100)
		add_noise(writer, 1000, 1000, &random);
	CHECK(event_store_pending_bytes(store) < 48 << 20);
	CHECK(event_store_commit(store, NULL, 0, NULL, 0, &why) == -ENOSPC);
	CHECK(setrlimit(RLIMIT_FSIZE, &(struct rlimit){ RLIM_INFINITY, RLIM_INFINITY }) == 0);
	commit(store);
	CHECK((uint64_t) event_store_last_id(store, "file_events") ==
		event_writer_rows(writer) - event_writer_dropped(writer));
	event_store_close(store);
	remove_folder(folder);
}
