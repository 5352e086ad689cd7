// SPDX-License-Identifier: Apache-2.0
#pragma once
// Line editing at a terminal, by libedit.

struct editor;

// Names that start with `prefix`: an array that ends with NULL, which the caller frees with its
// strings.
typedef char **edit_complete(void *context, const char *prefix);

struct edit_library {
	// `history` is a file that is read now and written at close, or NULL. `program` names the
	// section of ~/.editrc.
	struct editor *(*open)(
		const char *program, const char *history, edit_complete *complete, void *context);

	// One line with its newline, which the caller frees. NULL at the end of input; NULL with
	// errno EINTR when the person interrupted.
	char *(*read)(struct editor *editor, const char *prompt);

	void (*close)(struct editor *editor);
};
