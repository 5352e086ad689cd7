// SPDX-License-Identifier: Apache-2.0
#pragma once
// Capabilities of files as text (capabilities(7), cap_text_formats(7)). Not a table.

#include "base/base.h"

// The value of the attribute security.capability in the words of getcap(8): "cap_net_raw=ep".
// False when it is no such value.
bool capability_decode(const void *value, size_t length, struct text *text);
