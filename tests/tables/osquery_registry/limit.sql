SELECT registry, name FROM osquery_registry LIMIT 1;
