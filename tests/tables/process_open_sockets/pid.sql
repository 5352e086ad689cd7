SELECT fd, socket, local_port FROM process_open_sockets WHERE pid = 8 ORDER BY fd;
SELECT fd, socket FROM process_open_sockets WHERE pid = 9;
SELECT pid, fd, socket FROM process_open_sockets WHERE pid IN (10, 11, 4711) ORDER BY pid, fd;
SELECT count(*) FROM process_open_sockets WHERE pid = 13;
SELECT socket, count(*) FROM process_open_sockets WHERE socket != 0 GROUP BY socket HAVING count(*) > 1;
SELECT pid, socket FROM process_open_sockets WHERE pid IN (-1, 8) ORDER BY pid, socket, net_namespace;
