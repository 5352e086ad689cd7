SELECT * FROM known_hosts WHERE uid = 1000 AND hex(key) <> 'FFFE';
SELECT uid, hex(key) AS key FROM known_hosts WHERE hex(key) = 'FFFE' AND uid = 1000;
SELECT username, count(*) AS n FROM users JOIN known_hosts USING (uid) GROUP BY username;
SELECT uid, key FROM known_hosts WHERE uid IN (1001, 1004, 77);
