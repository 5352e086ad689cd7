SELECT interface, mac, type, mtu, metric, flags, last_change, link_speed, pci_slot FROM interface_details;
