SELECT name FROM memory_map LIMIT 1;
