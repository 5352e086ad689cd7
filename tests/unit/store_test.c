// SPDX-License-Identifier: Apache-2.0
// The store: records, the outbox, and files that are not what they should be.
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/base.h"
#include "base/log.h"
#include "store/outbox.h"
#include "store/record.h"
#include "store/store.h"
#include "test.h"

static void make_folder(char folder[64])
{
	(void) snprintf(folder, 64, "/tmp/hostql-store-XXXXXX");
	CHECK(mkdtemp(folder) != NULL);
	log_threshold(LOG_ERROR + 1);
}

static void remove_folder(const char *folder)
{
	DIR *list = opendir(folder);
	struct dirent *entry;

	while ((entry = readdir(list)))
		if (entry->d_name[0] != '.')
			CHECK(unlinkat(dirfd(list), entry->d_name, 0) == 0 ||
				unlinkat(dirfd(list), entry->d_name, AT_REMOVEDIR) == 0);
	(void) closedir(list);
	CHECK(rmdir(folder) == 0);
}

static int count_files(const char *folder, const char *part)
{
	DIR *list = opendir(folder);
	struct dirent *entry;
	int n = 0;

	while ((entry = readdir(list)))
		n += strstr(entry->d_name, part) != NULL;
	(void) closedir(list);
	return n;
}

static void write_file(const char *folder, const char *name, const char *bytes, size_t length)
{
	char path[128];
	int fd;

	(void) snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CHECK(fd >= 0 && write(fd, bytes, length) == (ssize_t) length && close(fd) == 0);
}

// A store with one setting, closed or, as after a crash, left open in another process.
static void fill(const char *folder)
{
	struct fault why;
	struct store *store = store_open(folder, STORE_WRITE, &why);

	CHECK(store && store_set(store, "color", "blue", &why) == 0);
	store_close(store);
}

static void check_setting(struct store *store, const char *name, const char *expected)
{
	char *value = store_setting(store, name);

	if (expected)
		CHECK_TEXT(value, expected);
	else
		CHECK(value == NULL);
	free(value);
}

TEST(a_setting_is_there_the_next_time)
{
	char folder[64];
	struct fault why;
	struct store *store;

	make_folder(folder);
	fill(folder);
	store = store_open(folder, STORE_WRITE, &why);
	check_setting(store, "color", "blue");
	CHECK(store_set(store, "color", NULL, &why) == 0);
	check_setting(store, "color", NULL);
	store_close(store);
	remove_folder(folder);
}

TEST(files_are_for_their_owner_only)
{
	char folder[64], path[96];
	struct fault why;
	struct store *store;
	struct stat status;
	static const char *const names[] = { "", "-wal", "-shm" };

	make_folder(folder);
	store = store_open(folder, STORE_WRITE, &why);
	for (size_t i = 0; i < 3; i++) {
		(void) snprintf(path, sizeof(path), "%s/state.db%s", folder, names[i]);
		CHECK(stat(path, &status) == 0 && (status.st_mode & 0777) == 0600);
	}
	store_close(store);
	remove_folder(folder);
}

TEST(garbage_is_set_aside_and_replaced)
{
	static const char garbage[20000] = "SQLite format 3";
	char folder[64];
	struct fault why;
	struct store *store;

	make_folder(folder);
	for (int i = 0; i < 6; i++) {
		fill(folder);
		write_file(folder, "state.db", garbage, i % 2 ? sizeof(garbage) : 100);
		store = store_open(folder, STORE_WRITE, &why);
		CHECK(store);
		check_setting(store, "color", NULL);
		CHECK(store_set(store, "color", "red", &why) == 0);
		store_close(store);
	}
	// only the newest stay
	CHECK(count_files(folder, ".damaged-") == 3);
	remove_folder(folder);
}

TEST(the_database_of_another_program_is_not_touched)
{
	char folder[64], path[96];
	struct fault why;
	struct store *store;
	sqlite3 *db;

	make_folder(folder);
	(void) snprintf(path, sizeof(path), "%s/state.db", folder);
	CHECK(sqlite3_open(path, &db) == SQLITE_OK);
	CHECK(sqlite3_exec(db, "CREATE TABLE theirs (x)", NULL, NULL, NULL) == SQLITE_OK);
	(void) sqlite3_close(db);
	store = store_open(folder, STORE_WRITE, &why);
	CHECK(store && store_set(store, "color", "red", &why) == 0);
	store_close(store);
	CHECK(count_files(folder, ".damaged-") == 1);
	remove_folder(folder);
}

TEST(a_newer_version_is_set_aside)
{
	char folder[64], path[96];
	struct fault why;
	struct store *store;
	sqlite3 *db;

	make_folder(folder);
	fill(folder);
	(void) snprintf(path, sizeof(path), "%s/state.db", folder);
	CHECK(sqlite3_open(path, &db) == SQLITE_OK);
	CHECK(sqlite3_exec(db, "PRAGMA user_version = 999", NULL, NULL, NULL) == SQLITE_OK);
	(void) sqlite3_close(db);
	CHECK(store_open(folder, STORE_READ, &why) == NULL && why.code == -EUCLEAN);
	store = store_open(folder, STORE_WRITE, &why);
	check_setting(store, "color", NULL);
	store_close(store);
	CHECK(count_files(folder, ".damaged-") == 1);
	remove_folder(folder);
}

