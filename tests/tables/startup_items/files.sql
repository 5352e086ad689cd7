SELECT * FROM startup_items WHERE name NOT LIKE '%' || char(65533) || '%' AND type = 'Startup Item' AND hex(name) <> 'FFFE';
SELECT hex(name) AS name, path, source FROM startup_items WHERE hex(name) = 'FFFE';
