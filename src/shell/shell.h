// SPDX-License-Identifier: Apache-2.0
#pragma once
// osqueryi, the interactive program: flags, words and standard input in, answers out.

#include <stdbool.h>

#include "base/flags.h"

// Sets what differs from the daemon before flags are parsed, so that a person can still change it.
void shell_presets(struct flags *flags);

// Runs until there is nothing more to do. Gives the exit code.
int shell_run(struct flags *flags, int argc, char **argv);

// --help and --version are looked for before flags are parsed; the daemon has them too.
bool shell_wants_help(int argc, char **argv);
void shell_help(const char *program, bool daemon);
bool shell_wants_version(int argc, char **argv);
void shell_version(const char *program);
