SELECT * FROM ssh_configs WHERE uid = 1000 AND hex(option) <> 'FFFE';
SELECT * FROM ssh_configs WHERE uid = 0;
SELECT username, count(*) AS n FROM users JOIN ssh_configs USING (uid) GROUP BY username;
SELECT option FROM ssh_configs WHERE uid = 1000 LIMIT 2;
