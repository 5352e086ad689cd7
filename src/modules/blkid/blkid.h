// SPDX-License-Identifier: Apache-2.0
#pragma once
// What a block device holds, by libblkid.

struct blkid_content {
	char type[32]; // of the file system, or swap, crypto_LUKS…; empty if unknown
	char uuid[64];
	char label[256];
};

struct blkid_library {
	// Reads the device behind the descriptor. 0, also when it holds nothing that is known, or a
	// negative errno.
	int (*probe)(int fd, struct blkid_content *content);
};
