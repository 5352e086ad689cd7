// SPDX-License-Identifier: Apache-2.0
#pragma once
// Base64 (RFC 4648, the standard alphabet).

#include "base/text.h"

void base64_add(struct text *text, const void *bytes, size_t length);

// Adds what the text stands for. Newlines and the '=' at the end are passed over. -EINVAL, with
// nothing added, if anything else is not of the alphabet.
int base64_decode(struct text *text, const char *encoded, size_t length);
