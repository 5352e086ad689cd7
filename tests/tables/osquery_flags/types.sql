SELECT DISTINCT type FROM osquery_flags ORDER BY type;
