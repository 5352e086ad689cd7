// SPDX-License-Identifier: Apache-2.0
#pragma once
// Flags: what a person or the configuration may set, by the rules of gflags: --x=v, --x v, -x,
// --nox, flag files. The list of all of them is the table in flag_list.c.

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"

enum flag_type { FLAG_BOOL, FLAG_STRING, FLAG_INT32, FLAG_UINT32, FLAG_UINT64 };

// Who may set a flag, and which part of --help shows it.
enum flag_kind {
	FLAG_CLI, // command line and flag file only
	FLAG_OPTION, // there, and in the configuration's "options"
	FLAG_SHELL, // of the shell
	FLAG_HIDDEN, // like FLAG_OPTION, not in --help
	FLAG_UNLISTED, // accepted, neither in --help nor in osquery_flags
};

struct flag {
	const char *name;
	enum flag_type type;
	const char *initial; // the value as long as nobody sets it
	enum flag_kind kind;
	const char *about;
	bool idle; // accepted and listed, but nothing reads it yet
};

struct flag_alias {
	const char *name, *flag;
};

// In byte order of their names.
extern const struct flag flag_list[];
extern const size_t n_flags;
extern const struct flag_alias flag_aliases[];
extern const size_t n_flag_aliases;

enum { FLAGS_MAX = 320 };

// The values in force. All zero is every flag at its initial value. Holds copies; flags_done frees
// them.
struct flags {
	char *set[FLAGS_MAX]; // by position in flag_list, NULL: nobody set it
	struct custom_flag {
		char *name, *value;
	} * custom; // what a configuration names custom_…
	size_t n_custom;
};

void flags_done(struct flags *flags);

// Makes `copy`, which is all zero, the same as `flags`.
void flags_copy(struct flags *copy, const struct flags *flags);

// Takes all flags out of the arguments (argv[0] stays) and reads flag files as they are named. What
// is left in argv are the words. -EINVAL with the flag, the place and the nearest name on a
// mistake.
int flags_parse(struct flags *flags, int *argc, char **argv, struct fault *why);

// Reads one flag file. `optional`: a missing one is no fault.
int flags_read_file(struct flags *flags, const char *path, bool optional, struct fault *why);

// Sets one flag or alias by name; checks the value against the type.
int flags_set(struct flags *flags, const char *name, const char *value, struct fault *why);

// The same on behalf of a configuration, which may set everything but what is for the command line
// alone, and any name that begins with custom_. The reason names the nearest flag.
int flags_set_option(struct flags *flags, const char *name, const char *value, struct fault *why);

// The flag by name or alias, or NULL.
const struct flag *flag_find(const char *name);

// Current values. The name must exist: a wrong one is our mistake and ends the program.
const char *flags_string(const struct flags *flags, const char *name);
bool flags_bool(const struct flags *flags, const char *name);
int64_t flags_integer(const struct flags *flags, const char *name);

// Whether somebody set it.
bool flags_is_set(const struct flags *flags, const char *name);
