// SPDX-License-Identifier: Apache-2.0
#pragma once
// Tells the service manager how it goes: the protocol of sd_notify(3), by hand.

#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

struct notify {
	int fd; // -1: nobody listens
	struct sockaddr_un address;
	socklen_t address_length;
	int64_t ping_ms; // how often WATCHDOG=1 is to be sent; 0: never
};

// Reads the environment, and takes the variables out of it: they are not for other processes.
void notify_open(struct notify *notify);
void notify_close(struct notify *notify);

// Sends lines NAME=VALUE. A message that nobody takes is lost.
__attribute__((format(printf, 2, 3))) void notify_send(
	const struct notify *notify, const char *format, ...);
