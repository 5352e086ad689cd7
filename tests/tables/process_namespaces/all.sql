SELECT * FROM process_namespaces ORDER BY pid;
SELECT pid, net_namespace FROM process_namespaces WHERE pid = 7;
SELECT pid FROM process_namespaces WHERE pid = 10;
