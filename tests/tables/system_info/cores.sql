SELECT cpu_physical_cores FROM system_info;
