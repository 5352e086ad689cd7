SELECT pid, name, user_time, system_time, start_time, total_size, resident_size, disk_bytes_read, disk_bytes_written FROM processes ORDER BY pid;
