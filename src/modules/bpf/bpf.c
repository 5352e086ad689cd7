// SPDX-License-Identifier: Apache-2.0
#include "modules/bpf/bpf.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "events.skel.h"

static const char *const map_names[N_BPF_MAPS] = { "ring", "settings", "calls", "watches",
	"counters", "answer" };
static const char *const link_names[N_BPF_LINKS] = { "on_enter", "on_leave", "on_exec", "on_fork",
	"on_exit" };

// As fail() of base/fault.h, which no module is linked with.
__attribute__((format(printf, 3, 4))) static int refuse(
	struct fault *why, int code, const char *format, ...)
{
	va_list arguments;

	if (!why)
		return code;
	why->code = code;
	errno = -code;
	va_start(arguments, format);
	(void) vsnprintf(why->text, sizeof(why->text), format, arguments);
	va_end(arguments);
	return code;
}

// What libbpf complained about last: it says so to a function without a context.
static _Thread_local char complaint[200];

static int keep_complaint(enum libbpf_print_level level, const char *format, va_list arguments)
{
	if (level != LIBBPF_WARN || complaint[0] != '\0')
		return 0;
	(void) vsnprintf(complaint, sizeof(complaint), format, arguments);
	complaint[strcspn(complaint, "\n")] = '\0';
	return 0;
}

static uint64_t version(void)
{
	uint64_t hash = UINT64_C(14695981039346656037); // FNV-1a
	const unsigned char *bytes;
	size_t size;

	bytes = events_bpf__elf_bytes(&size);
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
	return hash;
}

static void close_all(struct bpf_loaded *loaded)
{
	for (size_t i = 0; i < N_BPF_LINKS; i++)
		if (loaded->links[i] >= 0)
			(void) close(loaded->links[i]);
	for (size_t i = 0; i < N_BPF_MAPS; i++)
		if (loaded->maps[i] >= 0)
			(void) close(loaded->maps[i]);
	if (loaded->locate >= 0)
		(void) close(loaded->locate);
	memset(loaded, 0xff, sizeof(*loaded));
}

