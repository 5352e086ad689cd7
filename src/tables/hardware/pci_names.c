// SPDX-License-Identifier: Apache-2.0
#include "tables/hardware/pci_names.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

// Where a line of the database belongs:
//
//	vendor  name
//		model  name
//			subsystem_vendor subsystem_model  name
//	C class  name
//		subclass  name
struct place {
	int vendor, model, class;
	bool wanted; // a device of this vendor or class exists
};

// Cuts a hexadecimal number of that many digits off the text.
static int take_hex(char **text, int digits)
{
	int number = 0;

	for (int i = 0; i < digits; i++) {
		char c = **text;

		if (!isxdigit((unsigned char) c))
			return -1;
		number = number * 16 +
			(isdigit((unsigned char) c) ? c - '0' : (c | 0x20) - 'a' + 10);
		++*text;
	}
	*text += strspn(*text, " ");
	return number;
}

// The name in the scan's arena, copied when the first device takes it.
struct name {
	struct scan *scan;
	const char *text, *copy;
};

static const char *keep(struct name *name)
{
	if (!name->copy)
		name->copy = arena_copy(scan_arena(name->scan), name->text, strlen(name->text));
	return name->copy;
}

static void read_top(
	struct scan *scan, struct pci_device *devices, size_t n, struct place *place, char *line)
{
	bool is_class = line[0] == 'C' && line[1] == ' ';
	int number;

	line += is_class ? 2 : 0;
	number = take_hex(&line, is_class ? 2 : 4);
	*place = (struct place){ is_class ? -1 : number, -1, is_class ? number : -1, false };
	for (size_t i = 0; number >= 0 && i < n; i++) {
		struct name name = { scan, line, NULL };

		if (is_class && devices[i].class == number) {
			devices[i].class_name = keep(&name);
			place->wanted = true;
		}
		if (!is_class && devices[i].vendor == number) {
			devices[i].vendor_name = keep(&name);
			place->wanted = true;
		}
		if (!is_class && devices[i].subsystem_vendor == number)
			devices[i].subsystem_vendor_name = keep(&name);
	}
}

static void read_second(
	struct scan *scan, struct pci_device *devices, size_t n, struct place *place, char *line)
{
	bool is_class = place->class >= 0;
	int number = take_hex(&line, is_class ? 2 : 4);
	struct name name = { scan, line, NULL };

	place->model = is_class ? -1 : number;
	for (size_t i = 0; number >= 0 && i < n; i++) {
		struct pci_device *device = &devices[i];

		if (is_class && device->class == place->class && device->subclass == number)
			device->subclass_name = keep(&name);
		if (!is_class && device->vendor == place->vendor && device->model == number)
			device->model_name = keep(&name);
	}
}

static void read_third(struct scan *scan, struct pci_device *devices, size_t n,
	const struct place *place, char *line)
{
	int vendor, model;
	struct name name = { scan };

	if (place->model < 0)
		return;
	vendor = take_hex(&line, 4);
	model = take_hex(&line, 4);
	name.text = line;
	for (size_t i = 0; vendor >= 0 && model >= 0 && i < n; i++)
		if (devices[i].vendor == place->vendor && devices[i].model == place->model &&
			devices[i].subsystem_vendor == vendor &&
			devices[i].subsystem_model == model)
			devices[i].subsystem_model_name = keep(&name);
}

static FILE *open_database(struct scan *scan)
{
	static const char *const paths[] = { "usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids",
		"usr/share/pci.ids" };
	FILE *file = NULL;

	for (size_t i = 0; !file && i < sizeof(paths) / sizeof(paths[0]); i++)
		file = scan_open(scan, paths[i]);
	return file;
}

int pci_names_read(struct scan *scan, struct pci_device *devices, size_t n)
{
	auto_fclose FILE *file = open_database(scan);
	struct place place = { -1, -1, -1, false };
	bool whole = true; // the last piece ended a line
	char line[1024];

	if (!file)
		return -ENOENT;
	while (fgets(line, sizeof(line), file)) {
		bool begins = whole;

		whole = strchr(line, '\n') != NULL;
		line[strcspn(line, "\r\n")] = '\0';
		if (!begins || line[0] == '#' || line[0] == '\0')
			continue;
		if (line[0] != '\t')
			read_top(scan, devices, n, &place, line);
		else if (place.wanted && line[1] != '\t')
			read_second(scan, devices, n, &place, line + 1);
		else if (place.wanted)
			read_third(scan, devices, n, &place, line + 2);
	}
	return 0;
}
