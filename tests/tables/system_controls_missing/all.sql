SELECT * FROM system_controls;