static int duplicate(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static int attach(struct bpf_loaded *loaded, struct events_bpf *programs, struct fault *refused)
{
	for (size_t i = 0; i < N_BPF_LINKS; i++) {
		struct bpf_program *program = bpf_object__find_program_by_name(
			programs->obj, link_names[i]);
		struct bpf_link *link = program ? bpf_program__attach(program) : NULL;

		if (!link) {
			if (refused->code == 0)
				(void) refuse(refused, -errno, "%s: %m", link_names[i]);
			continue;
		}
		loaded->links[i] = duplicate(bpf_link__fd(link));
		(void) bpf_link__destroy(link); // the program runs on: there is another descriptor
		if (loaded->links[i] < 0)
			return -errno;
	}
	return 0;
}

static int take_descriptors(
	struct bpf_loaded *loaded, struct events_bpf *programs, struct fault *refused)
{
	for (size_t i = 0; i < N_BPF_MAPS; i++) {
		loaded->maps[i] = duplicate(
			bpf_object__find_map_fd_by_name(programs->obj, map_names[i]));
		if (loaded->maps[i] < 0)
			return -errno;
	}
	loaded->locate = duplicate(bpf_program__fd(programs->progs.locate));
	if (loaded->locate < 0)
		return -errno;
	return attach(loaded, programs, refused);
}

// Whether addresses may be taken for objects (bpf_rdonly_cast, since 6.2).
static bool find_cast(void)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	bool found = kernel && btf__find_by_name_kind(kernel, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;

	btf__free(kernel);
	return found;
}

static int open_programs(struct events_bpf **programs, uint32_t ring_bytes)
{
	struct events_bpf *opened = events_bpf__open();
	int r;

	if (!opened)
		return -errno;
	opened->rodata->can_cast = find_cast();
	r = bpf_map__set_max_entries(opened->maps.ring, ring_bytes);
	if (r == 0)
		r = bpf_map__set_max_entries(opened->maps.scratches,
			bpf_map__max_entries(opened->maps.scratches) *
				(uint32_t) libbpf_num_possible_cpus());
	if (r == 0)
		r = events_bpf__load(opened);
	if (r < 0) {
		events_bpf__destroy(opened);
		return r;
	}
	*programs = opened;
	return 0;
}

static int load(
	struct bpf_loaded *loaded, uint32_t ring_bytes, struct fault *refused, struct fault *why)
{
	struct events_bpf *programs = NULL;
	int r;

	memset(loaded, 0xff, sizeof(*loaded));
	(void) libbpf_set_print(keep_complaint);
	complaint[0] = '\0';
	r = open_programs(&programs, ring_bytes);
	if (r < 0) {
		return refuse(why, r, "the kernel refuses the programs: %m (%s)", complaint);
	}
	r = take_descriptors(loaded, programs, refused);
	events_bpf__destroy(programs);
	(void) malloc_trim(0); // the types of the kernel were some megabytes
	if (r < 0) {
		close_all(loaded);
		return refuse(why, r, "the programs cannot be used: %m");
	}
	return 0;
}

// ---- pins ----

static void name_pin(char path[], size_t size, const char *folder, const char *name)
{
	(void) snprintf(path, size, "%s/%s", folder, name);
}

static int pin_one(int fd, const char *folder, const char *name)
{
	char path[256];

	if (fd < 0)
		return 0;
	name_pin(path, sizeof(path), folder, name);
	return bpf_obj_pin(fd, path);
}

static int pin(const struct bpf_loaded *loaded, const char *folder, struct fault *why)
{
	int r = pin_one(loaded->locate, folder, "locate");

	for (size_t i = 0; r == 0 && i < N_BPF_MAPS; i++)
		r = pin_one(loaded->maps[i], folder, map_names[i]);
	for (size_t i = 0; r == 0 && i < N_BPF_LINKS; i++)
		r = pin_one(loaded->links[i], folder, link_names[i]);
	if (r < 0) {
		return refuse(why, r, "%s: %m", folder);
	}
	return 0;
}

static int reopen_one(int *fd, const char *folder, const char *name)
{
	char path[256];

	name_pin(path, sizeof(path), folder, name);
	*fd = bpf_obj_get(path);
	return *fd < 0 ? *fd : 0;
}

static int reopen(struct bpf_loaded *loaded, const char *folder, struct fault *why)
{
	int r;

	memset(loaded, 0xff, sizeof(*loaded));
	r = reopen_one(&loaded->locate, folder, "locate");
	for (size_t i = 0; r == 0 && i < N_BPF_MAPS; i++)
		r = reopen_one(&loaded->maps[i], folder, map_names[i]);
	for (size_t i = 0; r == 0 && i < N_BPF_LINKS; i++)
		r = reopen_one(&loaded->links[i], folder, link_names[i]);
	if (r < 0) {
		close_all(loaded);
		return refuse(why, r, "%s: %m", folder);
	}
	return 0;
}

// ---- maps and programs ----

static int update(int map, const void *key, const void *value)
{
	return bpf_map_update_elem(map, key, value, BPF_ANY);
}

static int ask(int map, uint32_t *id, uint32_t *entries)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	int r = bpf_obj_get_info_by_fd(map, &info, &size);

	if (r < 0)
		return r;
	*id = info.id;
	*entries = info.max_entries;
	return 0;
}

static int run(int program, uint64_t argument)
{
	uint64_t arguments[12] = { argument };
	LIBBPF_OPTS(
		bpf_test_run_opts, options, .ctx_in = arguments, .ctx_size_in = sizeof(arguments));

	return bpf_prog_test_run_opts(program, &options);
}

static uint64_t missed(int link)
{
	struct bpf_link_info link_info = { 0 };
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(link_info);
	int program;

	if (bpf_obj_get_info_by_fd(link, &link_info, &size) < 0)
		return 0;
	program = bpf_prog_get_fd_by_id(link_info.prog_id);
	if (program < 0)
		return 0;
	size = sizeof(info);
	(void) bpf_obj_get_info_by_fd(program, &info, &size);
	(void) close(program);
	return info.recursion_misses;
}

__attribute__((visibility("default"))) extern const struct bpf_library module_bpf;
const struct bpf_library module_bpf = {
	.version = version,
	.load = load,
	.pin = pin,
	.reopen = reopen,
	.close = close_all,
	.update = update,
	.lookup = bpf_map_lookup_elem,
	.remove = bpf_map_delete_elem,
	.next = bpf_map_get_next_key,
	.ask = ask,
	.run = run,
	.missed = missed,
	.processors = libbpf_num_possible_cpus,
};
