SELECT hostname, cpu_logical_cores, cpu_physical_cores, cpu_sockets, length(cpu_brand) AS brand, physical_memory, length(board_model) > 0 AS board FROM system_info;
