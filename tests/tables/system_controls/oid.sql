SELECT name FROM system_controls WHERE oid = '1.2';
