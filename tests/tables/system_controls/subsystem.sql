SELECT name FROM system_controls WHERE subsystem = 'kernel' ORDER BY name;
