// SPDX-License-Identifier: Apache-2.0
// The configuration in a file and in the folder of fragments beside it.
#include "config/config.h"

const struct config_source config_source_filesystem = {
	.name = "filesystem",
	.about = "A file and the folder of fragments beside it.",
};
