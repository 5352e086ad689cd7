SELECT uid, algorithm, key, options, comment, key_file FROM authorized_keys WHERE uid = 1000 AND algorithm <> 'ecdsa-sha2-nistp384';
SELECT algorithm, hex(key) AS key FROM authorized_keys WHERE uid = 1000 AND algorithm = 'ecdsa-sha2-nistp384';
SELECT username, count(*) AS n FROM users JOIN authorized_keys USING (uid) GROUP BY username;
