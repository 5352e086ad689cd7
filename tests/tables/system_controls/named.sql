SELECT name, current_value FROM system_controls WHERE name IN ('vm.swappiness', 'vm.swap', 'none', 'net.ipv4.conf.eth0.100.rp_filter') ORDER BY name;
