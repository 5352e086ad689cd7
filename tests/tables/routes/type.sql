SELECT destination, netmask FROM routes WHERE type = 'broadcast';
SELECT count(*) FROM routes;
