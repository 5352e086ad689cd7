// SPDX-License-Identifier: Apache-2.0
// How fast packed rows become result lines, next to jansson, which dumps the same documents from
// trees that are already built, and to memcpy of the same bytes, line by line. One core, the best
// of several runs. Both must say the same, or nothing is measured.
#include <jansson.h>
#include <sqlite3.h>
#include <string.h>
#include <time.h>

#include "output/line.h"

enum { ROWS = 2000, RUNS = 15, GOAL_MB = 400 };

static const struct work {
	const char *name, *columns; // of a table n(i)
} works[] = {
	{ "events like processes",
		"i AS pid, 'kworker/' || i AS name, '/usr/lib/systemd/systemd-journald' AS path,"
		" '/usr/bin/python3 /usr/share/unattended-upgrades/unattended-upgrade-shutdown"
		" --wait-for-signal ' || i AS cmdline, 'S' AS state, '/var/lib/app' AS cwd,"
		" '/' AS root, 1000 AS uid, 1000 AS gid, 1000 AS euid, 1000 AS egid, 0 AS suid,"
		" 0 AS sgid, 1 AS on_disk, i * 4096 AS wired_size, i * 12288 AS resident_size,"
		" i * 409600 AS total_size, i * 7 AS user_time, i * 3 AS system_time,"
		" i * 8192 AS disk_bytes_read, 0 AS disk_bytes_written, 1700000000 + i AS "
		"start_time,"
		" 1 AS parent, i AS pgroup, 4 AS threads, 0 AS nice, 'system.slice' AS cgroup_path,"
		" i * 0.25 AS percent" },
	{ "12 mixed columns",
		"i AS pid, 'cron' AS name, '/usr/sbin/cron' AS path, '/usr/sbin/cron -f' AS "
		"cmdline,"
		" 'S' AS state, '/var/spool/cron' AS cwd, 0 AS uid, 0 AS gid, i * 4096 AS"
		" resident_size, 1700000000 + i AS start_time, 1 AS parent, 1 AS threads" },
	{ "long texts",
		"i AS pid, 'PATH' AS key, replace(hex(zeroblob(4000)), '00', '/usr/local/bin:') AS"
		" value" },
	{ "short values",
		"i % 10 AS a, 'x' AS b, '' AS c, 1 AS d, 'ab' AS e, 0 AS f, 'tcp' AS g, 22 AS h,"
		" '::' AS i, 6 AS j, 'S' AS k, -1 AS l, 'yes' AS m, 3 AS n, 'i' AS o, 10 AS p" },
	{ "texts to escape",
		"i AS pid, 'a \"quoted\" word, a back\\slash and' || char(9) || 'tabs' || char(10) "
		"||"
		" 'lines' AS first, 'L\xc3\xb6we \xe6\xbc\xa2\xe5\xad\x97 \xf0\x9f\x98\x80' || "
		"char(27)"
		" || '[0m' AS second, replace(hex(zeroblob(20)), '00', char(10) || '\"x\"') AS "
		"third" },
};

struct packed_rows {
	struct arena arena;
	struct row_shape shape;
	struct text bytes;
};

static void die(const char *what)
{
	fprintf(stderr, "lines: %s\n", what);
	exit(1);
}

static void pack(const struct work *work, struct packed_rows *rows)
{
	const struct row_rules rules = { .null_text = "" };
	auto_text struct text sql = { 0 };
	sqlite3 *database;
	sqlite3_stmt *statement;

	text_printf(&sql,
		"WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT %s FROM "
		"n",
		ROWS, work->columns);
	if (sqlite3_open(":memory:", &database) != SQLITE_OK ||
		sqlite3_prepare_v2(database, sql.bytes, -1, &statement, NULL) != SQLITE_OK)
		die(sqlite3_errmsg(database));
	row_shape(&rows->shape, statement, &rows->arena);
	while (sqlite3_step(statement) == SQLITE_ROW)
		(void) row_pack(&rows->shape, &rules, statement, &rows->bytes);
	(void) sqlite3_finalize(statement);
	(void) sqlite3_close(database);
}

static int keep(void *context, const char *bytes, size_t length, uint64_t n_lines, bool ends)
{
	(void) n_lines;
	(void) ends;
	text_add(context, bytes, length);
	return 0;
}

static int count(void *context, const char *bytes, size_t length, uint64_t n_lines, bool ends)
{
	(void) bytes;
	(void) n_lines;
	(void) ends;
	*(size_t *) context += length;
	return 0;
}

