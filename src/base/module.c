// SPDX-License-Identifier: Apache-2.0
#include "base/module.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef MODULE_FOLDER
#define MODULE_FOLDER "/usr/lib/hostql/modules"
#endif

// Beside the program, as it is built, else where it is installed.
static void find_folder(char *folder, size_t size)
{
	char program[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
	char *slash;

	(void) snprintf(folder, size, "%s", MODULE_FOLDER);
	if (length <= 0)
		return;
	program[length] = '\0';
	slash = strrchr(program, '/');
	if (!slash)
		return;
	(void) snprintf(slash, sizeof(program) - (size_t) (slash - program), "/modules");
	if (access(program, X_OK) == 0)
		(void) snprintf(folder, size, "%s", program);
}

const void *module_open(const char *name, struct fault *why)
{
	char folder[PATH_MAX], path[PATH_MAX + 64], symbol[64];
	const void *module;
	void *handle;

	find_folder(folder, sizeof(folder));
	(void) snprintf(path, sizeof(path), "%s/%s.so", folder, name);
	handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!handle) {
		(void) fail(why, -ENOENT, "module %s: %s", name, dlerror());
		return NULL;
	}
	(void) snprintf(symbol, sizeof(symbol), "module_%s", name);
	module = dlsym(handle, symbol);
	if (!module)
		(void) fail(
			why, -ENOENT, "module %s: %s: it does not define %s", name, path, symbol);
	return module;
}
