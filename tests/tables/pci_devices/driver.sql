SELECT pci_slot, model FROM pci_devices WHERE driver = 'igb';