static void write_lines(const struct packed_rows *rows, line_taker *taker, void *context)
{
	static const struct decoration decorations[] = { { "hostname", "web-17.example.org" } };
	static const struct line_head head = { .name = "pack_incident-response_processes",
		.host_identifier = "4c4c4544-0042-3010-8051-b4c04f564433",
		.unix_time = 1700000000,
		.counter = 7,
		.decorations = decorations,
		.n_decorations = 1 };
	struct line_writer *writer = line_open(LINE_EVENTS, &head, &rows->shape, taker, context);
	struct row_reader all = { rows->bytes.bytes, rows->bytes.bytes + rows->bytes.length }, row;

	while (row_next(&all, &row) > 0)
		if (line_row(writer, LINE_ADDED, row) < 0)
			die("a row was refused");
	if (line_close(writer) < 0)
		die("the lines did not end");
}

static double now(void)
{
	struct timespec time;

	(void) clock_gettime(CLOCK_MONOTONIC, &time);
	return (double) time.tv_sec + (double) time.tv_nsec * 1e-9;
}

static double least(double a, double b)
{
	return a < b ? a : b;
}

static double measure_lines(const struct packed_rows *rows)
{
	double best = 1e9;

	for (int i = 0; i < RUNS; i++) {
		double begin = now();
		size_t length = 0;

		write_lines(rows, count, &length);
		best = least(best, now() - begin);
	}
	return best;
}

// The documents of the lines, as the other library reads them.
static json_t **parse(struct text *lines)
{
	json_t **documents = must_alloc(ROWS * sizeof(json_t *));
	char *rest = lines->bytes, *line;

	for (size_t i = 0; i < ROWS; i++) {
		line = text_line(&rest);
		documents[i] = line ? json_loads(line, JSON_REJECT_DUPLICATES, NULL) : NULL;
		if (!documents[i])
			die("a line is no JSON");
	}
	if (*rest)
		die("there are more lines than rows");
	return documents;
}

static double measure_jansson(json_t **documents, size_t *length)
{
	enum { ROOM = 256 * 1024 };
	auto_free char *buffer = must_alloc(ROOM);
	double best = 1e9;

	for (int i = 0; i < RUNS; i++) {
		double begin = now();

		*length = 0;
		for (size_t k = 0; k < ROWS; k++)
			*length += json_dumpb(documents[k], buffer, ROOM, JSON_COMPACT) + 1;
		best = least(best, now() - begin);
	}
	return best;
}

static double measure_copy(const struct text *lines)
{
	enum { ROOM = 256 * 1024 };
	auto_free char *buffer = must_alloc(ROOM);
	double best = 1e9;

	for (int i = 0; i < RUNS; i++) {
		double begin = now();
		size_t at = 0;

		for (size_t from = 0; from < lines->length;) {
			const char *end = memchr(lines->bytes + from, '\n', lines->length - from);
			size_t size = (size_t) (end + 1 - (lines->bytes + from));

			if (at + size > ROOM)
				at = 0;
			memcpy(buffer + at, lines->bytes + from, size);
			__asm__ volatile("" : : "r"(buffer) : "memory");
			at += size;
			from += size;
		}
		best = least(best, now() - begin);
	}
	return best;
}

static bool measure(const struct work *work)
{
	struct packed_rows rows = { 0 };
	auto_text struct text lines = { 0 };
	json_t **documents;
	size_t length, theirs;
	double ours_mb, jansson_mb, copy_mb;

	pack(work, &rows);
	write_lines(&rows, keep, &lines);
	length = lines.length;
	copy_mb = (double) length / 1e6 / measure_copy(&lines);
	documents = parse(&lines);
	ours_mb = (double) length / 1e6 / measure_lines(&rows);
	jansson_mb = measure_jansson(documents, &theirs);
	jansson_mb = (double) theirs / 1e6 / jansson_mb;
	printf("%-24s %8.0f %8.0f %8.0f   %5.1f %8zu%s\n", work->name, ours_mb, jansson_mb, copy_mb,
		ours_mb / jansson_mb, length / ROWS, ours_mb < GOAL_MB ? "  under its goal" : "");

	for (size_t i = 0; i < ROWS; i++)
		json_decref(documents[i]);
	free(documents);
	arena_done(&rows.arena);
	text_done(&rows.bytes);
	return ours_mb >= GOAL_MB;
}

int main(void)
{
	bool good = true;

	printf("%-24s %8s %8s %8s   %5s %8s\n", "result lines, MB/s", "ours", "jansson", "memcpy",
		"ratio", "bytes");
	for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
		good &= measure(&works[i]);
	return !good;
}
