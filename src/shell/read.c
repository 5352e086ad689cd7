// SPDX-License-Identifier: Apache-2.0
// Statements and meta commands, line by line, from a file.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shell/session.h"

static bool is_blank(const char *text)
{
	return text[strspn(text, " \t\r\n;")] == '\0';
}

struct reader {
	struct session *session;
	struct text statement;
	unsigned line; // of the file
	unsigned began; // where the statement did
	int errors;
};

static void run_pending(struct reader *reader)
{
	struct fault why;

	if (reader->session->echo)
		fprintf(reader->session->printer.file, "%s\n", reader->statement.bytes);
	if (session_query(reader->session, reader->statement.bytes, &why) != 0) {
		fprintf(stderr, "Error: near line %u: %s\n", reader->began, why.text);
		reader->errors++;
	}
	text_clear(&reader->statement);
}

static void take_line(struct reader *reader, const char *line)
{
	reader->line++;
	if (reader->statement.length == 0) {
		reader->began = reader->line;
		if (is_blank(line))
			return;
		if (line[0] == '.') {
			if (session_command(reader->session, line) != 0)
				reader->errors++;
			return;
		}
	}
	text_add_string(&reader->statement, line);
	if (strchr(line, ';') && sqlite3_complete(reader->statement.bytes))
		run_pending(reader);
}

int session_read(struct session *session, FILE *file)
{
	struct reader reader = { .session = session };
	auto_free char *line = NULL;
	size_t size = 0;

	while (!session->leave && !(session->bail && reader.errors) &&
		getline(&line, &size, file) >= 0)
		take_line(&reader, line);
	// the last statement may lack its semicolon
	if (!session->leave && !(session->bail && reader.errors) && reader.statement.length > 0 &&
		!is_blank(reader.statement.bytes))
		run_pending(&reader);
	text_done(&reader.statement);
	if (session->leave)
		return session->exit_code;
	return reader.errors ? 1 : 0;
}
