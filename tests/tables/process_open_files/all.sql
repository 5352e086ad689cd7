SELECT pid, fd, length(path) AS length, substr(path, 1, 40) AS path FROM process_open_files ORDER BY pid, fd;
