SELECT count(*) AS n FROM shared_memory;
