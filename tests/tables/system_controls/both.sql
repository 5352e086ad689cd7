SELECT name FROM system_controls WHERE subsystem = 'kernel' AND name = 'vm.swappiness';
