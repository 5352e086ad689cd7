// SPDX-License-Identifier: Apache-2.0
// Devices on the PCI buses, from /sys/bus/pci/devices (Documentation/PCI/sysfs-pci.rst), with names
// from pci.ids.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>

#include "tables/hardware/pci_names.h"

enum {
	PCI_SLOT,
	PCI_CLASS,
	DRIVER,
	VENDOR,
	VENDOR_ID,
	MODEL,
	MODEL_ID,
	PCI_CLASS_ID,
	PCI_SUBCLASS_ID,
	PCI_SUBCLASS,
	SUBSYSTEM_VENDOR_ID,
	SUBSYSTEM_VENDOR,
	SUBSYSTEM_MODEL_ID,
	SUBSYSTEM_MODEL
};

static const struct column columns[] = {
	[PCI_SLOT] = { "pci_slot", TEXT, "Its place: domain:bus:device.function." },
	[PCI_CLASS] = { "pci_class", TEXT, "Name of its class." },
	[DRIVER] = { "driver", TEXT, "Driver that runs it." },
	[VENDOR] = { "vendor", TEXT, "Name of its maker." },
	[VENDOR_ID] = { "vendor_id", TEXT, "Number of its maker, as 0x….", NOCASE },
	[MODEL] = { "model", TEXT, "Name of the model." },
	[MODEL_ID] = { "model_id", TEXT, "Number of the model, as 0x….", NOCASE },
	[PCI_CLASS_ID] = { "pci_class_id", TEXT, "Number of its class, as 0x….", NOCASE },
	[PCI_SUBCLASS_ID] = { "pci_subclass_id", TEXT, "Number of its subclass, as 0x….", NOCASE },
	[PCI_SUBCLASS] = { "pci_subclass", TEXT, "Name of its subclass." },
	[SUBSYSTEM_VENDOR_ID] = { "subsystem_vendor_id", TEXT,
		"Number of the maker of the card, as 0x….", NOCASE },
	[SUBSYSTEM_VENDOR] = { "subsystem_vendor", TEXT, "Name of the maker of the card." },
	[SUBSYSTEM_MODEL_ID] = { "subsystem_model_id", TEXT, "Number of the card, as 0x….",
		NOCASE },
	[SUBSYSTEM_MODEL] = { "subsystem_model", TEXT, "Name of the card." },
};

static const char folder_path[] = "sys/bus/pci/devices";

// A file with one number up to `most`; -1 without it.
static int read_number(int folder, const char *name, int64_t most)
{
	char text[32];
	int64_t number;

	if (read_small(folder, name, text, sizeof(text)) < 0 ||
		text_integer(text_trim(text), 16, &number) < 0 || number < 0 || number > most)
		return -1;
	return (int) number;
}

static bool read_device(struct scan *scan, const char *slot, struct pci_device *device)
{
	struct arena *arena = scan_arena(scan);
	auto_close int folder = root_openat(scan_root(scan),
		arena_printf(arena, "%s/%s", folder_path, slot), O_PATH | O_DIRECTORY);
	char link[PATH_MAX];
	const char *driver;
	ssize_t length;
	int class;

	if (folder < 0)
		return false;
	class = read_number(folder, "class", 0xffffff);
	*device = (struct pci_device){
		.slot = arena_copy(arena, slot, strlen(slot)),
		.vendor = read_number(folder, "vendor", 0xffff),
		.model = read_number(folder, "device", 0xffff),
		.subsystem_vendor = read_number(folder, "subsystem_vendor", 0xffff),
		.subsystem_model = read_number(folder, "subsystem_device", 0xffff),
		.class = class < 0 ? -1 : class >> 16,
		.subclass = class < 0 ? -1 : class >> 8 & 0xff,
	};
	if (device->subsystem_vendor <= 0) // a bridge, or a card that does not say
		device->subsystem_vendor = device->subsystem_model = -1;
	length = readlinkat(folder, "driver", link, sizeof(link) - 1);
	if (length > 0) {
		link[length] = '\0';
		driver = strrchr(link, '/');
		driver = driver ? driver + 1 : link;
		device->driver = arena_copy(arena, driver, strlen(driver));
	}
	return true;
}

