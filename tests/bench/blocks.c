// SPDX-License-Identifier: Apache-2.0
// What stored events cost: rows of an event table of 22 columns, 7 of them text, encoded, stored,
// and read.
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/base.h"
#include "events/block.h"
#include "events/event_store.h"

enum {
	FILES = 1000,
	FOLDERS = 50,
	PROCESSES = 8,
	BLOCK_ROWS = 4096,
	ROWS = 200 * BLOCK_ROWS,
	SCAN_ROWS = 10000000,
	COMMIT_ROWS = 2000,
};

enum {
	OPERATION,
	PID,
	PPID,
	TIME,
	EXECUTABLE,
	PARTIAL,
	CWD,
	PATH,
	UID,
	GID,
	AUID,
	EUID,
	EGID,
	SUID,
	SGID,
	UPTIME,
	KEY,
	CONTAINER,
	ANCESTRY,
	INODE,
	ERROR,
	SUCCESS,
	N_COLUMNS
};

static const char *const columns[N_COLUMNS] = { "operation", "pid", "ppid", "time", "executable",
	"partial", "cwd", "path", "uid", "gid", "auid", "euid", "egid", "suid", "sgid", "uptime",
	"process_key", "container_id", "ancestry", "inode", "errno", "success" };

// The host that the rows tell of.
struct world {
	char paths[FILES][96];
	int64_t inodes[FILES];
	struct {
		char key[32], executable[48], cwd[48], ancestry[256];
		int64_t pid, ppid, uid;
	} processes[PROCESSES];
	uint64_t random;
	size_t file, process;
};

// Goals, which fail the run.
static bool good = true;

static __attribute__((noreturn)) void die(const char *what, const struct fault *why)
{
	(void) fprintf(stderr, "blocks: %s: %s\n", what, why ? why->text : "");
	exit(1);
}

