SELECT start, "end" FROM memory_map WHERE name = 'System RAM';
