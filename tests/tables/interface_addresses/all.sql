SELECT * FROM interface_addresses;
