SELECT * FROM block_devices;
