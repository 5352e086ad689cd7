// SPDX-License-Identifier: Apache-2.0
#include "daemon/title.h"

#include <fcntl.h>
#include <string.h>

#include "base/base.h"

// The kernel keeps where arguments and environment lie: fields 48 to 51 of /proc/self/stat.
enum { ARGUMENTS_BEGIN = 48, N_BOUNDS = 4, FIRST_FIELD = 3 };

static bool read_bounds(uint64_t bounds[N_BOUNDS])
{
	char stat[2048];
	char *rest, *word;

	if (read_small(AT_FDCWD, "/proc/self/stat", stat, sizeof(stat)) < 0)
		return false;
	rest = strrchr(stat, ')'); // the name before it may hold anything
	if (!rest)
		return false;
	rest++;
	for (int field = FIRST_FIELD; field < ARGUMENTS_BEGIN; field++)
		if (!text_word(&rest, " "))
			return false;
	for (int i = 0; i < N_BOUNDS; i++) {
		word = text_word(&rest, " \n");
		if (!word || text_unsigned(word, 10, &bounds[i]) < 0 || bounds[i] == 0)
			return false;
	}
	return true;
}

void title_open(struct title *title)
{
	uint64_t bounds[N_BOUNDS];

	*title = (struct title){ 0 };
	if (!read_bounds(bounds) || bounds[1] <= bounds[0] || bounds[2] != bounds[1] ||
		bounds[3] < bounds[2])
		return;
	for (char **entry = environ; *entry; entry++)
		if ((uintptr_t) *entry >= bounds[2] && (uintptr_t) *entry < bounds[3])
			*entry = must_dup(*entry);
	title->area = (char *) (uintptr_t) bounds[0];
	title->arguments = (size_t) (bounds[1] - bounds[0]);
	title->room = (size_t) (bounds[3] - bounds[0]);
}

void title_set(const struct title *title, const char *text)
{
	size_t length = strlen(text);

	if (!title->area)
		return;
	if (length >= title->room)
		length = title->room - 1;
	memset(title->area, 0, title->room);
	// Where the last byte of the arguments is no NUL, the kernel shows the text up to its NUL,
	// and not the whole area.
	title->area[title->arguments - 1] = ' ';
	memcpy(title->area, text, length);
	title->area[length] = '\0';
}
