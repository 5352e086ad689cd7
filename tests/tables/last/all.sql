SELECT username, hex(tty) AS tty, pid, type, type_name, time, host FROM last;
SELECT username FROM last WHERE type = 7 LIMIT 1;
