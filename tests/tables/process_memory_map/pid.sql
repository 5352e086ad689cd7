SELECT pid, start FROM process_memory_map WHERE pid = 8;
SELECT count(*) FROM process_memory_map WHERE pid IN (9, 11, 12);
