SELECT * FROM cpu_info;
