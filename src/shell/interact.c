// SPDX-License-Identifier: Apache-2.0
// A person at a terminal: prompt, line editing, history, completion.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/module.h"
#include "modules/edit/edit.h"
#include "shell/session.h"

int session_interact(struct session *session)
{
	struct fault why;
	const struct edit_library *edit = module_open("edit", &why);
	auto_text struct text history = { 0 };
	auto_text struct text statement = { 0 };
	const char *home = getenv("HOME");
	struct editor *editor;

	session->interactive = true;
	if (!edit) {
		fprintf(stderr, "%s\nLine editing is not available.\n", why.text);
		return session_read(session, stdin);
	}
	if (home && *home) {
		text_printf(&history, "%s/.osquery", home);
		(void) mkdir(history.bytes, 0700);
		text_add_string(&history, "/.history");
	}
	printf("Using a virtual database. Need help, type '.help'\n");
	editor = edit->open("osqueryi", history.bytes, (edit_complete *) session_complete, session);
	while (!session->leave) {
		auto_free char *line = edit->read(
			editor, statement.length ? "    ...> " : "osquery> ");

		if (!line && errno == EINTR) { // Ctrl-C throws the line away
			text_clear(&statement);
			continue;
		}
		if (!line)
			break;
		if (statement.length == 0 && line[strspn(line, " \t\r\n;")] == '\0')
			continue;
		if (statement.length == 0 && line[0] == '.') {
			(void) session_command(session, line);
			continue;
		}
		text_add_string(&statement, line);
		if (sqlite3_complete(statement.bytes)) {
			if (session_query(session, statement.bytes, &why) != 0)
				fprintf(stderr, "Error: %s\n", why.text);
			text_clear(&statement);
		}
	}
	edit->close(editor);
	return session->exit_code;
}
