SELECT * FROM arp_cache;
SELECT address FROM arp_cache WHERE mac = '02:42:AC:11:00:07';
