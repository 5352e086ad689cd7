// SPDX-License-Identifier: Apache-2.0
#include "base/flags.h"

#include <errno.h>

#include "test.h"

static int parse(struct flags *flags, struct fault *why, int *argc, const char **argv)
{
	for (*argc = 0; argv[*argc];)
		(*argc)++;
	return flags_parse(flags, argc, (char **) argv, why);
}

TEST(words_stay_and_flags_go)
{
	const char *argv[] = { "x", "--json", "SELECT 1", "-read_max", "5", "--nologger_event_type",
		"--", "--json", NULL };
	struct flags flags = { 0 };
	int argc;

	CHECK(parse(&flags, NULL, &argc, argv) == 0);
	CHECK(argc == 3);
	CHECK_TEXT(argv[1], "SELECT 1");
	CHECK_TEXT(argv[2], "--json");
	CHECK(flags_bool(&flags, "json") && !flags_bool(&flags, "logger_event_type"));
	CHECK(flags_integer(&flags, "read_max") == 5);
	CHECK(flags_integer(&flags, "hash_cache_max") == 500);
	CHECK(flags_is_set(&flags, "json") && !flags_is_set(&flags, "csv"));
	flags_done(&flags);
}

TEST(values_must_fit_the_type)
{
	struct flags flags = { 0 };
	struct fault why;

	CHECK(flags_set(&flags, "regex_max_size", "4294967296", &why) == -EINVAL);
	CHECK(flags_set(&flags, "read_max", "-1", &why) == -EINVAL);
	CHECK(flags_set(&flags, "read_max", "", &why) == -EINVAL);
	CHECK(flags_set(&flags, "watchdog_level", "-1", &why) == 0);
	CHECK(flags_integer(&flags, "watchdog_level") == -1);
	CHECK(flags_set(&flags, "json", "Yes", &why) == 0 && flags_bool(&flags, "json"));
	CHECK(flags_set(&flags, "nothing", "1", &why) == -ENOENT);
	flags_done(&flags);
}

TEST(an_old_name_sets_the_new_flag)
{
	struct flags flags = { 0 };

	CHECK(flags_set(&flags, "db_path", "/x", NULL) == 0);
	CHECK_TEXT(flags_string(&flags, "database_path"), "/x");
	flags_done(&flags);
}

TEST(the_list_is_in_order)
{
	for (size_t i = 1; i < n_flags; i++)
		CHECK(strcmp(flag_list[i - 1].name, flag_list[i].name) < 0);
}

TEST(a_mistake_names_the_nearest_flag)
{
	const char *argv[] = { "x", "--sepaartor=,", NULL };
	struct flags flags = { 0 };
	struct fault why;
	int argc;

	CHECK(parse(&flags, &why, &argc, argv) == -EINVAL);
	CHECK_TEXT(why.text, "command line: unknown flag --sepaartor, the nearest is --separator");
	flags_done(&flags);
}
