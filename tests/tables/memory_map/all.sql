SELECT * FROM memory_map;
