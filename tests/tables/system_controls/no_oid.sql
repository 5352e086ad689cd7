SELECT count(*) AS n FROM system_controls WHERE oid = '';
