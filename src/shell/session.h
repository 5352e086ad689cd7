// SPDX-License-Identifier: Apache-2.0
#pragma once
// What the parts of the shell share: one person's session.

#include "config/config.h"
#include "shell/printer.h"
#include "shell/recording.h"
#include "sql/sql.h"
#include "store/store.h"

struct session {
	const struct flags *given; // on the command line
	struct config *config; // NULL: there is none
	struct flags settled; // with the options of the configuration over those given
	const struct flags *flags; // in force: given or settled
	struct store *store; // of a daemon, NULL: none was named
	char *instance_id; // that the store knows
	struct arena reports; // about the schedule
	struct host host;
	struct recording *recording; // NULL: no events are recorded here
	struct agent agent;
	struct sql *sql;
	struct printer printer;
	bool bail, echo, timer;
	bool interactive;
	bool leave; // .exit, .quit
	int exit_code; // of .exit
	bool reported; // a progress line stands on the terminal
	int64_t began_ms;
};

// Loads the configuration and puts its options in force. What is wrong with it is said.
void session_load_config(struct session *session);

// Fills session->agent with what configuration and store say of the schedule, anew each time a
// query asks.
void session_report(struct session *session);

// Runs all statements of the text, up to the first that fails. 0, or SQLite's code with the reason.
int session_query(struct session *session, const char *text, struct fault *why);

// Runs a meta command (a line that starts with '.'). 0, or 1 when it failed; what went wrong was
// said.
int session_command(struct session *session, const char *line);

// Prints what the tables whose names start with `prefix` say of themselves, as JSON.
void session_describe(struct session *session, const char *prefix);

// Names that start with `prefix`, for completion: tables, columns, functions, keywords, commands.
// The caller frees each and the array, which ends with NULL.
char **session_complete(struct session *session, const char *prefix);

// Reads statements and commands from a person at a terminal, and from a file. The exit code.
int session_interact(struct session *session);
int session_read(struct session *session, FILE *file);

// A time of getrusage(2) in seconds.
double session_seconds(struct timeval time);