static int compare_devices(const void *a, const void *b)
{
	const struct pci_device *left = a, *right = b;

	return strcmp(left->slot, right->slot);
}

static size_t read_devices(struct scan *scan, DIR *folder, struct pci_device **devices)
{
	size_t n = 0, room = 0;
	struct dirent *entry;

	while ((entry = readdir(folder)) && !scan_cancelled(scan)) {
		if (entry->d_name[0] == '.')
			continue;
		if (n == room) {
			room = room ? 2 * room : 64;
			*devices = must_resize(*devices, room * sizeof(**devices));
		}
		n += read_device(scan, entry->d_name, &(*devices)[n]);
	}
	if (n)
		qsort(*devices, n, sizeof(**devices), compare_devices);
	return n;
}

static void give_id(struct scan *scan, unsigned column, int digits, int id, const char *otherwise)
{
	if (id < 0)
		scan_text(scan, column, otherwise);
	else
		scan_printf(scan, column, "0x%0*x", digits, (unsigned) id);
}

static void give_device(struct scan *scan, const struct pci_device *device)
{
	scan_text(scan, PCI_SLOT, device->slot);
	scan_text(scan, DRIVER, device->driver);
	give_id(scan, VENDOR_ID, 4, device->vendor, "0");
	give_id(scan, MODEL_ID, 4, device->model, "0");
	give_id(scan, PCI_CLASS_ID, 2, device->class, NULL);
	give_id(scan, PCI_SUBCLASS_ID, 2, device->subclass, NULL);
	give_id(scan, SUBSYSTEM_VENDOR_ID, 4, device->subsystem_vendor, NULL);
	give_id(scan, SUBSYSTEM_MODEL_ID, 4, device->subsystem_model, NULL);
	scan_text(scan, VENDOR, device->vendor_name);
	scan_text(scan, MODEL, device->model_name);
	scan_text(scan, PCI_CLASS, device->class_name);
	scan_text(scan, PCI_SUBCLASS, device->subclass_name);
	scan_text(scan, SUBSYSTEM_VENDOR, device->subsystem_vendor_name);
	scan_text(scan, SUBSYSTEM_MODEL, device->subsystem_model_name);
}

static bool wants_names(const struct scan *scan)
{
	return scan_wants(scan, PCI_CLASS) || scan_wants(scan, VENDOR) || scan_wants(scan, MODEL) ||
		scan_wants(scan, PCI_SUBCLASS) || scan_wants(scan, SUBSYSTEM_VENDOR) ||
		scan_wants(scan, SUBSYSTEM_MODEL);
}

static int generate(struct scan *scan, struct fault *why)
{
	auto_close int fd = root_openat(scan_root(scan), folder_path, O_RDONLY | O_DIRECTORY);
	auto_closedir DIR *folder = fd < 0 ? NULL : fdopendir(fd);
	auto_free struct pci_device *devices = NULL;
	size_t n;

	if (!folder) // a machine without PCI
		return errno == ENOENT ? 0 : fail(why, -errno, "pci_devices: /%s: %m", folder_path);
	(void) take_fd(&fd); // the folder closes it
	n = read_devices(scan, folder, &devices);
	if (n && wants_names(scan) && pci_names_read(scan, devices, n) < 0)
		scan_warn(scan, "no pci.ids in /usr/share/misc or /usr/share/hwdata: no names");
	for (size_t i = 0; i < n; i++) {
		bool more = scan_row(scan);

		give_device(scan, &devices[i]);
		if (!more)
			break;
	}
	return 0;
}

const struct table table_pci_devices = {
	.name = "pci_devices",
	.about = "Devices on the PCI buses.",
	COLUMNS(columns),
	EXAMPLES("SELECT pci_slot, vendor, model, driver FROM pci_devices",
		"SELECT pci_slot, vendor_id, model_id FROM pci_devices WHERE driver = ''"),
	.estimate = { .rows = 40, .start = 2000, .row = 60 },
	.generate = generate,
};
