SELECT * FROM memory_info;
