SELECT pid, start, "end", permissions, offset, device, inode, length(path) AS length, substr(path, 1, 40) AS path, pseudo FROM process_memory_map ORDER BY pid, start;
