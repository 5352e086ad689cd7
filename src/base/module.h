// SPDX-License-Identifier: Apache-2.0
#pragma once
// Modules: shared objects around heavy libraries, loaded when they are first needed, so that nobody
// who does not need them pays for them. src/modules/NAME/ becomes modules/NAME.so beside the
// program and exports one struct, module_NAME, whose type its header declares.

#include "base/fault.h"

// The struct of that module, or NULL with the reason: which file was tried and what it lacks. A
// loaded module stays until the program ends.
const void *module_open(const char *name, struct fault *why);
