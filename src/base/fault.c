// SPDX-License-Identifier: Apache-2.0
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>

int fail(struct fault *why, int code, const char *format, ...)
{
	va_list arguments;

	if (!why)
		return code;

	why->code = code;
	va_start(arguments, format);
	(void) vsnprintf(why->text, sizeof(why->text), format, arguments);
	va_end(arguments);
	return code;
}
