SELECT chain, target, dst_port FROM iptables WHERE filter_name = 'filter' AND dst_port != '' AND dst_port NOT LIKE '0:%';
SELECT count(*) FROM iptables LIMIT 3;
