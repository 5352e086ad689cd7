SELECT vendor_id FROM pci_devices;
