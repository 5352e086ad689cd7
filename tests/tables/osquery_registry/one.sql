SELECT * FROM osquery_registry WHERE registry = 'table' AND name IN ('osquery_registry', 'uptime', 'users');
