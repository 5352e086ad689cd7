SELECT * FROM process_open_sockets ORDER BY net_namespace, family, protocol, socket, local_port, remote_port;
