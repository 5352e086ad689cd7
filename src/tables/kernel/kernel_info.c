// SPDX-License-Identifier: Apache-2.0
// The running kernel and how it was started, from /proc/version and /proc/cmdline (proc(5)).
#include <string.h>

#include "sql/table.h"

enum { VERSION_NAME, ARGUMENTS, PATH, DEVICE };

static const struct column columns[] = {
	[VERSION_NAME] = { "version", TEXT, "Release of the kernel.", VERSION },
	[ARGUMENTS] = { "arguments", TEXT, "Its arguments, except the two below." },
	[PATH] = { "path", TEXT, "Path of its image, as the boot loader names it." },
	[DEVICE] = { "device", TEXT, "Device of the root file system." },
};

static void give_version(struct scan *scan)
{
	char *text = scan_read(scan, "proc/version", NULL);
	char *second, *third;

	if (!text || !text_word(&text, " \n"))
		return;
	second = text_word(&text, " \n");
	third = text_word(&text, " \n");
	if (third && strcmp(second, "version") == 0)
		scan_text(scan, VERSION_NAME, third);
}

static void give_arguments(struct scan *scan)
{
	static const char image[] = "BOOT_IMAGE=", root[] = "root=";
	char *text = scan_read(scan, "proc/cmdline", NULL);
	auto_text struct text rest = { 0 };
	char *word;

	while (text && (word = text_word(&text, " \t\n"))) {
		if (text_starts(word, image)) {
			scan_text(scan, PATH, word + strlen(image));
		} else if (text_starts(word, root)) {
			scan_text(scan, DEVICE, word + strlen(root));
		} else {
			if (rest.length)
				text_add_char(&rest, ' ');
			text_add_string(&rest, word);
		}
	}
	scan_bytes(scan, ARGUMENTS, rest.bytes, rest.length);
}

static int generate(struct scan *scan, struct fault *why)
{
	(void) why; // what cannot be read is missing
	scan_row(scan);
	if (scan_wants(scan, VERSION_NAME))
		give_version(scan);
	give_arguments(scan);
	return 0;
}

const struct table table_kernel_info = {
	.name = "kernel_info",
	.about = "The running kernel and its arguments.",
	COLUMNS(columns),
	EXAMPLES("SELECT version, arguments FROM kernel_info"),
	.attributes = CACHEABLE,
	.estimate.rows = 1,
	.generate = generate,
};
