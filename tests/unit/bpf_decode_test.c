// SPDX-License-Identifier: Apache-2.0
// Records of the kernel programs, as bytes: whole, cut off, and wrong.
#include "test.h"

#include <errno.h>

#include "events/bpf_decode.h"

static union {
	_Alignas(8) unsigned char bytes[4096];
	struct {
		struct wire_record record;
		union {
			struct {
				struct wire_file file;
				char file_text[1024];
			};
			struct {
				struct wire_paths paths;
				char paths_text[1024];
			};
			struct {
				struct wire_exec exec;
				char exec_text[1024];
			};
			struct wire_socket socket;
			struct wire_kill kill;
		};
	};
} given;

static void begin(unsigned kind, unsigned form, size_t part)
{
	memset(&given, 0, sizeof(given));
	given.record.kind = (unsigned char) kind;
	given.record.form = (unsigned char) form;
	given.record.size = (uint32_t) (sizeof(given.record) + part);
}

static size_t add_text(char *text, size_t at, const char *more, size_t length)
{
	memcpy(text + at, more, length);
	given.record.size += (uint32_t) length;
	return at + length;
}

static void make_file(void)
{
	begin(EVENT_OPEN, WIRE_FILE, sizeof(given.file));
	given.file.names = (struct wire_names){ .length = 12, .base = WIRE_BASE_WATCH };
	(void) add_text(given.file_text, 0, "passwd\0conf\0", 12);
}

static void make_paths(void)
{
	size_t at;

	begin(EVENT_RENAME, WIRE_PATHS, sizeof(given.paths));
	given.paths.paths[0] = (struct wire_path){ { 0, 4, WIRE_BASE_ROOT, 0 }, 3, 0, -100 };
	given.paths.paths[1] = (struct wire_path){ { 0, 0, WIRE_BASE_ROOT, 0 }, 5, 0, -100 };
	at = add_text(given.paths_text, 0, "tmp\0", 4);
	at = add_text(given.paths_text, at, "a/b", 3);
	(void) add_text(given.paths_text, at, "/etc/", 5);
}

static void make_exec(void)
{
	size_t at;

	begin(EVENT_EXEC, WIRE_EXEC, sizeof(given.exec));
	given.exec.cwd.length = 0;
	given.exec.executable.length = 9;
	given.exec.cgroup.length = 6;
	given.exec.arguments = 8;
	at = add_text(given.exec_text, 0, "cat\0bin\0\0", 9);
	at = add_text(given.exec_text, at, "slice\0", 6);
	(void) add_text(given.exec_text, at, "cat\0-v\0x", 8);
}

static void make_socket(void)
{
	begin(EVENT_CONNECT, WIRE_SOCKET, sizeof(given.socket));
	given.socket.local_length = 16;
	given.socket.remote_length = WIRE_ADDRESS;
}

static int decode(struct wire_view *view)
{
	return wire_decode(view, given.bytes, given.record.size);
}

TEST(a_file_is_told_by_its_names_below_a_watch)
{
	struct wire_view view;
	char path[64];

	make_file();
	CHECK(decode(&view) == 0);
	CHECK(wire_join(path, sizeof(path), "/srv/data", &view.file.names) == 21);
	CHECK_TEXT(path, "/srv/data/conf/passwd");
	CHECK(wire_join(path, sizeof(path), "/", &view.file.names) == 12);
	CHECK_TEXT(path, "/conf/passwd");
	CHECK(wire_join(path, 13, "", &view.file.names) == -ENAMETOOLONG);
	CHECK(wire_join(path, 14, "", &view.file.names) == 12);
}

TEST(no_names_below_a_base_are_the_base)
{
	const struct wire_names none = { 0 };
	const struct wire_slice slice = { &none, "" };
	char path[64];

	CHECK(wire_join(path, sizeof(path), "", &slice) == 1);
	CHECK_TEXT(path, "/");
	CHECK(wire_join(path, sizeof(path), "/", &slice) == 1);
	CHECK_TEXT(path, "/");
	CHECK(wire_join(path, sizeof(path), "/etc", &slice) == 4);
	CHECK_TEXT(path, "/etc");
}

