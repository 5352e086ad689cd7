// SPDX-License-Identifier: Apache-2.0
#include "host/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { FIRST_ROOM_BYTES = 32 << 10 };

int lines_open(struct lines *lines, const struct root *root, const char *path)
{
	int fd = root_openat(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	int error = errno;
	struct stat status;

	if (lines->buffer && lines->fd >= 0)
		(void) close(lines->fd);
	if (!lines->buffer)
		lines->buffer = must_alloc(lines->room = FIRST_ROOM_BYTES);
	lines->fd = fd;
	lines->from = lines->to = 0;
	lines->at_end = true;
	lines->cut = false;
	if (fd < 0)
		return -error;
	if (fstat(fd, &status) < 0)
		return -errno;
	lines->at_end = !S_ISREG(status.st_mode);
	return lines->at_end ? -EINVAL : 0;
}

// Reads on behind the bytes at hand; makes room for them first, up to the longest line.
static void read_more(struct lines *lines)
{
	ssize_t got;

	if (lines->at_end)
		return;
	if (lines->from > 0) {
		memmove(lines->buffer, lines->buffer + lines->from, lines->to - lines->from);
		lines->to -= lines->from;
		lines->from = 0;
	}
	if (lines->room - lines->to < 2 && lines->room <= LINES_LONGEST_BYTES) {
		lines->room *= 2;
		lines->buffer = must_resize(lines->buffer, lines->room);
	}
	do {
		got = read(lines->fd, lines->buffer + lines->to, lines->room - lines->to - 1);
	} while (got < 0 && errno == EINTR);
	if (got > 0)
		lines->to += (size_t) got;
	else
		lines->at_end = true;
}

static void give(struct lines *lines, size_t length)
{
	if (length > LINES_LONGEST_BYTES)
		length = LINES_LONGEST_BYTES;
	lines->line = lines->buffer + lines->from;
	if (length > 0 && lines->line[length - 1] == '\r')
		length--;
	lines->length = length;
	lines->line[length] = '\0';
}

// Passes over what is left of a line that was too long.
static void skip_rest(struct lines *lines)
{
	char *end = NULL;

	while (!end && !(lines->at_end && lines->from == lines->to)) {
		end = memchr(lines->buffer + lines->from, '\n', lines->to - lines->from);
		lines->from = end ? (size_t) (end + 1 - lines->buffer) : lines->to;
		if (!end)
			read_more(lines);
	}
	lines->cut = false;
}

bool lines_next(struct lines *lines)
{
	size_t looked = 0, length;

	if (!lines->buffer)
		return false;
	if (lines->cut)
		skip_rest(lines);
	for (;;) {
		char *start = lines->buffer + lines->from, *end;

		length = lines->to - lines->from;
		end = memchr(start + looked, '\n', length - looked);
		if (end) {
			give(lines, (size_t) (end - start));
			lines->from += (size_t) (end - start) + 1;
			return true;
		}
		lines->cut = length >= LINES_LONGEST_BYTES;
		if (lines->at_end || lines->cut)
			break;
		looked = length;
		read_more(lines);
	}
	give(lines, length);
	lines->from = lines->to;
	return length > 0;
}

void lines_close(struct lines *lines)
{
	if (!lines->buffer)
		return;
	if (lines->fd >= 0)
		(void) close(lines->fd);
	free(lines->buffer);
	*lines = (struct lines){ 0 };
}
