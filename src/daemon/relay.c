// SPDX-License-Identifier: Apache-2.0
#include "daemon/relay.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

// What a packet begins with; file name and text follow, each with a NUL.
struct head {
	int64_t time_us;
	int severity, line;
};

void relay_open(struct relay *relay)
{
	int pair[2];

	*relay = (struct relay){ -1, -1 };
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK | O_DIRECT) < 0)
		return;
	*relay = (struct relay){ pair[0], pair[1] };
}

void relay_close(struct relay *relay)
{
	if (relay->in >= 0)
		(void) close(relay->in);
	if (relay->out >= 0)
		(void) close(relay->out);
	*relay = (struct relay){ -1, -1 };
}

void relay_send(const struct relay *relay, const struct log_entry *entry)
{
	char bytes[PACKET_BYTES];
	struct head head = { entry->time_us, (int) entry->severity, entry->line };
	int length;

	if (relay->out < 0)
		return;
	memcpy(bytes, &head, sizeof(head));
	length = snprintf(bytes + sizeof(head), sizeof(bytes) - sizeof(head), "%s%c%s", entry->file,
		'\0', entry->text);
	if (length < 0)
		return;
	if ((size_t) length >= sizeof(bytes) - sizeof(head))
		length = (int) (sizeof(bytes) - sizeof(head)) - 1;
	(void) !write(relay->out, bytes, sizeof(head) + (size_t) length + 1);
}

bool relay_receive(const struct relay *relay, struct relayed *relayed)
{
	ssize_t length = relay->in < 0
		? -1
		: read(relay->in, relayed->bytes, sizeof(relayed->bytes) - 1);
	struct head head;
	size_t file;

	if (length < (ssize_t) sizeof(head) + 1)
		return false;
	relayed->bytes[length] = '\0';
	memcpy(&head, relayed->bytes, sizeof(head));
	file = strlen(relayed->bytes + sizeof(head)) + 1;
	relayed->entry = (struct log_entry){
		.severity = (enum severity) head.severity,
		.time_us = head.time_us,
		.file = relayed->bytes + sizeof(head),
		.line = head.line,
		.text = sizeof(head) + file < (size_t) length ? relayed->bytes + sizeof(head) + file
							      : "",
	};
	return true;
}
