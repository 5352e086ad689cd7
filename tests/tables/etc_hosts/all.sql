SELECT address, length(hostnames) AS length, substr(hostnames, 1, 60) AS hostnames FROM etc_hosts;
SELECT hostnames FROM hosts WHERE address = '::1';
