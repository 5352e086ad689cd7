// SPDX-License-Identifier: Apache-2.0
#include "events/process.h"

#include <sys/wait.h>

#include "test.h"

struct place {
	struct root root;
	struct processes *processes;
};

static void open_place(struct place *place)
{
	struct fault why;

	CHECK(root_open(&place->root, "/", &why) == 0);
	place->processes = processes_open(&place->root);
}

static void close_place(struct place *place)
{
	processes_close(place->processes);
	root_close(&place->root);
}

// Ids that no process of this host has.
enum { FIRST = 5000000 };

static const struct process *start(
	struct place *place, uint32_t pid, uint64_t ticks, const char *path)
{
	return processes_exec(place->processes,
		&(struct process_image){ .pid = pid,
			.start_ticks = ticks,
			.path = path,
			.cmdline = path,
			.cwd = "/" });
}

TEST(a_child_has_what_its_parent_had_until_it_becomes_another_program)
{
	struct place place;
	const struct process *child;
	struct credentials ids = { .uid = 7, .auid = 9 };

	open_place(&place);
	(void) start(&place, FIRST, 10, "/bin/sh");
	child = processes_fork(place.processes, FIRST, FIRST + 1, 20, &ids);
	CHECK(strcmp(child->path, "/bin/sh") == 0 && child->ppid == FIRST);
	CHECK(child->ids.uid == 7 && child->ids.auid == 9);
	CHECK(child->parent->pid == FIRST);
	child = start(&place, FIRST + 1, 20, "/bin/true");
	CHECK(strcmp(child->path, "/bin/true") == 0 && child->parent->pid == FIRST);
	CHECK(strcmp(child->parent->path, "/bin/sh") == 0);
	close_place(&place);
}

TEST(ancestors_are_named_when_they_are_gone)
{
	struct place place;
	const struct process *last;

	open_place(&place);
	(void) start(&place, FIRST, 10, "/bin/\"a\"");
	(void) processes_fork(place.processes, FIRST, FIRST + 1, 20, NULL);
	(void) start(&place, FIRST + 1, 20, "/bin/b");
	last = processes_fork(place.processes, FIRST + 1, FIRST + 2, 30, NULL);
	processes_exit(place.processes, FIRST, 10);
	processes_exit(place.processes, FIRST + 1, 20);
	CHECK(strcmp(process_ancestry(place.processes, last),
		      "[{\"pid\":5000001,\"key\":\"5000001-20\",\"path\":\"/bin/b\"},"
		      "{\"pid\":5000000,\"key\":\"5000000-10\",\"path\":\"/bin/\\\"a\\\"\"}]") ==
		0);
	close_place(&place);
}

TEST(an_ancestor_that_becomes_another_program_is_named_so_from_then_on)
{
	struct place place;
	const struct process *last;

	open_place(&place);
	(void) start(&place, FIRST, 10, "/bin/a");
	(void) processes_fork(place.processes, FIRST, FIRST + 1, 20, NULL);
	last = processes_fork(place.processes, FIRST + 1, FIRST + 2, 30, NULL);
	CHECK(strstr(process_ancestry(place.processes, last), "/bin/a\"},"));
	(void) start(&place, FIRST + 3, 40, "/bin/other");
	CHECK(strstr(process_ancestry(place.processes, last), "/bin/a\"},"));
	(void) start(&place, FIRST, 10, "/bin/c");
	CHECK(strstr(process_ancestry(place.processes, last), "/bin/c\"}]"));
	close_place(&place);
}

TEST(an_id_that_is_used_again_is_another_process)
{
	struct place place;
	const struct process *child;
	char key[PROCESS_KEY];

	open_place(&place);
	(void) start(&place, FIRST, 10, "/bin/old");
	child = processes_fork(place.processes, FIRST, FIRST + 1, 20, NULL);
	(void) start(&place, FIRST, 99, "/bin/new");
	CHECK(strcmp(processes_find(place.processes, FIRST, 0)->path, "/bin/new") == 0);
	CHECK(strcmp(processes_find(place.processes, FIRST, 10)->path, "/bin/old") == 0);
	CHECK(strcmp(child->parent->path, "/bin/old") == 0);
	process_key(child->parent, key);
	CHECK(strcmp(key, "5000000-10") == 0);
	close_place(&place);
}

TEST(many_that_have_ended_are_forgotten)
{
	struct place place;

	open_place(&place);
	for (uint32_t i = 0; i < 50000; i++) {
		(void) start(&place, FIRST + i, 10, "/bin/true");
		processes_exit(place.processes, FIRST + i, 10);
	}
	CHECK(processes_n(place.processes) < 5000);
	CHECK(processes_find(place.processes, FIRST + 49999, 10));
	close_place(&place);
}

TEST(processes_that_run_are_known_with_their_parents)
{
	struct place place;
	const struct process *self;

	open_place(&place);
	processes_scan(place.processes);
	self = processes_find(place.processes, (uint32_t) getpid(), 0);
	CHECK(self && strstr(self->path, "process_test") && self->ids.uid == getuid());
	CHECK(self->parent && self->parent->pid == (uint32_t) getppid());
	CHECK(strstr(self->cmdline, "process_test"));
	CHECK(processes_find(place.processes, FIRST, 0) == NULL);
	close_place(&place);
}

TEST(nobody_becomes_its_own_ancestor)
{
	struct place place;

	open_place(&place);
	(void) start(&place, FIRST, 10, "/a");
	(void) processes_fork(place.processes, FIRST, FIRST + 1, 20, NULL);
	(void) processes_fork(place.processes, FIRST + 1, FIRST, 10, NULL);
	(void) processes_fork(place.processes, FIRST, FIRST, 10, NULL);
	CHECK(process_ancestry(place.processes, processes_find(place.processes, FIRST + 1, 0)));
	close_place(&place);
}

TEST(containers_are_found_in_the_paths_of_control_groups)
{
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	static const struct {
		const char *path, *id;
	} cases[] = {
		{ "/docker/" ID, ID },
		{ "/system.slice/docker-" ID ".scope", ID },
		{ "/machine.slice/libpod-" ID ".scope/container", ID },
		{ "/kubepods.slice/kubepods-pod1.slice/cri-containerd-" ID ".scope", ID },
		{ "/kubepods/besteffort/pod123/" ID, ID },
		{ "/kubepods.slice/kubepods-pod1.slice/crio-" ID ".scope", ID },
		{ "/lxc.payload.web1/init.scope", "web1" },
		{ "/lxc/web2", "web2" },
		{ "/machine.slice/machine-deb.scope", "deb" },
		{ "/user.slice/user-0.slice", "" },
		{ "/", "" },
		{ "", "" },
		{ "/docker/" ID "0", "" },
	};
	char id[65];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		container_of_cgroup(cases[i].path, id);
		CHECK(strcmp(id, cases[i].id) == 0);
	}
}
