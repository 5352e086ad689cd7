// SPDX-License-Identifier: Apache-2.0
#pragma once
// What kind of private key a PEM file (RFC 7468) holds, by OpenSSL's libcrypto.

#include <stdbool.h>
#include <stddef.h>

struct key_facts {
	char type[8]; // rsa, dsa, dh, ec, hmac, cmac, or empty for others
	char group_name[80]; // of a curve or of Diffie-Hellman parameters, or empty
	int length_bits;
	int security_bits;
};

struct keys_library {
	// Reads a private key that is not encrypted; never asks anybody for a password. False when
	// there is none, or only an encrypted one.
	bool (*read)(const char *pem, size_t length, struct key_facts *facts);
};
