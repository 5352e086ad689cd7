SELECT * FROM shared_memory;
