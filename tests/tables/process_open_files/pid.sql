SELECT pid, fd, path FROM process_open_files WHERE pid = 8;
SELECT count(*) FROM process_open_files WHERE pid = 9;
SELECT count(*) FROM process_open_files WHERE pid IN (7, 8, 10);
