SELECT * FROM system_info;
