// SPDX-License-Identifier: Apache-2.0
#include "events/syslog_line.h"

#include "test.h"

static bool read_line(const char *text, const char *fields[N_SYSLOG_FIELDS])
{
	static char line[1000];

	(void) snprintf(line, sizeof(line), "%s", text);
	return syslog_line_read(line, fields);
}

TEST(fields_are_cut_at_commas)
{
	const char *fields[N_SYSLOG_FIELDS];

	CHECK(read_line("2024-01-02T03:04:05,host, 6 ,auth,sshd[1]:,a message", fields));
	CHECK_TEXT(fields[SYSLOG_TIME], "2024-01-02T03:04:05");
	CHECK_TEXT(fields[SYSLOG_HOST], "host");
	CHECK_TEXT(fields[SYSLOG_SEVERITY], "6");
	CHECK_TEXT(fields[SYSLOG_FACILITY], "auth");
	CHECK_TEXT(fields[SYSLOG_TAG], "sshd[1]");
	CHECK_TEXT(fields[SYSLOG_MESSAGE], "a message");
}

TEST(quotes_hold_commas_and_quotes)
{
	const char *fields[N_SYSLOG_FIELDS];

	CHECK(read_line(
		"\"t\",\"h\",\"6\",\"f\",\"tag:\",\" said \"\"a, b\"\", and went\"", fields));
	CHECK_TEXT(fields[SYSLOG_TAG], "tag");
	CHECK_TEXT(fields[SYSLOG_MESSAGE], "said \"a, b\", and went");
}

TEST(a_line_with_more_or_fewer_fields_is_none)
{
	const char *fields[N_SYSLOG_FIELDS];

	CHECK(!read_line("", fields));
	CHECK(!read_line("a,b,c,d,e", fields));
	CHECK(!read_line("a,b,c,d,e,f,g", fields));
	CHECK(read_line(",,,,,", fields));
	CHECK_TEXT(fields[SYSLOG_MESSAGE], "");
}

TEST(quotes_that_do_not_close_end_with_the_line)
{
	const char *fields[N_SYSLOG_FIELDS];

	CHECK(read_line("a,b,c,d,e,\"cut in the mid", fields));
	CHECK_TEXT(fields[SYSLOG_MESSAGE], "cut in the mid");
	CHECK(!read_line("a,b,\"c,d,e,f", fields));
}
