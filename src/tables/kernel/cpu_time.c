// SPDX-License-Identifier: Apache-2.0
// What each CPU spent its time on, from /proc/stat (proc_stat(5)).
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "sql/table.h"

enum { CORE, USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, GUEST, GUEST_NICE };

static const struct column columns[] = {
	[CORE] = { "core", INTEGER, "Number of the logical CPU." },
	[USER] = { "user", BIGINT, "Ticks in programs." },
	[NICE] = { "nice", BIGINT, "Ticks in programs of low priority." },
	[SYSTEM] = { "system", BIGINT, "Ticks in the kernel." },
	[IDLE] = { "idle", BIGINT, "Ticks with nothing to do." },
	[IOWAIT] = { "iowait", BIGINT, "Ticks with nothing to do but a disk to wait for." },
	[IRQ] = { "irq", BIGINT, "Ticks in interrupts." },
	[SOFTIRQ] = { "softirq", BIGINT, "Ticks in soft interrupts." },
	[STEAL] = { "steal", BIGINT, "Ticks that the hypervisor gave to others." },
	[GUEST] = { "guest", BIGINT, "Ticks in guests of our own; part of user." },
	[GUEST_NICE] = { "guest_nice", BIGINT, "Ticks in guests of low priority; part of nice." },
};

static int generate(struct scan *scan, struct fault *why)
{
	auto_fclose FILE *file = scan_open(scan, "proc/stat");
	// a line has at most 11 numbers of 20 digits; the long line of interrupts comes later
	char line[512];
	bool more = true;

	if (!file)
		return fail(why, -errno, "cpu_time: /proc/stat: %m");

	while (more && fgets(line, sizeof(line), file) && text_starts(line, "cpu")) {
		char *rest = line + strlen("cpu");
		unsigned column = CORE;
		char *word;

		if (!isdigit((unsigned char) *rest))
			continue; // the sum of all
		more = scan_row(scan);
		for (; column <= GUEST_NICE && (word = text_word(&rest, " \n")); column++)
			scan_text(scan, column, word);
		for (; column <= GUEST_NICE; column++) // kernels before 2.6.33
			if (column >= STEAL)
				scan_integer(scan, column, 0);
	}
	return 0;
}

const struct table table_cpu_time = {
	.name = "cpu_time",
	.about = "What each logical CPU spent its time on since boot.",
	COLUMNS(columns),
	EXAMPLES("SELECT core, round(100.0 * idle / (user + nice + system + idle + iowait + irq + "
		 "softirq + steal), 1) AS idle FROM cpu_time"),
	.estimate.rows = 8,
	.generate = generate,
};