TEST(what_cannot_be_written_is_kept_in_memory)
{
	struct fault why;
	struct store *store;

	log_threshold(LOG_ERROR + 1);
	store = store_open("/proc/no/such/folder", STORE_WRITE, &why);
	CHECK(store && store_set(store, "color", "red", &why) == 0);
	check_setting(store, "color", "red");
	store_close(store);
}

TEST(a_folder_in_the_place_of_the_file_is_set_aside)
{
	char folder[64], path[128];
	struct fault why;
	struct store *store;

	make_folder(folder);
	(void) snprintf(path, sizeof(path), "%s/state.db", folder);
	CHECK(mkdir(path, 0700) == 0);
	store = store_open(folder, STORE_WRITE, &why);
	CHECK(store_set(store, "color", "red", &why) == 0);
	store_close(store);
	fill(folder);
	CHECK(count_files(folder, ".damaged-") == 1);
	remove_folder(folder);
}

TEST(another_program_reads_while_the_store_is_in_use)
{
	char folder[64];
	struct fault why;
	struct store *store, *reader;

	make_folder(folder);
	store = store_open(folder, STORE_WRITE, &why);
	CHECK(store_set(store, "color", "blue", &why) == 0);
	reader = store_open(folder, STORE_READ, &why);
	CHECK(reader);
	check_setting(reader, "color", "blue");
	CHECK(store_begin(store, &why) == 0);
	CHECK(store_set(store, "color", "red", &why) == 0);
	check_setting(reader, "color", "blue");
	CHECK(store_end(store, 0, &why) == 0);
	check_setting(reader, "color", "red");
	CHECK(store_set(reader, "color", "green", &why) < 0);
	store_close(reader);
	store_close(store);
	remove_folder(folder);
}

TEST(a_second_daemon_is_refused)
{
	char folder[64];
	struct fault why;
	int first, second;

	make_folder(folder);
	first = store_lock(folder, &why);
	CHECK(first >= 0);
	second = store_lock(folder, &why);
	CHECK(second == -EWOULDBLOCK && strstr(why.text, folder));
	(void) close(first);
	second = store_lock(folder, &why);
	CHECK(second >= 0);
	(void) close(second);
	remove_folder(folder);
}

TEST(what_was_rolled_back_never_was)
{
	struct fault why;
	struct store *store = store_open("", STORE_MEMORY, &why);

	CHECK(store_begin(store, &why) == 0 && store_set(store, "color", "red", &why) == 0);
	CHECK(store_end(store, -ECANCELED, &why) == -ECANCELED);
	check_setting(store, "color", NULL);
	store_close(store);
}

// ---- records ----

TEST(a_record_comes_back_as_it_was)
{
	struct fault why;
	struct store *store = store_open("", STORE_MEMORY, &why);
	struct arena arena = { 0 };
	struct record record = { .name = "pack_a_b",
		.sql = "SELECT 1",
		.interval_s = 60,
		.splayed_s = 57,
		.epoch = UINT64_MAX,
		.counter = 7,
		.has_result = true,
		.names = "a\0b",
		.names_length = 4,
		.digest = { { 1, 2 } },
		.n_rows = 3,
		.denied_until = 99,
		.denied_why = "too much",
		.performance = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 } };
	struct record read;

	CHECK(record_write(store, &record, &why) == 0 && record.id > 0);
	CHECK(record_read(store, "pack_a_b", &read, &arena, &why) == 1);
	CHECK(read.id == record.id && read.epoch == UINT64_MAX && read.counter == 7);
	CHECK(read.interval_s == 60 && read.splayed_s == 57 && read.has_result);
	CHECK(read.names_length == 4 && memcmp(read.names, "a\0b", 4) == 0);
	CHECK(memcmp(&read.digest, &record.digest, sizeof(read.digest)) == 0 && read.n_rows == 3);
	CHECK(read.denied_until == 99);
	CHECK_TEXT(read.denied_why, "too much");
	CHECK(memcmp(&read.performance, &record.performance, sizeof(read.performance)) == 0);
	CHECK(record_read(store, "other", &read, &arena, &why) == 0 && read.id == 0);
	arena_done(&arena);
	store_close(store);
}

