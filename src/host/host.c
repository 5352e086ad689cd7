// SPDX-License-Identifier: Apache-2.0
#include "host/host.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>

#include "host/accounts.h"
#include "host/digest_cache.h"

int host_open(
	struct host *host, const struct flags *flags, const struct agent *agent, struct fault *why)
{
	*host = (struct host){ .root.fd = -1, .flags = flags, .agent = agent };
	return root_open(&host->root, flags_string(flags, "host_root"), why);
}

int host_open_process(struct host *host, const struct host *parent, int64_t pid, struct fault *why)
{
	char path[64];
	int fd;

	*host = (struct host){ .root.fd = -1, .flags = parent->flags, .agent = parent->agent };
	(void) snprintf(path, sizeof(path), "proc/%" PRId64 "/root", pid);
	// not through root_openat: the link leads into another mount namespace, which is the point
	fd = openat(parent->root.fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(why, -errno, "/%s: %m", path);
	host->root = (struct root){ .fd = fd, .moved = true };
	return 0;
}

void host_close(struct host *host)
{
	accounts_free(host->accounts);
	digest_cache_free(host->digests);
	host->accounts = NULL;
	host->digests = NULL;
	root_close(&host->root);
}
