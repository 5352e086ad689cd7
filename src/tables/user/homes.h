// SPDX-License-Identifier: Apache-2.0
#pragma once
// The users that a query about users' files means, with their homes: those it names by uid, else
// the one that we run as.

#include "host/accounts.h"
#include "host/lines.h"
#include "sql/table.h"

struct homes {
	int64_t uid; // of the current user
	struct text home; // without '/' at the end

	struct scan *scan;
	struct accounts *accounts;
	const struct given *uids; // NULL: our own
	size_t at;
};

// `uid` is the table's column. Warns a superuser who names nobody, and may expect everybody's.
void homes_open(struct homes *homes, struct scan *scan, unsigned uid);

// Moves to the next user; one that does not exist is passed over.
bool homes_next(struct homes *homes);

// All zero is closed.
void homes_close(struct homes *homes);
#define auto_homes __attribute__((cleanup(homes_close)))

// Whether rows about that user can be of use to the query.
bool homes_want(const struct homes *homes, int64_t uid);

// Lines of some files in the homes, one after another.
struct home_lines {
	struct homes homes;
	struct lines lines; // the current line
	struct text path; // of its file
	bool first; // a file has just begun; yours to clear

	const char *const *files;
	const char *const *file; // the next one of this home; NULL: at the end of a home
	const char *const *names; // left in a folder
	struct arena arena; // of these names
};

// `files`, NULL-terminated, are paths below a home; "folder/*suffix" are all of a folder that end
// so.
void home_lines_open(
	struct home_lines *lines, struct scan *scan, unsigned uid, const char *const *files);

// Moves to the next line: ROW, or SKIP when there is none yet, or END.
int home_lines_next(struct home_lines *lines);

void home_lines_close(struct home_lines *lines);
