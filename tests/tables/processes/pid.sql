SELECT pid, name FROM processes WHERE pid = 101;
SELECT pid FROM processes WHERE pid IN (1, 104, 103, 99999, -1);
SELECT name FROM processes WHERE pid = 106;
SELECT count(*) FROM processes;
