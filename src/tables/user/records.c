// SPDX-License-Identifier: Apache-2.0
#include "tables/user/records.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int records_open(struct records *records, const struct root *root, const char *path)
{
	struct stat status;

	records->fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	if (records->fd < 0) {
		records->fd = 0;
		return -errno;
	}
	if (fstat(records->fd, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) ? 0 : -EINVAL;
}

static void read_more(struct records *records)
{
	size_t length = 0;
	ssize_t got;

	records->at = records->n = 0;
	do {
		got = read(records->fd, (char *) records->records + length,
			sizeof(records->records) - length);
		if (got > 0)
			length += (size_t) got;
	} while ((got > 0 && length < sizeof(records->records)) || (got < 0 && errno == EINTR));
	records->n = length / sizeof(records->records[0]);
}

const struct utmp *records_next(struct records *records)
{
	if (records->fd == 0)
		return NULL;
	if (records->at == records->n)
		read_more(records);
	return records->at < records->n ? &records->records[records->at++] : NULL;
}

void records_close(struct records *records)
{
	if (records->fd > 0)
		(void) close(records->fd);
	records->fd = 0;
}

void record_give(struct scan *scan, unsigned column, const char *field, size_t size)
{
	scan_bytes(scan, column, field, strnlen(field, size));
}
