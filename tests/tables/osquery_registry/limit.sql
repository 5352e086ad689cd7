SELECT name = (SELECT min(name) FROM osquery_registry) AS first FROM osquery_registry LIMIT 1;
