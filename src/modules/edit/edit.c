// SPDX-License-Identifier: Apache-2.0
#include "modules/edit/edit.h"

#include <errno.h>
#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HISTORY_LINES = 100 };

struct editor {
	EditLine *line;
	History *history;
	char *history_file;
	const char *prompt;
	edit_complete *complete;
	void *context;
};

static char *prompt(EditLine *line)
{
	struct editor *editor;

	el_get(line, EL_CLIENTDATA, &editor);
	return (char *) editor->prompt;
}

static size_t shared_length(char **names)
{
	size_t length = strlen(names[0]);

	for (size_t i = 1; names[i]; i++) {
		size_t same = 0;

		while (same < length && strncasecmp(names[0], names[i], same + 1) == 0)
			same++;
		length = same;
	}
	return length;
}

static void show_names(char **names)
{
	enum { WIDTH = 80 };
	size_t column = 0;

	fputc('\n', stdout);
	for (size_t i = 0; names[i]; i++) {
		int width = (int) (strlen(names[i]) / 26 + 1) * 26;

		if (column + (size_t) width > WIDTH && column > 0) {
			fputc('\n', stdout);
			column = 0;
		}
		printf("%-*s", width, names[i]);
		column += (size_t) width;
	}
	fputc('\n', stdout);
	(void) fflush(stdout);
}

// Replaces the word before the cursor by what all names share; shows the names when that is no more
// than was typed.
static unsigned char complete(EditLine *line, int key)
{
	const LineInfo *info = el_line(line);
	const char *word = info->cursor;
	struct editor *editor;
	unsigned char result = CC_ERROR;
	char **names;
	char prefix[128];
	size_t length, shared;

	(void) key;
	el_get(line, EL_CLIENTDATA, &editor);
	while (word > info->buffer && !strchr(" \t,()=<>;", word[-1]))
		word--;
	length = (size_t) (info->cursor - word);
	if (length >= sizeof(prefix))
		return CC_ERROR;
	memcpy(prefix, word, length);
	prefix[length] = '\0';

	names = editor->complete(editor->context, prefix);
	if (names[0]) {
		char *replacement;

		shared = shared_length(names);
		replacement = strndup(names[0], shared);
		if (replacement && (shared > length || !names[1])) {
			el_deletestr(line, (int) length);
			el_insertstr(line, replacement);
			if (!names[1])
				el_insertstr(line, " ");
			result = CC_REFRESH;
		} else {
			show_names(names);
			result = CC_REDISPLAY;
		}
		free(replacement);
	}
	for (size_t i = 0; names[i]; i++)
		free(names[i]);
	free(names);
	return result;
}

static void open_history(struct editor *editor, const char *file)
{
	HistEvent event;

	editor->history = history_init();
	if (!editor->history)
		return;
	history(editor->history, &event, H_SETSIZE, HISTORY_LINES);
	history(editor->history, &event, H_SETUNIQUE, 1);
	el_set(editor->line, EL_HIST, history, editor->history);
	if (file) {
		editor->history_file = strdup(file);
		history(editor->history, &event, H_LOAD, file);
	}
}

static struct editor *open_editor(
	const char *program, const char *history_file, edit_complete *completer, void *context)
{
	struct editor *editor = calloc(1, sizeof(*editor));

	if (!editor)
		return NULL;
	editor->complete = completer;
	editor->context = context;
	editor->line = el_init(program, stdin, stdout, stderr);
	if (!editor->line) {
		free(editor);
		return NULL;
	}
	el_set(editor->line, EL_CLIENTDATA, editor);
	el_set(editor->line, EL_PROMPT, prompt);
	el_set(editor->line, EL_EDITOR, "emacs");
	el_set(editor->line, EL_SIGNAL, 0);
	el_set(editor->line, EL_ADDFN, "complete-name", "Complete a name", complete);
	el_set(editor->line, EL_BIND, "^I", "complete-name", NULL);
	el_set(editor->line, EL_BIND, "^R", "em-inc-search-prev", NULL);
	open_history(editor, history_file);
	el_source(editor->line, NULL);
	return editor;
}

static char *read_line(struct editor *editor, const char *text)
{
	HistEvent event;
	const char *line;
	int length;

	editor->prompt = text;
	errno = 0;
	line = el_gets(editor->line, &length);
	if (!line || length <= 0) {
		if (errno == EINTR) {
			el_reset(editor->line);
			fputc('\n', stdout);
			errno = EINTR;
		}
		return NULL;
	}
	if (editor->history && length > 1)
		history(editor->history, &event, H_ENTER, line);
	return strndup(line, (size_t) length);
}

static void close_editor(struct editor *editor)
{
	HistEvent event;

	if (!editor)
		return;
	if (editor->history) {
		if (editor->history_file)
			history(editor->history, &event, H_SAVE, editor->history_file);
		history_end(editor->history);
	}
	el_end(editor->line);
	free(editor->history_file);
	free(editor);
}

__attribute__((visibility("default"))) extern const struct edit_library module_edit;
const struct edit_library module_edit = {
	.open = open_editor,
	.read = read_line,
	.close = close_editor,
};
