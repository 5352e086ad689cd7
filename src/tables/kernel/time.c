// SPDX-License-Identifier: Apache-2.0
// The time of day, from the clock of this machine (time(2)) in UTC.
#include <errno.h>
#include <string.h>
#include <time.h>

#include "sql/table.h"

enum {
	WEEKDAY,
	YEAR,
	MONTH,
	DAY,
	HOUR,
	MINUTES,
	SECONDS,
	TIMEZONE,
	LOCAL_TIMEZONE,
	UNIX_TIME,
	TIMESTAMP,
	DATETIME,
	ISO_8601,
};

static const struct column columns[] = {
	[WEEKDAY] = { "weekday", TEXT, "English name of the day." },
	[YEAR] = { "year", INTEGER, "Year." },
	[MONTH] = { "month", INTEGER, "Month, from 1." },
	[DAY] = { "day", INTEGER, "Day of the month, from 1." },
	[HOUR] = { "hour", INTEGER, "Hour, from 0." },
	[MINUTES] = { "minutes", INTEGER, "Minute." },
	[SECONDS] = { "seconds", INTEGER, "Second." },
	[TIMEZONE] = { "timezone", TEXT, "Zone of all these columns: UTC." },
	[LOCAL_TIMEZONE] = { "local_timezone", TEXT, "Zone that this machine is set to." },
	[UNIX_TIME] = { "unix_time", INTEGER, "Seconds since 1970." },
	[TIMESTAMP] = { "timestamp", TEXT,
		"The time as text, such as Thu Jan  1 00:00:00 1970 UTC." },
	[DATETIME] = { "datetime", TEXT, "The time by ISO 8601.", .alias = "date_time" },
	[ISO_8601] = { "iso_8601", TEXT, "The same." },
	ELSEWHERE("win_timestamp", BIGINT),
};

static void give_zone(struct scan *scan, time_t now)
{
	char zone[8] = "";
	struct tm local;

	tzset(); // it may have changed since the program started
	if (localtime_r(&now, &local))
		(void) snprintf(zone, sizeof(zone), "%s", local.tm_zone ? local.tm_zone : "");
	scan_text(scan, LOCAL_TIMEZONE, *zone ? zone : "UTC");
}

static int generate(struct scan *scan, struct fault *why)
{
	// not by strftime, whose names follow the locale
	static const char *const days[] = { "Sunday", "Monday", "Tuesday", "Wednesday", "Thursday",
		"Friday", "Saturday" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul",
		"Aug", "Sep", "Oct", "Nov", "Dec" };
	struct timespec clock;
	time_t now;
	struct tm utc;
	char iso[40];

	// time(2) is that of the last tick, up to 10 ms ago
	(void) clock_gettime(CLOCK_REALTIME, &clock);
	now = clock.tv_sec;
	if (!gmtime_r(&now, &utc))
		return fail(why, -errno, "time: the clock is beyond all years: %m");
	(void) snprintf(iso, sizeof(iso), "%04d-%02d-%02dT%02d:%02d:%02dZ", utc.tm_year + 1900,
		utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);

	scan_row(scan);
	scan_text(scan, WEEKDAY, days[utc.tm_wday]);
	scan_integer(scan, YEAR, utc.tm_year + 1900);
	scan_integer(scan, MONTH, utc.tm_mon + 1);
	scan_integer(scan, DAY, utc.tm_mday);
	scan_integer(scan, HOUR, utc.tm_hour);
	scan_integer(scan, MINUTES, utc.tm_min);
	scan_integer(scan, SECONDS, utc.tm_sec);
	scan_text(scan, TIMEZONE, "UTC");
	if (scan_wants(scan, LOCAL_TIMEZONE))
		give_zone(scan, now);
	scan_integer(scan, UNIX_TIME, now);
	scan_printf(scan, TIMESTAMP, "%.3s %s %2d %02d:%02d:%02d %d UTC", days[utc.tm_wday],
		months[utc.tm_mon], utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
		utc.tm_year + 1900);
	scan_text(scan, DATETIME, iso);
	scan_text(scan, ISO_8601, iso);
	return 0;
}

const struct table table_time = {
	.name = "time",
	.about = "The time of day, in UTC.",
	COLUMNS(columns),
	EXAMPLES("SELECT unix_time, iso_8601 FROM time"),
	.attributes = UTILITY,
	.estimate.rows = 1,
	.generate = generate,
};