static double now(void)
{
	struct timespec time;

	(void) clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

// What was measured, and the goal.
static void tell(const char *what, double value, const char *unit, double goal, bool more_is_better)
{
	bool met = goal == 0 || (more_is_better ? value >= goal : value <= goal);

	good &= met;
	printf("%-44s %9.3f %-10s%s\n", what, value, unit, met ? "" : "  misses its goal");
}

static uint64_t roll(struct world *world)
{
	world->random = world->random * UINT64_C(6364136223846793005) +
		UINT64_C(1442695040888963407);
	return world->random >> 33;
}

static void make_world(struct world *world)
{
	*world = (struct world){ .random = 1 };
	for (size_t i = 0; i < FILES; i++) {
		(void) snprintf(world->paths[i], sizeof(world->paths[i]),
			"/srv/data/project-%02zu/folder/document-%06llx.txt", i % FOLDERS,
			(unsigned long long) roll(world) & 0xffffff);
		world->inodes[i] = (int64_t) (1000000 + roll(world) % 5000000);
	}
	for (size_t i = 0; i < PROCESSES; i++) {
		world->processes[i].pid = (int64_t) (1000 + roll(world) % 400000);
		world->processes[i].ppid = (int64_t) (1000 + i % 3);
		world->processes[i].uid = (int64_t) (1000 + i % 2);
		(void) snprintf(world->processes[i].key, 32, "%lld-%llu",
			(long long) world->processes[i].pid,
			(unsigned long long) roll(world) % 1000000);
		(void) snprintf(world->processes[i].executable, 48, "/usr/bin/program-%zu", i);
		(void) snprintf(world->processes[i].cwd, 48, "/home/somebody/work-%zu", i);
		(void) snprintf(world->processes[i].ancestry, 256,
			"[{\"pid\":%lld,\"key\":\"%lld-92384\",\"path\":\"/usr/bin/"
			"bash\"},{\"pid\":1201,"
			"\"key\":\"1201-8123\",\"path\":\"/usr/lib/systemd/"
			"systemd\"},{\"pid\":1,\"key\":"
			"\"1-4\",\"path\":\"/usr/lib/systemd/systemd --system --deserialize 42\"}]",
			(long long) world->processes[i].ppid, (long long) world->processes[i].ppid);
	}
}

// Files one after another with some variation; a process does some hundred events at a time.
static void step(struct world *world)
{
	uint64_t dice = roll(world);

	world->file = dice % 5 == 0 ? dice / 8 % FILES : (world->file + 1) % FILES;
	if (dice % 101 == 0)
		world->process = dice / 128 % PROCESSES;
}

// Writes the i-th row by two functions of the same kind.
#define WRITE_ROW(world, target, i, set_integer, set_text)                                         \
	do {                                                                                       \
		size_t p = (world)->process, f = (world)->file;                                    \
		step(world);                                                                       \
		text_row(target, OPERATION, "open", 4, set_text);                                  \
		set_integer(target, PID, (world)->processes[p].pid);                               \
		set_integer(target, PPID, (world)->processes[p].ppid);                             \
		set_integer(target, TIME, 1700000000 + (int64_t) (i) / 3000);                      \
		string_row(target, EXECUTABLE, (world)->processes[p].executable, set_text);        \
		set_integer(target, PARTIAL, 0);                                                   \
		string_row(target, CWD, (world)->processes[p].cwd, set_text);                      \
		string_row(target, PATH, (world)->paths[f], set_text);                             \
		for (unsigned c = UID; c <= SGID; c++)                                             \
			set_integer(target, c, (world)->processes[p].uid);                         \
		set_integer(target, UPTIME, 100000 + (int64_t) (i) / 3000);                        \
		string_row(target, KEY, (world)->processes[p].key, set_text);                      \
		text_row(target, CONTAINER, "", 0, set_text);                                      \
		string_row(target, ANCESTRY, (world)->processes[p].ancestry, set_text);            \
		set_integer(target, INODE, (world)->inodes[f]);                                    \
		set_integer(target, ERROR, 0);                                                     \
		set_integer(target, SUCCESS, 1);                                                   \
	} while (0)
#define text_row(target, column, text, length, set_text) set_text(target, column, text, length)
#define string_row(target, column, text, set_text) set_text(target, column, text, strlen(text))

static void write_row(struct world *world, struct event_writer *writer, int64_t i)
{
	(void) event_row_begin(writer, 1700000000 + i / 3000);
	WRITE_ROW(world, writer, i, event_row_integer, event_row_text);
}

static void build_row(struct world *world, struct block_builder *builder, int64_t i)
{
	block_begin(builder, 1700000000 + i / 3000);
	WRITE_ROW(world, builder, i, block_set_integer, block_set_text);
}

// ---- one block after another ----

static void measure_blocks(struct world *world)
{
	struct block_press press;
	struct block_builder builder;
	auto_text struct text block = { 0 };
	double begin, adding = 0, writing = 0, bytes = 0;

	block_press_open(&press);
	block_builder_init(&builder, N_COLUMNS, 42);
	for (int64_t i = 0; i < ROWS;) {
		begin = now();
		block_builder_reset(&builder);
		for (size_t k = 0; k < BLOCK_ROWS; k++, i++)
			build_row(world, &builder, i);
		adding += now() - begin;
		begin = now();
		text_clear(&block);
		block_write(&builder, &press, &block);
		writing += now() - begin;
		bytes += (double) block.length;
	}
	tell("a row into columns", adding / ROWS * 1e6, "us", 0.5, false);
	tell("a row, written and compressed", writing / ROWS * 1e6, "us", 0, false);
	tell("both", (adding + writing) / ROWS * 1e6, "us", 0.8, false);
	tell("a row in a block", bytes / ROWS, "bytes", 12, false);
	block_builder_done(&builder);
	block_press_close(&press);
}

// ---- the store ----

static uint64_t size_of(const char *folder, const char *name)
{
	auto_text struct text path = { 0 };
	struct stat status;

	text_printf(&path, "%s/%s", folder, name);
	return stat(path.bytes, &status) == 0 ? (uint64_t) status.st_size : 0;
}

static void remove_file(const char *folder, const char *name)
{
	auto_text struct text path = { 0 };

	text_printf(&path, "%s/%s", folder, name);
	(void) unlink(path.bytes);
}

static void fill(struct world *world, struct event_store *store)
{
	const struct event_schema schema = { "file_events", columns, N_COLUMNS };
	struct fault why;
	struct event_writer *writer = event_store_writer(store, &schema, &why);
	double begin = now(), in_commit = 0, longest = 0;
	int64_t i = 0;

	if (!writer)
		die("no writer", &why);
	while (i < SCAN_ROWS) {
		double start, took;

		for (size_t k = 0; k < COMMIT_ROWS; k++)
			write_row(world, writer, i++);
		start = now();
		if (event_store_commit(store, NULL, 0, NULL, 0, &why) < 0)
			die("no commit", &why);
		took = now() - start;
		in_commit += took;
		longest = took > longest ? took : longest;
		if (i % (500 * COMMIT_ROWS) == 0)
			event_store_checkpoint(store);
	}
	tell("a row, stored, all included", (now() - begin) / SCAN_ROWS * 1e6, "us", 1.5, false);
	tell("a commit of 2,000 rows, on average", in_commit / (SCAN_ROWS / COMMIT_ROWS) * 1e3,
		"ms", 0, false);
	tell("the longest", longest * 1e3, "ms", 0, false);
}

// Rows per second, in millions.
static double scan(struct event_store *store, const char *const *names, size_t n,
	const struct event_range *range, int64_t expected, double *took)
{
	struct fault why;
	double begin = now();
	struct event_cursor *cursor = event_cursor_open(
		store, "file_events", names, n, range, &why);
	int64_t rows = 0, sum = 0;
	int r = 0;

	while (cursor && (r = event_cursor_next(cursor, &why)) > 0) {
		const struct event_value *values = event_cursor_values(cursor);

		for (size_t i = 0; i < n; i++)
			sum += values[i].kind == EVENT_INTEGER ? values[i].integer
							       : (int64_t) values[i].length;
		rows++;
	}
	if (!cursor || r < 0)
		die("no scan", &why);
	event_cursor_close(cursor);
	if (expected > 0 && rows != expected)
		die("rows are missing", NULL);
	__asm__ volatile("" : : "r"(sum));
	*took = now() - begin;
	return (double) rows / *took / 1e6;
}

static const struct event_range everything = { INT64_MIN, INT64_MAX, INT64_MIN, INT64_MAX };

static void measure_scans(struct event_store *store)
{
	const int64_t middle = 1700000000 + SCAN_ROWS / 2 / 3000;
	const struct event_range of_ids = { 7000000, 7000010, INT64_MIN, INT64_MAX };
	const struct event_range of_times = { INT64_MIN, INT64_MAX, middle, middle + 1 };
	double took;

	tell("scan of pid", scan(store, &columns[PID], 1, &everything, SCAN_ROWS, &took),
		"M rows/s", 20, true);
	tell("scan of path", scan(store, &columns[PATH], 1, &everything, SCAN_ROWS, &took),
		"M rows/s", 20, true);
	tell("scan of path and inode",
		scan(store, (const char *const[]){ "path", "inode" }, 2, &everything, SCAN_ROWS,
			&took),
		"M rows/s", 2, true);
	tell("scan of all columns", scan(store, columns, N_COLUMNS, &everything, SCAN_ROWS, &took),
		"M rows/s", 2, true);
	(void) scan(store, columns, N_COLUMNS, &of_ids, 11, &took);
	tell("eleven rows by id, all columns", took * 1e3, "ms", 10, false);
	(void) scan(store, columns, N_COLUMNS, &of_times, 0, &took);
	tell("two seconds by time, all columns", took * 1e3, "ms", 20, false);
}

// One row and a commit, as on a host where little happens.
static void measure_few(struct world *world, const char *folder)
{
	enum { COMMITS = 20000 };
	const struct event_schema schema = { "slow_events", columns, N_COLUMNS };
	struct fault why;
	struct event_store *store = event_store_open(folder, STORE_WRITE, &why);
	struct event_writer *writer = store ? event_store_writer(store, &schema, &why) : NULL;
	double begin = now(), took;

	if (!writer)
		die("no writer", &why);
	for (int64_t i = 0; i < COMMITS; i++) {
		char text[32];
		const struct event_position position = { "bpf", text };

		write_row(world, writer, i * 3000);
		(void) snprintf(text, sizeof(text), "%lld", (long long) i);
		if (event_store_commit(store, &position, 1, NULL, 0, &why) < 0)
			die("no commit", &why);
		if (i % 500 == 0)
			event_store_checkpoint(store);
	}
	took = now() - begin;
	tell("a commit of one row", took / COMMITS * 1e6, "us", 2000, false);
	event_store_close(store);
}

static void measure_store(struct world *world)
{
	char folder[] = "/var/tmp/hostql-bench-XXXXXX";
	struct fault why;
	struct event_store *store;
	uint64_t before;

	if (!mkdtemp(folder) || !(store = event_store_open(folder, STORE_WRITE, &why)))
		die("no store", &why);
	fill(world, store);
	measure_scans(store);
	event_store_close(store);
	before = size_of(folder, "events.db");
	tell("a row on the disk", (double) before / SCAN_ROWS, "bytes", 12, false);
	measure_few(world, folder);
	tell("a row on the disk, stored alone",
		(double) (size_of(folder, "events.db") - before) / 20000, "bytes", 24, false);
	remove_file(folder, "events.db");
	(void) rmdir(folder);
}

int main(void)
{
	struct world *world = must_alloc(sizeof(*world));

	make_world(world);
	measure_blocks(world);
	measure_store(world);
	free(world);
	return !good;
}
