// SPDX-License-Identifier: Apache-2.0
#include "sql/version.h"
#include "test.h"

static int compare(enum version_flavour flavour, const char *a, const char *b)
{
	int forward = version_compare(flavour, a, strlen(a), b, strlen(b));
	int backward = version_compare(flavour, b, strlen(b), a, strlen(a));

	CHECK(forward == -backward);
	return forward;
}

TEST(longer_segments_are_greater)
{
	CHECK(compare(VERSION_PLAIN, "1.10", "1.9") == 1);
	CHECK(compare(VERSION_PLAIN, "2.0", "10.0") == -1);
	CHECK(compare(VERSION_PLAIN, "1.2.3", "1.2.3") == 0);
	CHECK(compare(VERSION_PLAIN, "1.2", "1.2.0") == -1);
}

TEST(the_first_difference_of_a_segment_decides_where_both_end)
{
	CHECK(compare(VERSION_PLAIN, "1.2a.5", "1.2b.4") == -1);
	CHECK(compare(VERSION_PLAIN, "19.9.9", "18.99.9") == 1);
}

TEST(an_epoch_counts_first)
{
	CHECK(compare(VERSION_OF_DPKG, "1:1.0", "2.0") == 1);
	CHECK(compare(VERSION_OF_RHEL, "1:1.0", "2:0.1") == -1);
	CHECK(compare(VERSION_OF_ARCH, "10:1.0", "9:2.0") == 1);
}

TEST(a_tilde_makes_what_follows_a_forerunner)
{
	CHECK(compare(VERSION_OF_RHEL, "1.0~rc1", "1.0") == -1);
	CHECK(compare(VERSION_OF_DPKG, "1.0~rc1", "1.0.1") == -1);
	CHECK(compare(VERSION_OF_RHEL, "1.0^git1", "1.0") == 1);
}

TEST(empty_versions_compare)
{
	CHECK(compare(VERSION_PLAIN, "", "") == 0);
	CHECK(compare(VERSION_PLAIN, "", "1") == -1);
	CHECK(compare(VERSION_OF_ARCH, "", "1") == -1);
}
