// SPDX-License-Identifier: Apache-2.0
#pragma once
// Names of system calls. `arch` is an AUDIT_ARCH_… of linux/audit.h.

#include <stdint.h>

// NULL when it is not known: of x86-64 all are, of other machines only those that event tables are
// about.
const char *syscall_name(uint32_t arch, int number);

// -1 when the machine has no such call.
int syscall_number(uint32_t arch, const char *name);
