// SPDX-License-Identifier: Apache-2.0
// The tables that the firmware hands to the operating system, from /sys/firmware/acpi/tables.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "host/digest.h"
#include "host/tree.h"
#include "sql/table.h"

enum { NAME, SIZE, MD5 };

static const struct column columns[] = {
	[NAME] = { "name", TEXT, "Name of the table." },
	[SIZE] = { "size", INTEGER, "Bytes of the table; -1 if it cannot be read." },
	[MD5] = { "md5", TEXT, "Its MD5 digest.", NOCASE },
};

static void give_content(struct scan *scan, const struct tree_entry *entry, struct arena *arena)
{
	auto_close int fd = openat(
		entry->folder, entry->name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct digest digest;
	struct fault why;
	size_t size;
	char *bytes = fd < 0 ? NULL
			     : fd_read(fd, (size_t) scan_flag(scan, "read_max"), arena, &size);

	if (!bytes) {
		scan_integer(scan, SIZE, -1);
		return;
	}
	scan_integer(scan, SIZE, (int64_t) size);
	if (!scan_wants(scan, MD5))
		return;
	if (digest_bytes(bytes, size, 1 << DIGEST_MD5, &digest, &why) < 0)
		scan_warn(scan, "%s: %s", entry->name, why.text);
	else
		scan_text(scan, MD5, digest.hex[DIGEST_MD5]);
}

static int generate(struct scan *scan, struct fault *why)
{
	struct tree *tree = tree_open(scan_root(scan), "sys/firmware/acpi/tables");
	struct arena arena = { 0 };
	struct tree_entry entry;
	bool more = true;

	if (!tree) // a machine without ACPI
		return errno == ENOENT ? 0 : fail(why, -errno, "acpi_tables: %m");

	while (more && tree_next(tree, &entry)) {
		if (entry.type != DT_REG)
			continue;
		more = scan_row(scan);
		scan_text(scan, NAME, entry.name);
		// the size that the file claims is not always that of its content
		if (scan_wants(scan, SIZE) || scan_wants(scan, MD5))
			give_content(scan, &entry, &arena);
		arena_reset(&arena);
	}
	arena_done(&arena);
	tree_close(tree);
	return 0;
}

const struct table table_acpi_tables = {
	.name = "acpi_tables",
	.about = "Tables of the firmware (ACPI).",
	COLUMNS(columns),
	EXAMPLES("SELECT name, md5 FROM acpi_tables"),
	.estimate = { .rows = 20, .row = 100 },
	.generate = generate,
};
