// SPDX-License-Identifier: Apache-2.0
#pragma once
// Walks over the processes of /proc: those that the query names, else all. Not a table: a file
// beside a header is shared by the tables of its folder.

#include <dirent.h>

#include "sql/table.h"

struct process_walk {
	int proc; // every process' files are read below it: /proc, or the root itself
	const char *prefix; // of their paths: "", or "proc/"
	bool sure; // set by who finds out alone that a named process does not exist
	DIR *folder; // NULL when the query names the processes
	const struct given *pids;
	size_t at;
	int64_t pid; // of the current process
	char name[32]; // the same as text, behind the prefix
};

// Begins a walk; `column` is the table's pid column, or -1 if it cannot be constrained.
int process_walk_open(struct process_walk *walk, struct scan *scan, int column, struct fault *why);

// 1 with the next process, or 0. One that is named but does not exist is passed over.
int process_walk_next(struct process_walk *walk);

// All zero is closed too, when `folder` and `proc` come from process_walk_open alone.
void process_walk_close(struct process_walk *walk);

// The path of a file of the current process, below walk->proc.
struct process_path {
	char text[64];
};
struct process_path process_file(const struct process_walk *walk, const char *file);

// Reads a link of the current process ("exe", "fd/3"). -1 with errno, else the length.
ssize_t process_link(const struct process_walk *walk, const char *file, char *target, size_t size);

// The inode that a link to a namespace ("ns/net") names, as decimal text. False with errno.
bool process_namespace(const struct process_walk *walk, const char *file, char inode[24]);

// Opens a file of the current process to be read, or NULL with errno.
FILE *process_open(const struct process_walk *walk, const char *file);

// Reads a file of the current process of any size into the arena, or NULL with errno.
char *process_read(
	const struct process_walk *walk, const char *file, struct arena *arena, size_t *size_bytes);
