// SPDX-License-Identifier: Apache-2.0
// The collations that order versions.
#include "sql/internal.h"
#include "sql/version.h"

static int collate(void *flavour, int a_length, const void *a, int b_length, const void *b)
{
	return version_compare((enum version_flavour)(intptr_t) flavour, a, (size_t) a_length, b,
		(size_t) b_length);
}

int collations_register(sqlite3 *db)
{
	static const struct {
		const char *name;
		enum version_flavour flavour;
	} collations[] = {
		{ "version", VERSION_PLAIN },
		{ "version_arch", VERSION_OF_ARCH },
		{ "version_dpkg", VERSION_OF_DPKG },
		{ "version_rhel", VERSION_OF_RHEL },
	};

	for (size_t i = 0; i < sizeof(collations) / sizeof(collations[0]); i++) {
		int r = sqlite3_create_collation_v2(db, collations[i].name, SQLITE_UTF8,
			(void *) (intptr_t) collations[i].flavour, collate, NULL);

		if (r != SQLITE_OK)
			return r;
	}
	return SQLITE_OK;
}
