// SPDX-License-Identifier: Apache-2.0
#pragma once
// Names of PCI devices, from the database pci.ids (https://pci-ids.ucw.cz). Not a table.

#include "sql/table.h"

struct pci_device {
	const char *slot, *driver;
	int vendor, model, subsystem_vendor, subsystem_model; // -1: unknown
	int class, subclass;

	// NULL: unknown
	const char *vendor_name, *model_name, *subsystem_vendor_name, *subsystem_model_name;
	const char *class_name, *subclass_name;
};

// Fills the names of all devices in one reading of the database. -ENOENT when there is none.
int pci_names_read(struct scan *scan, struct pci_device *devices, size_t n);
