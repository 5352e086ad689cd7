// SPDX-License-Identifier: Apache-2.0
#pragma once
// Addresses of sockets as event tables show them. Not a table: a file beside a header is shared by
// its folder.

#include "events/event.h"

enum { ADDRESS_TEXT = 128 };

// The address: IPv4 with dots, IPv6 as eight groups of four digits, the path of a Unix socket (an
// abstract name begins with '@'). False when it is none of these.
bool address_text(const struct event_address *address, char text[ADDRESS_TEXT]);

// The port of an Internet address, else -1.
int address_port(const struct event_address *address);
