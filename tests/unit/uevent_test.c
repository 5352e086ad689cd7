// SPDX-License-Identifier: Apache-2.0
#include "events/uevent.h"

#include <arpa/inet.h>

#include "test.h"

static bool read_bytes(const void *bytes, size_t length, struct arena *arena, struct uevent *uevent)
{
	// of its own size, so that a sanitizer sees a step too far
	char *copy = memcpy(malloc(length + 1), bytes, length);
	bool read = uevent_read(copy, length, arena, uevent);

	free(copy);
	return read;
}

static const char of_kernel[] = "add@/devices/virtual/block/loop0\0ACTION=add\0"
				"DEVPATH=/devices/virtual/block/loop0\0SUBSYSTEM=block\0"
				"DEVNAME=loop0\0DEVTYPE=disk\0SEQNUM=1";

// As udevd sends it: 40 bytes of head.
static size_t of_udevd(char *bytes, uint32_t magic, uint32_t at, uint32_t length)
{
	static const char properties[] = "ACTION=change\0DEVNAME=/dev/sda\0ID_MODEL=Disk";
	uint32_t numbers[] = { htonl(magic), 40, at, length };

	memset(bytes, 0, 40);
	memcpy(bytes, "libudev", 8);
	memcpy(bytes + 8, numbers, sizeof(numbers));
	memcpy(bytes + 40, properties, sizeof(properties));
	return 40 + sizeof(properties);
}

TEST(a_message_of_the_kernel_is_read)
{
	struct arena arena = { 0 };
	struct uevent uevent;

	CHECK(read_bytes(of_kernel, sizeof(of_kernel), &arena, &uevent));
	CHECK_TEXT(uevent_field(&uevent, "ACTION"), "add");
	CHECK_TEXT(uevent_field(&uevent, "DEVTYPE"), "disk");
	CHECK_TEXT(uevent_field(&uevent, "devnode"), "/dev/loop0");
	CHECK(!uevent_field(&uevent, "ID_MODEL"));
	arena_done(&arena);
}

TEST(a_message_of_udevd_is_read)
{
	struct arena arena = { 0 };
	struct uevent uevent;
	char bytes[128];
	size_t length = of_udevd(bytes, 0xfeedcafe, 40, 45);

	CHECK(read_bytes(bytes, length, &arena, &uevent));
	CHECK_TEXT(uevent_field(&uevent, "ACTION"), "change");
	CHECK_TEXT(uevent_field(&uevent, "devnode"), "/dev/sda");
	CHECK_TEXT(uevent_field(&uevent, "ID_MODEL"), "Disk");
	arena_done(&arena);
}

TEST(a_head_that_lies_is_refused)
{
	struct arena arena = { 0 };
	struct uevent uevent;
	char bytes[128];
	size_t length = of_udevd(bytes, 0xfeedbeef, 40, 45);

	CHECK(!read_bytes(bytes, length, &arena, &uevent));
	length = of_udevd(bytes, 0xfeedcafe, 200, 10);
	CHECK(!read_bytes(bytes, length, &arena, &uevent));
	length = of_udevd(bytes, 0xfeedcafe, 40, UINT32_MAX);
	CHECK(!read_bytes(bytes, length, &arena, &uevent));
	CHECK(!read_bytes("libudev", 8, &arena, &uevent));
	CHECK(!read_bytes("no message", 10, &arena, &uevent));
	CHECK(!read_bytes("", 0, &arena, &uevent));
	arena_done(&arena);
}

TEST(a_message_that_is_cut_anywhere_ends_there)
{
	for (size_t length = 0; length < sizeof(of_kernel); length++) {
		struct arena arena = { 0 };
		struct uevent uevent;

		(void) read_bytes(of_kernel, length, &arena, &uevent);
		arena_done(&arena);
	}
}

TEST(too_many_properties_are_cut)
{
	struct arena arena = { 0 };
	struct uevent uevent;
	char bytes[8192] = "add@/x";
	size_t length = 7;

	for (int i = 0; i < 1000; i++)
		length += (size_t) snprintf(bytes + length, 8, "A%d=1", i) + 1;
	CHECK(!read_bytes(bytes, length, &arena, &uevent)); // none of them is the action
	CHECK(uevent.n == UEVENT_FIELDS);
	arena_done(&arena);
}
