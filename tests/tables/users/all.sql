SELECT * FROM users;
SELECT username FROM users WHERE uid = 1;
SELECT username FROM users WHERE uid IN (0, '1000', 4294967294, -1, 1.5, 'x', NULL);
SELECT uid FROM users WHERE username IN ('daemon', 'nobody', 'none');
SELECT uid, include_remote FROM users WHERE username = 'root' AND include_remote = 1;
SELECT username, pid_with_namespace FROM users WHERE uid = 0 AND uuid = '';
SELECT count(*) FROM users WHERE username = '';
