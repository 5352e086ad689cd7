SELECT * FROM system_controls ORDER BY name;
