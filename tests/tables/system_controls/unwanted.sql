SELECT name, config_value FROM system_controls WHERE name = 'vm.swappiness';