TEST(rows_come_back_block_by_block_and_go_with_their_record)
{
	struct fault why;
	struct store *store = store_open("", STORE_MEMORY, &why);
	struct arena arena = { 0 };
	struct record record = { .name = "q", .sql = "" }, *records;
	struct text rows = { 0 };
	char block[100000];
	int64_t place = 0;
	size_t n;

	CHECK(record_write(store, &record, &why) == 0);
	for (int i = 0; i < 5; i++) {
		memset(block, 'a' + i, sizeof(block));
		CHECK(record_add_rows(store, record.id, block, sizeof(block), &why) == 0);
	}
	for (int i = 0; i < 5; i++) {
		CHECK(record_next_rows(store, record.id, &place, &rows, &why) == 1);
		CHECK(rows.length == sizeof(block) && rows.bytes[99999] == 'a' + i);
	}
	CHECK(record_next_rows(store, record.id, &place, &rows, &why) == 0);
	CHECK(record_list(store, &records, &n, &arena, &why) == 0 && n == 1);
	CHECK(record_remove(store, &records[0], &why) == 0);
	place = 0;
	CHECK(record_next_rows(store, record.id, &place, &rows, &why) == 0);
	CHECK(record_list(store, &records, &n, &arena, &why) == 0 && n == 0);
	text_done(&rows);
	arena_done(&arena);
	store_close(store);
}

// ---- the outbox ----

static void append(struct store *store, const char *bytes, uint64_t n_lines, bool ends)
{
	struct fault why;

	CHECK(outbox_append(store, CHANNEL_RESULTS, bytes, strlen(bytes), n_lines, ends, &why) ==
		0);
}

// What a reader finds from its place on, one after another.
static void check_box(struct store *store, int64_t from, const char *expected)
{
	struct outbox_entry entry;
	struct text room = { 0 }, all = { 0 };
	struct fault why;

	text_add_string(&all, "");
	while (outbox_read(store, from, &entry, &room, &why) > 0) {
		text_add(&all, entry.bytes, entry.length);
		from = entry.id + 1;
	}
	CHECK_TEXT(all.bytes, expected);
	text_done(&all);
	text_done(&room);
}

TEST(a_new_reader_begins_at_the_end_and_goes_on_where_it_was)
{
	struct fault why;
	struct store *store = store_open("", STORE_MEMORY, &why);
	struct outbox_reader reader;

	CHECK(outbox_reader_open(store, &reader, "late", &why) == 0 && reader.entry == 1);
	append(store, "a\n", 1, true);
	CHECK(outbox_reader_open(store, &reader, "later", &why) == 0 && reader.entry == 2);
	append(store, "b\n", 1, true);
	check_box(store, reader.entry, "b\n");
	reader.entry = 3;
	reader.marks[CHANNEL_SNAPSHOTS] = (struct outbox_mark){ 5, 6 };
	CHECK(outbox_reader_save(store, &reader, &why) == 0);
	CHECK(outbox_reader_open(store, &reader, "later", &why) == 0 && reader.entry == 3);
	CHECK(reader.marks[CHANNEL_SNAPSHOTS].file == 5 &&
		reader.marks[CHANNEL_SNAPSHOTS].position == 6);
	// what the other has not read stays
	CHECK(outbox_trim(store, 0, 0, &why) == 0);
	check_box(store, 1, "a\nb\n");
	CHECK(outbox_keep_readers(store, (const char *const[]){ "later" }, 1, &why) == 0);
	CHECK(outbox_trim(store, 0, 0, &why) == 0);
	check_box(store, 1, "");
	CHECK(!outbox_waiting(store));
	// ids are not given again
	append(store, "c\n", 1, true);
	check_box(store, 3, "c\n");
	store_close(store);
}

TEST(the_oldest_whole_lines_go_first_and_are_counted)
{
	struct fault why;
	struct store *store = store_open("", STORE_MEMORY, &why);
	struct outbox_reader reader;

	CHECK(outbox_reader_open(store, &reader, "slow", &why) == 0);
	append(store, "a\nb\n", 2, true);
	append(store, "begin ", 0, false);
	append(store, "end\n", 1, true);
	append(store, "c\n", 1, true);
	CHECK(outbox_trim(store, 4, 0, &why) == 0);
	// of three lines: the long one would be cut in the middle
	CHECK(outbox_trim(store, 3, 0, &why) == 2);
	check_box(store, 1, "begin end\nc\n");
	CHECK(outbox_trim(store, 1, 0, &why) == 1);
	check_box(store, 1, "c\n");
	CHECK(outbox_reader_open(store, &reader, "slow", &why) == 0);
	CHECK(reader.entry == 4 && reader.offset == 0 && reader.dropped_lines == 3);
	CHECK(outbox_trim(store, 0, 1, &why) == 1);
	CHECK(!outbox_waiting(store));
	store_close(store);
}

TEST(the_limit_in_bytes_cuts_no_line)
{
	struct fault why;
	struct store *store = store_open("", STORE_MEMORY, &why);
	struct outbox_reader reader;

	CHECK(outbox_reader_open(store, &reader, "slow", &why) == 0);
	append(store, "first ", 0, false);
	append(store, "first\n", 1, true);
	append(store, "second ", 0, false);
	append(store, "second\n", 1, true);
	CHECK(outbox_trim(store, 0, 24, &why) == 1);
	check_box(store, 1, "second second\n");
	store_close(store);
}
