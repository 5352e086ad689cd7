// SPDX-License-Identifier: Apache-2.0
#pragma once
// Where what the kernel holds for us is pinned: a folder of bpffs for each store and each version
// of the programs.

#include <stddef.h>
#include <stdint.h>

#include "base/base.h"

enum { BPF_PIN_PATH = 128 };

// Makes the folder, mounts bpffs for it if that is missing (*mounted), and removes pins of other
// versions for the same store. `store_folder` names the store.
int bpf_pin_prepare(const char *store_folder, uint64_t version, char folder[BPF_PIN_PATH],
	bool *mounted, struct fault *why);

// Removes all pins of the store.
void bpf_pin_forget(const char *store_folder);

// Removes all pins of the folder and the folder.
void bpf_pin_remove(const char *folder);
