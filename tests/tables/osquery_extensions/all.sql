SELECT * FROM osquery_extensions;
