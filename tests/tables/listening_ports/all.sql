SELECT * FROM listening_ports ORDER BY net_namespace, family, protocol, port, path;
SELECT pid FROM listening_ports WHERE port = 22 AND family = 2;
SELECT count(*) > 3 FROM (SELECT * FROM listening_ports LIMIT 4);
