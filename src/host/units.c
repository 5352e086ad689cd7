// SPDX-License-Identifier: Apache-2.0
#include "host/units.h"

#include <string.h>

#include "base/module.h"

static void take_field(void *context, const char *field)
{
	text_add(context, field, strlen(field) + 1);
}

int units_fetch(struct arena *arena, char **bytes, size_t *size_bytes, struct fault *why)
{
	const struct bus_library *library = module_open("bus", why);
	auto_text struct text text = { 0 };
	char reason[200] = "";
	int r;

	if (!library)
		return why->code;
	r = library->units(take_field, &text, reason, sizeof(reason));
	if (r < 0)
		return fail(why, r, "systemd: %s", reason);
	*bytes = arena_copy(arena, text.length ? text.bytes : "", text.length);
	*size_bytes = text.length;
	return 0;
}

bool units_next(const char **bytes, size_t *size_bytes, struct unit *unit)
{
	for (int i = 0; i < UNIT_FIELDS; i++) {
		const char *end = memchr(*bytes, '\0', *size_bytes);

		if (!end)
			return false;
		unit->fields[i] = *bytes;
		*size_bytes -= (size_t) (end + 1 - *bytes);
		*bytes = end + 1;
	}
	return true;
}
