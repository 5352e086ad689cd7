// SPDX-License-Identifier: Apache-2.0
// How many tasks ran or waited of late, from /proc/loadavg (proc_loadavg(5)).
#include <inttypes.h>
#include <string.h>

#include "sql/table.h"

enum { PERIOD, AVERAGE };

static const struct column columns[] = {
	[PERIOD] = { "period", TEXT, "1m, 5m or 15m." },
	[AVERAGE] = { "average", TEXT,
		"Mean number of tasks that ran, waited to run or waited for a disk." },
};

static int generate(struct scan *scan, struct fault *why)
{
	static const char *const periods[] = { "1m", "5m", "15m" };
	char *text = scan_read(scan, "proc/loadavg", NULL);

	(void) why; // what cannot be read is missing
	for (size_t i = 0; i < 3; i++) {
		char *word = text ? text_word(&text, " \n") : NULL;
		bool more = scan_row(scan);
		uint32_t whole, hundredths;
		int end = 0;

		scan_text(scan, PERIOD, periods[i]);
		// the kernel prints two decimals
		if (word &&
			sscanf(word, "%9" SCNu32 ".%2" SCNu32 "%n", &whole, &hundredths, &end) ==
				2 &&
			word[end] == '\0')
			scan_printf(
				scan, AVERAGE, "%" PRIu32 ".%02" PRIu32 "0000", whole, hundredths);
		if (!more)
			break;
	}
	return 0;
}

const struct table table_load_average = {
	.name = "load_average",
	.about = "Load of the machine over the last minutes.",
	COLUMNS(columns),
	EXAMPLES("SELECT average FROM load_average WHERE period = '5m'"),
	.estimate.rows = 3,
	.generate = generate,
};
