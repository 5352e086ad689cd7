SELECT name, parent, vendor, substr(model, 1, 20) AS model, serial, size, block_size, uuid, type, label FROM block_devices ORDER BY name;
