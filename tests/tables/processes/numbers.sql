SELECT pid, resident_size, total_size, wired_size, user_time, system_time, disk_bytes_read, disk_bytes_written FROM processes ORDER BY pid;
