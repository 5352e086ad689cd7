// SPDX-License-Identifier: Apache-2.0
#pragma once
// Locals that release themselves when their scope ends, and `take`, which hands them on.

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void auto_free_(void *pointer)
{
	free(*(void **) pointer);
}

static inline void auto_close_(const int *fd)
{
	if (*fd >= 0)
		(void) close(*fd);
}

static inline void auto_fclose_(FILE **file)
{
	if (*file)
		(void) fclose(*file);
}

static inline void auto_closedir_(DIR **folder)
{
	if (*folder)
		(void) closedir(*folder);
}

#define auto_free __attribute__((cleanup(auto_free_)))
#define auto_close __attribute__((cleanup(auto_close_)))
#define auto_fclose __attribute__((cleanup(auto_fclose_)))
#define auto_closedir __attribute__((cleanup(auto_closedir_)))

// The value of an auto_* pointer, which then no longer releases it.
#define take(pointer)                                                                              \
	({                                                                                         \
		__typeof__(pointer) taken_ = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		taken_;                                                                            \
	})

// The same for a descriptor.
static inline int take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
