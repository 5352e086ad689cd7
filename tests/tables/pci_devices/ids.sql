SELECT pci_slot, vendor_id FROM pci_devices LIMIT 2;
