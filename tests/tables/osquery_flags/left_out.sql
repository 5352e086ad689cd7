SELECT name FROM osquery_flags WHERE length(name) <= 2 OR name IN ('flagfile', 'minloglevel', 'v');
