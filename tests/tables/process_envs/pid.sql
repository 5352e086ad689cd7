SELECT * FROM process_envs WHERE pid = 8;
SELECT count(*) FROM process_envs WHERE pid IN (7, 8, 12, 4711);
