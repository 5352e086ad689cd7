// SPDX-License-Identifier: Apache-2.0
#include "modules/blkid/blkid.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <stdio.h>

static void take_value(blkid_probe probe, const char *name, char *value, size_t size)
{
	const char *found;

	if (blkid_probe_lookup_value(probe, name, &found, NULL) == 0)
		(void) snprintf(value, size, "%s", found);
}

static int probe_device(int fd, struct blkid_content *content)
{
	blkid_probe probe = blkid_new_probe();
	int r = -ENOMEM;

	*content = (struct blkid_content){ 0 };
	if (!probe)
		return r;
	if (blkid_probe_set_device(probe, fd, 0, 0) < 0 ||
		blkid_probe_enable_superblocks(probe, 1) < 0 ||
		blkid_probe_set_superblocks_flags(
			probe, BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_TYPE) < 0) {
		r = -EIO;
	} else {
		// "safe": two file systems on one device are none
		r = blkid_do_safeprobe(probe) == -1 ? -EIO : 0;
		take_value(probe, "TYPE", content->type, sizeof(content->type));
		take_value(probe, "UUID", content->uuid, sizeof(content->uuid));
		take_value(probe, "LABEL", content->label, sizeof(content->label));
	}
	blkid_free_probe(probe);
	return r;
}

__attribute__((visibility("default"))) extern const struct blkid_library module_blkid;
const struct blkid_library module_blkid = {
	.probe = probe_device,
};
