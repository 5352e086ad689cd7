SELECT * FROM interface_ipv6;
