// SPDX-License-Identifier: Apache-2.0
#pragma once
// The order of version numbers, as version_compare() and the version collations have it.

#include <stddef.h>

enum version_flavour { VERSION_PLAIN, VERSION_OF_ARCH, VERSION_OF_DPKG, VERSION_OF_RHEL };

// -1, 0 or 1.
int version_compare(enum version_flavour flavour, const char *a, size_t a_length, const char *b,
	size_t b_length);
