SELECT * FROM pci_devices;