TEST(two_paths_are_told_apart)
{
	struct wire_view view;

	make_paths();
	CHECK(decode(&view) == 0);
	CHECK(memcmp(view.paths.strings[0], "a/b", 3) == 0);
	CHECK(memcmp(view.paths.strings[1], "/etc/", 5) == 0);
	CHECK(view.paths.folders[0].about->length == 4);
}

TEST(an_exec_has_its_texts_one_after_another)
{
	struct wire_view view;
	char path[64];

	make_exec();
	CHECK(decode(&view) == 0);
	CHECK(wire_join(path, sizeof(path), "", &view.exec.cgroup) == 6);
	CHECK_TEXT(path, "/slice");
	CHECK(memcmp(view.exec.arguments, "cat\0-v\0x", 8) == 0);
	// an empty name is odd, but no reason to read elsewhere
	CHECK(wire_join(path, sizeof(path), "", &view.exec.executable) == 9);
}

TEST(a_record_that_is_cut_off_anywhere_is_refused)
{
	static void (*const make[])(void) = { make_file, make_paths, make_exec, make_socket };

	for (size_t i = 0; i < sizeof(make) / sizeof(make[0]); i++) {
		struct wire_view view;
		uint32_t size;

		make[i]();
		size = given.record.size;
		CHECK(decode(&view) == 0);
		for (uint32_t length = 0; length < size; length++) {
			CHECK(wire_decode(&view, given.bytes, length) == -EINVAL);
			given.record.size = length; // also when it says so itself
			CHECK(wire_decode(&view, given.bytes, length) == -EINVAL);
			given.record.size = size;
		}
		given.record.size = size + 1;
		CHECK(decode(&view) == -EINVAL); // or has more than it says
	}
}

TEST(names_without_an_end_are_refused)
{
	struct wire_view view;

	make_file();
	given.file_text[11] = 'x';
	CHECK(decode(&view) == -EINVAL);
}

TEST(a_string_of_a_program_has_no_nul_within)
{
	struct wire_view view;

	make_paths();
	given.paths_text[5] = '\0';
	CHECK(decode(&view) == -EINVAL);
}

TEST(lengths_beyond_the_record_are_refused)
{
	struct wire_view view;

	make_file();
	given.file.names.length = 13;
	CHECK(decode(&view) == -EINVAL);
	make_exec();
	given.exec.arguments = UINT32_MAX;
	CHECK(decode(&view) == -EINVAL);
	make_socket();
	given.socket.local_length = WIRE_ADDRESS + 1;
	CHECK(decode(&view) == -EINVAL);
}

TEST(a_kind_is_told_in_its_own_form_only)
{
	struct wire_view view;

	make_socket();
	given.record.kind = EVENT_OPEN;
	CHECK(decode(&view) == -EINVAL);
	given.record.kind = 255;
	CHECK(decode(&view) == -EINVAL);
	make_socket();
	given.record.form = WIRE_NOTHING;
	CHECK(decode(&view) == -EINVAL);
	given.record.form = 200;
	CHECK(decode(&view) == -EINVAL);
}

TEST(what_all_records_say_is_taken_over)
{
	struct wire_view view;
	struct event event;

	begin(EVENT_KILL, WIRE_KILL, sizeof(given.kill));
	given.record.pid = 5;
	given.record.ids[9] = 77;
	given.record.time_ns = 1000;
	given.record.result = -3;
	CHECK(decode(&view) == 0);
	wire_event(&event, view.record, 500);
	CHECK(event.kind == EVENT_KILL && event.pid == 5 && event.ids.session == 77);
	CHECK(event.time_ns == 1500 && event.uptime_ns == 1000);
	CHECK(event.error == 3 && event.result == -3);
	CHECK(wire_ticks(1234567890123) == 123456);
	CHECK(wire_device(8 << 20 | 1) == 0x801);
}
