SELECT name, parent, model FROM block_devices WHERE name IN ('/dev/sda1', '/dev/cciss/c0d0', 'sda', '/dev/', '/dev/..', '/dev/../sda', '/dev/none') ORDER BY name;
