// SPDX-License-Identifier: Apache-2.0
// Fuzzes records of the kernel programs: whatever a record is, all that is taken out of it lies
// within it, and what is accepted makes whole paths.
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "events/bpf_decode.h"

static void join(const struct wire_slice *slice)
{
	static const char *const bases[] = { "", "/", "/srv/data" };

	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		size_t room = strlen(bases[i]) + slice->about->length + 2u;
		char *path = must_alloc(room); // no more than what is needed
		ssize_t length = wire_join(path, room, bases[i], slice);

		if (length < 1 || strlen(path) > (size_t) length || path[0] != '/')
			abort();
		if (wire_join(path, (size_t) length, bases[i], slice) >= 0)
			abort(); // there was no room for the NUL
		free(path);
	}
}

static unsigned add(const char *bytes, size_t length)
{
	unsigned sum = 0;

	for (size_t i = 0; i < length; i++)
		sum += (unsigned char) bytes[i];
	return sum;
}

static unsigned look(const struct wire_view *view)
{
	switch (view->record->form) {
	case WIRE_FILE:
		join(&view->file.names);
		return view->file.part->inode.mode;
	case WIRE_PATHS:
		join(&view->paths.folders[0]);
		join(&view->paths.folders[1]);
		return add(view->paths.strings[0], view->paths.part->paths[0].length) +
			add(view->paths.strings[1], view->paths.part->paths[1].length);
	case WIRE_EXEC:
		join(&view->exec.cwd);
		join(&view->exec.executable);
		join(&view->exec.cgroup);
		return add(view->exec.arguments, view->exec.part->arguments);
	case WIRE_SOCKET:
		return add((const char *) view->socket->local, view->socket->local_length) +
			add((const char *) view->socket->remote, view->socket->remote_length);
	default:
		return 0;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	char *record = must_alloc(length + 1); // aligned as in the ring
	struct wire_view view;
	struct event event;
	volatile unsigned sum = 0;

	memcpy(record, bytes, length);
	if (length >= sizeof(struct wire_record)) // most of what is tried shall get past it
		((struct wire_record *) (void *) record)->size = (uint32_t) length;
	if (wire_decode(&view, record, length) == 0) {
		wire_event(&event, view.record, 0);
		sum += look(&view) + (unsigned) event.error;
	}
	free(record);
	return 0;
}
