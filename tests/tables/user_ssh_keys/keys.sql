SELECT uid, path, encrypted, key_type, key_group_name, key_length, key_security_bits FROM user_ssh_keys WHERE uid IN (0, 1000) ORDER BY path;
SELECT username, count(*) AS n FROM users JOIN user_ssh_keys USING (uid) GROUP BY username;
