SELECT * FROM user_groups;
SELECT gid FROM user_groups WHERE uid IN (1001, 0, 5);
SELECT u.username, g.groupname FROM users u JOIN user_groups m ON m.uid = u.uid JOIN groups g ON g.gid = m.gid ORDER BY 1, 2;
