// SPDX-License-Identifier: Apache-2.0
// Fuzzes a table through one file of a recorded root: the input becomes the file, the table is
// asked for everything. Environment: FUZZ_ROOT, FUZZ_TABLE, FUZZ_PATH, FUZZ_WHERE (may be empty);
// see tables.tsv.
#include <fcntl.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "sql/sql.h"
#include "tables/tables.h"

static struct {
	struct flags flags;
	struct agent agent;
	struct host host;
	struct sql *sql;
	char file[512], query[512];
} fuzz;

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	if (value)
		return value;
	fprintf(stderr,
		"set FUZZ_ROOT, FUZZ_TABLE, FUZZ_PATH and FUZZ_WHERE; tests/fuzz/run does\n");
	exit(2);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct fault why = { 0 };

	(void) argc;
	(void) argv;
	log_threshold(LOG_ERROR + 1);
	(void) snprintf(
		fuzz.file, sizeof(fuzz.file), "%s/%s", setting("FUZZ_ROOT"), setting("FUZZ_PATH"));
	(void) snprintf(fuzz.query, sizeof(fuzz.query), "SELECT * FROM %s %s",
		setting("FUZZ_TABLE"), setting("FUZZ_WHERE"));
	fuzz.agent = (struct agent){
		.version = "0", .tables = tables_all, .n_tables = n_tables_all
	};
	if (flags_set(&fuzz.flags, "host_root", setting("FUZZ_ROOT"), &why) < 0 ||
		host_open(&fuzz.host, &fuzz.flags, &fuzz.agent, &why) < 0 ||
		!(fuzz.sql = sql_open(&fuzz.host, &why))) {
		fprintf(stderr, "%s\n", why.text);
		exit(2);
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	sqlite3_stmt *statement;
	const char *rest;
	// no two inputs have the same time: what the host keeps of the last one is out of date
	static struct timespec times[2] = { { .tv_sec = 1 }, { .tv_sec = 1 } };
	int fd = open(fuzz.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	times[1].tv_sec++;
	if (fd < 0 || write(fd, bytes, length) != (ssize_t) length || futimens(fd, times) < 0)
		abort();
	(void) close(fd);
	if (sql_prepare(fuzz.sql, fuzz.query, &rest, &statement, NULL) <= 0)
		abort();
	while (sql_step(fuzz.sql, statement, NULL) > 0) {
	}
	(void) sqlite3_finalize(statement);
	return 0;
}
