SELECT * FROM iptables;
