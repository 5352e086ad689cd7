// SPDX-License-Identifier: Apache-2.0
// The kernel's message is "add@/devices/…" and then NAME=value, each ended by a NUL. That of udevd
// begins with a head:
//
//	 0 "libudev" and a NUL
//	 8 0xfeedcafe, big endian
//	12 length of the head	16 where the properties begin	20 their length; as the host counts
#include "events/uevent.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

struct head {
	char name[8];
	uint32_t magic, head_bytes, properties_at, properties_bytes;
};
_Static_assert(sizeof(struct head) == 24, "as it is sent");

const char *uevent_field(const struct uevent *uevent, const char *name)
{
	for (size_t i = 0; i < uevent->n; i++)
		if (strcmp(uevent->fields[i].name, name) == 0)
			return uevent->fields[i].value;
	return NULL;
}

void uevent_add(struct uevent *uevent, const char *name, const char *value)
{
	if (uevent->n < UEVENT_FIELDS)
		uevent->fields[uevent->n++] = (struct event_field){ name, value };
}

// Where the properties are; false when the message has none.
static bool find_properties(const char **bytes, size_t *length)
{
	static const char name[8] = "libudev";
	struct head head;
	const char *end;

	if (*length >= sizeof(head) && memcmp(*bytes, name, sizeof(name)) == 0) {
		memcpy(&head, *bytes, sizeof(head));
		if (ntohl(head.magic) != 0xfeedcafe || head.properties_at > *length ||
			head.properties_bytes > *length - head.properties_at)
			return false;
		*bytes += head.properties_at;
		*length = head.properties_bytes;
		return true;
	}
	end = memchr(*bytes, '\0', *length);
	if (!end || !memchr(*bytes, '@', (size_t) (end - *bytes)))
		return false;
	*length -= (size_t) (end + 1 - *bytes);
	*bytes = end + 1;
	return true;
}

bool uevent_read(const char *bytes, size_t length, struct arena *arena, struct uevent *uevent)
{
	const char *node;

	uevent->n = 0;
	if (!find_properties(&bytes, &length))
		return false;
	while (length > 0) {
		size_t part = strnlen(bytes, length);
		char *text = arena_copy(arena, bytes, part);
		char *value = strchr(text, '=');

		if (value && value > text) {
			*value++ = '\0';
			uevent_add(uevent, text, value);
		}
		part += part < length; // its NUL
		bytes += part;
		length -= part;
	}
	node = uevent_field(uevent, "DEVNAME");
	if (node && *node)
		uevent_add(uevent, "devnode",
			*node == '/' ? node : arena_printf(arena, "/dev/%s", node));
	uevent->fields[uevent->n] = (struct event_field){ NULL, NULL };
	return uevent_field(uevent, "ACTION") != NULL;
}
