// SPDX-License-Identifier: Apache-2.0
#pragma once
// The words of the house, which everything above is written in: faults, locals that release
// themselves, arenas, text, files under a movable root, flags, the log.

#include "base/arena.h"
#include "base/auto.h"
#include "base/fault.h"
#include "base/root.h"
#include "base/text.h"
