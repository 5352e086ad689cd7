SELECT * FROM osquery_registry WHERE registry = 'logger';
