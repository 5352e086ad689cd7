// SPDX-License-Identifier: Apache-2.0
// Fuzzes a table through one file of a recorded root: the input becomes the file, the table is
// asked for everything. Environment: FUZZ_TABLE, FUZZ_PATH, FUZZ_WHERE (may be empty); see
// tables.tsv.
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
	char root[64], file[512], query[512];
} fuzz;

static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void) mkdir(path, 0755);
		*slash = '/';
	}
}

static const char *setting(const char *name)
{
	const char *value = getenv(name);

	if (value)
		return value;
	fprintf(stderr, "set FUZZ_TABLE, FUZZ_PATH and FUZZ_WHERE; tests/fuzz/run does\n");
	exit(2);
}

// The user whose files tables about users' files may be asked for.
static void write_users(void)
{
	char path[sizeof(fuzz.root) + 16];
	FILE *file;

	(void) snprintf(path, sizeof(path), "%s/etc/passwd", fuzz.root);
	if (strcmp(path, fuzz.file) == 0)
		return;
	make_folders(path);
	file = fopen(path, "we");
	if (file) {
		fputs("alice:x:1000:1000::/home/alice:/bin/sh\n", file);
		(void) fclose(file);
	}
}

static void make_root(void)
{
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	(void) snprintf(fuzz.root, sizeof(fuzz.root), "%s/hostql-fuzz-%d", base, (int) getpid());
	(void) mkdir(fuzz.root, 0755);
	(void) snprintf(fuzz.file, sizeof(fuzz.file), "%s/%s", fuzz.root, setting("FUZZ_PATH"));
	make_folders(fuzz.file);
	write_users();
}

static void remove_file(char *path)
{
	(void) unlink(path);
	for (char *slash; strlen(path) > strlen(fuzz.root) && (slash = strrchr(path, '/'));) {
		*slash = '\0';
		(void) rmdir(path);
	}
}

static void remove_root(void)
{
	char path[sizeof(fuzz.file)];

	(void) snprintf(path, sizeof(path), "%s/etc/passwd", fuzz.root);
	remove_file(path);
	memcpy(path, fuzz.file, sizeof(path));
	remove_file(path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	struct fault why = { 0 };

	(void) argc;
	(void) argv;
	log_threshold(LOG_ERROR + 1);
	make_root();
	(void) atexit(remove_root);
	(void) snprintf(fuzz.query, sizeof(fuzz.query), "SELECT * FROM %s %s",
		setting("FUZZ_TABLE"), setting("FUZZ_WHERE"));
	fuzz.agent = (struct agent){
		.version = "0", .tables = tables_all, .n_tables = n_tables_all
	};
	if (flags_set(&fuzz.flags, "host_root", fuzz.root, &why) < 0 ||
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
	int fd = open(fuzz.file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	if (fd < 0 || write(fd, bytes, length) != (ssize_t) length)
		abort();
	(void) close(fd);
	if (sql_prepare(fuzz.sql, fuzz.query, &rest, &statement, NULL) <= 0)
		abort();
	while (sql_step(fuzz.sql, statement, NULL) > 0) {
	}
	(void) sqlite3_finalize(statement);
	return 0;
}
